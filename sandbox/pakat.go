package sandbox

import (
	"net/http"
	"strconv"
	"time"

	"github.com/postmux/postmux/provider"
)

// pakat imitates new.pakat.net, an installation of MailWizz. It also imitates
// behaviour of MailWizz known from its clients and from other installations.
//
// Assumptions where nothing is documented, the worse case where a caller could lose
// something:
//
//   - an update empties the tags that it leaves out;
//   - a tag that the list does not have is ignored without an error;
//   - a search over all lists without a hit is an empty page, not 404;
//   - a page after the last one is empty;
//   - every domain is a verified one;
//   - the text part of a mail is decoded when it is base64, and taken as it is
//     when it is not;
//   - mail is handed over a minute after its time, when the queue is processed; it
//     fails when the address is suppressed, and a bounce is never reported;
//   - what is refused because the address is blacklisted has status 422.
type pakat struct {
	*store
	// raw are the statuses without a counterpart in the store, by uid.
	raw map[string]string
	// double are the lists with a confirmation (double opt-in).
	double map[string]bool
	// describe are the forms with which lists were created, by uid.
	describe  map[string]map[string]any
	campaigns []*pakatCampaign
}

// pakatQuota is the number of mails that the account may send.
const pakatQuota = 10000

// pakatList and pakatDoubleList exist from the start; the second one has a
// confirmation (double opt-in).
const (
	pakatList       = "newsletter001"
	pakatDoubleList = "confirmed0001"
	pakatTemplate   = "orderready001"
)

func newPakat(st *store) fake {
	st.firstName, st.lastName, st.rows = "FNAME", "LNAME", true
	st.addField("CITY", "text")
	st.addField("PHONE", "phonenumber")
	st.addField("POINTS", "number")
	st.addList(pakatList, "Newsletter")
	st.addList(pakatDoubleList, "Offers")
	st.addTemplate(Template{
		ID: pakatTemplate, Name: "Order ready",
		HTML: "<p>Hello {{ params.name }}, your order {{ params.order }} is ready.</p>",
	})
	return &pakat{
		store: st, raw: map[string]string{}, double: map[string]bool{pakatDoubleList: true},
		describe: map[string]map[string]any{},
	}
}

func (p *pakat) handlers() map[string]handler {
	return map[string]handler{
		"sendTransactionalEmail":       p.sendMail,
		"getTransactionalEmail":        p.getMail,
		"listTransactionalEmails":      p.listMails,
		"deleteTransactionalEmail":     p.deleteMail,
		"listTemplates":                p.listTemplates,
		"createTemplate":               p.createTemplate,
		"getTemplate":                  p.getTemplate,
		"updateTemplate":               p.updateTemplate,
		"deleteTemplate":               p.deleteTemplate,
		"createField":                  p.createField,
		"getField":                     p.getField,
		"deleteField":                  p.deleteField,
		"listCampaigns":                p.listCampaigns,
		"listCampaignDeliveryLogs":     p.listDeliveries,
		"listCampaignBounces":          p.listBounces,
		"listCampaignUnsubscribes":     p.listLeaves,
		"createCampaign":               p.createCampaign,
		"getCampaign":                  p.getCampaign,
		"updateCampaign":               p.updateCampaign,
		"deleteCampaign":               p.deleteCampaign,
		"copyCampaign":                 p.copyCampaign,
		"toggleCampaignPause":          p.toggleCampaignPause,
		"markCampaignSent":             p.markCampaignSent,
		"listLists":                    p.listLists,
		"createList":                   p.createList,
		"getList":                      p.getList,
		"updateList":                   p.updateList,
		"deleteList":                   p.deleteListByUID,
		"listFields":                   p.listFields,
		"listSubscribers":              p.listSubscribers,
		"createSubscriber":             p.createSubscriber,
		"getSubscriber":                p.getSubscriber,
		"updateSubscriber":             p.updateSubscriber,
		"deleteSubscriber":             p.deleteSubscriber,
		"unsubscribeSubscriber":        p.unsubscribeSubscriber,
		"getSubscriberByEmail":         p.searchList,
		"listSubscribersByEmail":       p.searchAll,
		"unsubscribeEmailFromAllLists": p.unsubscribeAll,
		"getQuota":                     p.getQuota,
		"getSendingDomain":             p.getSendingDomain,
	}
}

func (p *pakat) authorize(c *call) (answer, bool) {
	if c.header.Get("X-API-KEY") == Key(p.name) {
		return answer{}, true
	}
	return p.fail(http.StatusUnauthorized, "The API key is missing or not valid."), false
}

// fail returns an error as text. An error about fields is an object: see invalid.
func (p *pakat) fail(status int, message string) answer {
	return answer{status: status, body: map[string]any{"status": "error", "error": message}}
}

// invalid returns a message for each field. The vendor's schema has error as a text
// only, which is wrong.
func (p *pakat) invalid(fields map[string]any) answer {
	return answer{
		status: http.StatusUnprocessableEntity,
		body:   map[string]any{"status": "error", "error": fields},
	}
}

func (p *pakat) notFound(what string) answer {
	return p.fail(http.StatusNotFound, "The "+what+" does not exist.")
}

// done is the response of operations that return nothing else.
func (p *pakat) done() answer {
	return answer{status: http.StatusOK, body: map[string]any{"status": "success"}}
}

// record is the response with one record.
func (p *pakat) record(status int, record map[string]any) answer {
	return answer{
		status: status,
		body:   map[string]any{"status": "success", "data": map[string]any{"record": record}},
	}
}

// pakatMostPerPage is the largest page (another installation's documentation).
const pakatMostPerPage = 50

// pakatPage is the response with a page of all. The number of records is a text,
// the other numbers are not; the previous page of the first and the next page of
// the last are null.
func pakatPage[T any](c *call, all []T, view func(T) map[string]any) answer {
	current, size := max(c.integer("page", 1), 1), min(max(c.integer("per_page", 10), 1), pakatMostPerPage)
	total := (int64(len(all)) + size - 1) / size
	data := map[string]any{
		"count": strconv.Itoa(len(all)), "total_pages": total, "current_page": current,
		"next_page": nil, "prev_page": nil,
	}
	if current < total {
		data["next_page"] = current + 1
	}
	if current > 1 {
		data["prev_page"] = current - 1
	}
	records := []any{}
	for _, x := range page(all, (current-1)*size, size) {
		records = append(records, view(x))
	}
	data["records"] = records
	return answer{status: http.StatusOK, body: map[string]any{"status": "success", "data": data}}
}

// pakatLog is the response with a page of a log.
func pakatLog[T any](p *pakat, c *call, all []T, view func(T) map[string]any) answer {
	if most := p.server.logs.Page; most > 0 {
		c.query.Set("per_page", strconv.FormatInt(p.logSize(max(c.integer("per_page", 10), 1)), 10))
	}
	return pakatPage(c, inLog(p.store, all), view)
}

// pakatTime writes a time as the vendor does.
func pakatTime(t time.Time) string { return t.UTC().Format(time.DateTime) }

// getQuota has "ok" as the status, unlike all other operations.
func (p *pakat) getQuota(*call) answer {
	used := 0
	for _, m := range p.mails.items {
		if !m.Withdrawn {
			used++
		}
	}
	return answer{status: http.StatusOK, body: map[string]any{"status": "ok", "quota": map[string]any{
		"percentage": strconv.Itoa(used*100/pakatQuota) + "%", "used": used, "allowed": pakatQuota,
	}}}
}

// getSendingDomain responds like the published example, without data about the
// domain.
func (p *pakat) getSendingDomain(*call) answer { return p.done() }

func (p *pakat) listTemplates(c *call) answer {
	return pakatPage(c, p.templates, p.templateView)
}

// pakatStatuses are the vendor's names of the statuses of the store. It has none
// for bounces and complaints; such an address is blacklisted.
var pakatStatuses = map[provider.MembershipStatus]string{
	provider.StatusSubscribed: "confirmed", provider.StatusPending: "unconfirmed", provider.StatusUnsubscribed: "unsubscribed",
	provider.StatusBlocked: "blacklisted", provider.StatusBounced: "blacklisted", provider.StatusComplained: "blacklisted",
	provider.StatusRemoved: "moved", provider.StatusOther: "disabled",
}

// pakatWords are the statuses of the store by the vendor's names.
var pakatWords = map[string]provider.MembershipStatus{
	"confirmed": provider.StatusSubscribed, "unconfirmed": provider.StatusPending, "unapproved": provider.StatusPending,
	"unsubscribed": provider.StatusUnsubscribed, "blacklisted": provider.StatusBlocked, "disabled": provider.StatusOther,
}
