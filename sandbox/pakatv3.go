package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/provider"
)

// pakatV3 imitates Pakat v3. Its document shows eight responses and no error; the
// rest is assumed to be as at Brevo, which descends from the same service, so the
// fake is built on Brevo's: statuses, error bodies, account, attributes, lists and
// folders, sizes of pages, and names of events other than delivered. Documented
// differences are below. There is no idempotency key: a repeat is a second mail.
type pakatV3 struct{ *brevo }

func newPakatV3(st *store) fake {
	b := newBrevo(st).(*brevo)
	// The document has no external id.
	st.fields = slices.DeleteFunc(st.fields, func(f *field) bool { return f.name == "EXT_ID" })
	b.stamp = seconds
	return &pakatV3{b}
}

func (p *pakatV3) handlers() map[string]handler {
	return map[string]handler{
		"getAccount":               p.getAccount,
		"listSenders":              p.listSenders,
		"sendEmail":                p.sendEmail,
		"listEmails":               p.listEmails,
		"listWebhooks":             p.listWebhooks,
		"createWebhook":            p.createWebhook,
		"getWebhook":               p.getWebhook,
		"updateWebhook":            p.updateWebhook,
		"deleteWebhook":            p.deleteWebhook,
		"listEmailEvents":          p.listEmailEvents,
		"listTemplates":            p.listTemplates,
		"getTemplate":              p.getTemplate,
		"createTemplate":           p.createTemplate,
		"updateTemplate":           p.updateTemplate,
		"deleteTemplate":           p.deleteTemplate,
		"sendTemplateTest":         p.sendTemplateTest,
		"createSender":             p.createSender,
		"updateSender":             p.updateSender,
		"deleteSender":             p.deleteSender,
		"listCampaigns":            p.listCampaigns,
		"createCampaign":           p.createCampaign,
		"getCampaign":              p.getCampaign,
		"sendCampaignNow":          p.sendCampaignNow,
		"sendCampaignTest":         p.sendCampaignTest,
		"getEmailReports":          p.getEmailReports,
		"getAggregatedEmailReport": p.getAggregatedEmailReport,
		"listBlockedContacts":      p.listBlockedContacts,
		"listContacts":             p.listContacts,
		"createContact":            p.createContact,
		"createDoubleOptInContact": p.createDoubleOptInContact,
		"getContact":               p.getContact,
		"deleteContact":            p.deleteContact,
		"updateContact":            p.updateContact,
		"listAttributes":           p.listAttributes,
		"listLists":                p.listLists,
		"createList":               p.createList,
		"listFolders":              p.listFolders,
		"createFolder":             p.createFolder,
	}
}

// decorate adds nothing: the document names no header of a response.
func (p *pakatV3) decorate(*call, http.Header) {}

// seconds is the layout of templates and events, millis that of contacts.
func seconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func millis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+00:00") }

// contactView returns a contact in the form of the document's sample; the phone
// number is shown as it was given, also in local form.
func (p *pakatV3) contactView(k *contact) map[string]any {
	attributes := map[string]any{}
	for name, v := range k.fields {
		attributes[name] = v
	}
	if k.phone != "" {
		attributes["SMS"] = k.phone
	}
	lists := []int64{}
	for _, m := range k.members {
		id, _ := strconv.ParseInt(m.list, 10, 64)
		lists = append(lists, id)
	}
	out := map[string]any{
		"id": k.id, "attributes": attributes, "listIds": lists,
		"emailBlacklisted": p.blocked(k.key(), is(noMarketing)), "smsBlacklisted": p.blocked(k.key(), is(noSMS)),
		"createdAt": millis(k.created), "modifiedAt": millis(k.modified),
	}
	if k.email != "" {
		out["email"] = k.email
	}
	return out
}

// listContacts has no parameter for the order; oldest first is a guess.
func (p *pakatV3) listContacts(c *call) answer {
	rows := []any{}
	for _, k := range p.contacts {
		if after(c.query.Get("modifiedSince"), k.modified) {
			rows = append(rows, p.contactView(k))
		}
	}
	part := page(rows, c.integer("offset", 0), c.integer("limit", 50))
	return answer{status: 200, body: map[string]any{"contacts": part, "count": len(rows)}}
}

// createContact takes an address, or SMS among the attributes; with updateEnabled
// it updates. The codes of errors are a guess.
func (p *pakatV3) createContact(c *call) answer {
	var req pakatv3api.CreateContactRequest
	c.decode(&req)
	email, phone := value(req.Email), textOf(req.Attributes["SMS"])
	switch {
	case email == "" && phone == "":
		return p.missing("email is missing")
	case email == "":
		email = phone + standIn
	case !validEmail(email):
		return p.invalid("email is not valid")
	}
	if refusal, ok := p.known(req.ListIDs); !ok {
		return refusal
	}
	k, status := p.contact(email), http.StatusNoContent
	switch {
	case k == nil:
		k, status = p.addContact(email), http.StatusCreated
	case !value(req.UpdateEnabled):
		return p.refuse(http.StatusBadRequest, "duplicate_parameter", "Contact already exists")
	}
	p.change(k, req.Attributes, req.ListIDs, nil, req.EmailBlacklisted, req.SMSBlacklisted)
	if status == http.StatusCreated {
		return answer{status: status, body: map[string]any{"id": k.id}}
	}
	if req.SMTPBlacklistSender != nil { // only together with updateEnabled
		p.blockSenders(k, req.SMTPBlacklistSender)
	}
	return answer{status: status}
}

// getContact shows the lists that a contact left, as Sendinblue did.
func (p *pakatV3) getContact(c *call) answer {
	k := p.contact(c.path["email"])
	if k == nil {
		return p.notFound("Contact does not exist")
	}
	view := p.contactView(k)
	on, off := []int64{}, []int64{}
	for _, m := range k.members {
		id, _ := strconv.ParseInt(m.list, 10, 64)
		if m.status == provider.StatusSubscribed {
			on = append(on, id)
		} else {
			off = append(off, id)
		}
	}
	view["listIds"], view["listUnsubscribed"] = on, off
	return answer{status: 200, body: view}
}

func (p *pakatV3) deleteContact(c *call) answer {
	k := p.contact(c.path["email"])
	if k == nil {
		return p.notFound("Contact does not exist")
	}
	p.store.deleteContact(k)
	return answer{status: http.StatusNoContent}
}

func (p *pakatV3) updateContact(c *call) answer {
	var req pakatv3api.UpdateContactRequest
	c.decode(&req)
	k := p.contact(c.path["email"])
	if k == nil {
		return p.notFound("Contact does not exist")
	}
	if refusal, ok := p.known(slices.Concat(req.ListIDs, req.UnlinkListIDs)); !ok {
		return refusal
	}
	email := textOf(req.Attributes["EMAIL"]) // changes the address
	switch other := p.contact(email); {
	case email != "" && !validEmail(email):
		return p.invalid("email is not valid")
	case other != nil && other != k:
		return p.refuse(http.StatusBadRequest, "duplicate_parameter", "Contact already exists")
	}
	p.set(k, contactNeeds{email: email}, nil) // its blocks move to the new address
	p.change(
		k, req.Attributes, req.ListIDs, req.UnlinkListIDs, req.EmailBlacklisted, req.SMSBlacklisted,
	)
	if req.SMTPBlacklistSender != nil {
		p.blockSenders(k, req.SMTPBlacklistSender)
	}
	return answer{status: http.StatusNoContent}
}

// change is the common part of create and update. Attributes that the account does
// not have are dropped without an error.
func (p *pakatV3) change(
	k *contact, attributes map[string]any, join, leave []int64, email, sms *bool,
) {
	if phone, given := attributes["SMS"]; given {
		k.phone = textOf(phone) // kept as it is, not as Brevo's digits
		delete(attributes, "SMS")
	}
	p.set(k, contactNeeds{}, attributes)
	p.flags(k, email, sms)
	for _, id := range join {
		p.join(k, strconv.FormatInt(id, 10), provider.StatusSubscribed)
	}
	for _, id := range leave {
		k.leave(strconv.FormatInt(id, 10))
	}
}

func textOf(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}
