package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/provider"
)

// brevo imitates Brevo. Assumptions: which of the codes invalid_parameter and
// missing_parameter an error has; a request with messageVersions and an outer
// recipient is refused; a refused mail does not use up its idempotency key; an
// empty text or null clears an attribute.
type brevo struct {
	*store
	sent      map[string]time.Time // idempotency key -> when it was used
	folders   []brevoFolder
	processes []*brevoProcess
	senders   []*brevoSender
	campaigns []*brevoCampaign
	credits   int
	stamp     func(time.Time) string // of templates and campaigns
}

// brevoFolder is a folder of lists.
type brevoFolder struct {
	id   int64
	name string
}

// brevoOwner is the address of the account, which cannot be deleted as a contact.
const brevoOwner = "owner@example.com"

// brevoSettings returns the settings of an account with the tracker.
func brevoSettings(key string, baseURL func(string) string) map[string]any {
	return map[string]any{
		"api_key":          key,
		"tracker_key":      brevoTrackerKey,
		"tracker_base_url": baseURL(brevoTracker),
	}
}

func newBrevo(st *store) fake {
	st.firstName, st.lastName = "FIRSTNAME", "LASTNAME"
	for _, f := range [][2]string{
		{"FIRSTNAME", "text"},
		{"LASTNAME", "text"},
		{"SMS", "text"},
		{"EXT_ID", "text"},
		{"BIRTHDAY", "date"},
		{"CITY", "text"},
		{"POINTS", "float"},
		{"VIP", "boolean"},
	} {
		st.addField(f[0], f[1])
	}
	st.addList("4", "Newsletter").folder = 1
	st.addTemplate(Template{
		ID: "12", Name: "Order ready", Subject: "{{params.name}}, your order is ready",
		HTML: "<p>Hello {{params.name}}, your order {{params.order}} is ready.</p>",
	})
	return &brevo{
		store: st, sent: map[string]time.Time{}, folders: []brevoFolder{{1, "Shop"}}, credits: 10000, stamp: zulu,
		senders: []*brevoSender{{id: brevoOwnSender, name: defaultFrom.Name, email: defaultFrom.Email, active: true}},
	}
}

func (b *brevo) handlers() map[string]handler {
	return map[string]handler{
		"sendEmail":                b.sendEmail,
		"cancelScheduledEmail":     b.cancelScheduledEmail,
		"getScheduledEmailStatus":  b.getScheduledEmailStatus,
		"listEmails":               b.listEmails,
		"getEmail":                 b.getEmail,
		"listEmailEvents":          b.listEmailEvents,
		"listTemplates":            b.listTemplates,
		"listBlockedContacts":      b.listBlockedContacts,
		"unblockContact":           b.unblockContact,
		"listContacts":             b.listContacts,
		"createContact":            b.createContact,
		"getContact":               b.getContact,
		"updateContact":            b.updateContact,
		"createDoubleOptInContact": b.createDoubleOptInContact,
		"deleteContact":            b.deleteContactByID,
		"importContacts":           b.importContacts,
		"getProcess":               b.getProcess,
		"listProcesses":            b.listProcesses,
		"listLists":                b.listLists,
		"createList":               b.createList,
		"getList":                  b.getList,
		"updateList":               b.updateList,
		"deleteList":               b.deleteListByID,
		"listContactsOfList":       b.listContactsOfList,
		"addContactsToList":        b.addContactsToList,
		"removeContactsFromList":   b.removeContactsFromList,
		"listFolders":              b.listFolders,
		"listAttributes":           b.listAttributes,
		"getAccount":               b.getAccount,
		"listSenders":              b.listSenders,
		"createSender":             b.createSender,
		"updateSender":             b.updateSender,
		"deleteSender":             b.deleteSender,
		"validateSender":           b.validateSender,
		"createTemplate":           b.createTemplate,
		"getTemplate":              b.getTemplate,
		"updateTemplate":           b.updateTemplate,
		"deleteTemplate":           b.deleteTemplate,
		"sendTemplateTest":         b.sendTemplateTest,
		"previewTemplate":          b.previewTemplate,
		"createAttribute":          b.createAttribute,
		"updateAttribute":          b.updateAttribute,
		"deleteAttribute":          b.deleteAttribute,
		"createFolder":             b.createFolder,
		"getFolder":                b.getFolder,
		"updateFolder":             b.updateFolder,
		"deleteFolder":             b.deleteFolder,
		"listListsOfFolder":        b.listListsOfFolder,
		"getAggregatedEmailReport": b.getAggregatedEmailReport,
		"getEmailReports":          b.getEmailReports,
		"listCampaigns":            b.listCampaigns,
		"createCampaign":           b.createCampaign,
		"getCampaign":              b.getCampaign,
		"updateCampaign":           b.updateCampaign,
		"deleteCampaign":           b.deleteCampaign,
		"sendCampaignNow":          b.sendCampaignNow,
		"sendCampaignTest":         b.sendCampaignTest,
		"updateCampaignStatus":     b.updateCampaignStatus,
		"listWebhooks":             b.listWebhooks,
		"createWebhook":            b.createWebhook,
		"getWebhook":               b.getWebhook,
		"updateWebhook":            b.updateWebhook,
		"deleteWebhook":            b.deleteWebhook,
	}
}

func (b *brevo) authorize(c *call) (answer, bool) {
	switch c.header.Get("api-key") {
	case Key(b.name):
		b.finish()
		b.sendDue()
		return answer{}, true
	case "":
		return b.refuse(
			http.StatusUnauthorized, "unauthorized", "authentication not found in headers",
		), false
	}
	return b.refuse(http.StatusUnauthorized, "unauthorized", "Key not found"), false
}

// brevoCodes are the codes of errors that the sandbox itself returns.
var brevoCodes = map[int]string{
	400: "bad_request", 404: "document_not_found", 405: "method_not_allowed",
}

func (b *brevo) fail(status int, message string) answer {
	return b.refuse(status, brevoCodes[status], message)
}

func (b *brevo) refuse(status int, code, message string) answer {
	body := map[string]any{"message": message}
	if code != "" {
		body["code"] = code
	}
	return answer{status: status, body: body}
}

func (b *brevo) invalid(format string, args ...any) answer {
	return b.refuse(http.StatusBadRequest, "invalid_parameter", fmt.Sprintf(format, args...))
}

func (b *brevo) missing(what string) answer {
	return b.refuse(http.StatusBadRequest, "missing_parameter", what)
}

func (b *brevo) notFound(what string) answer {
	return b.refuse(http.StatusNotFound, "document_not_found", what)
}

// decorate adds the headers that every response has. The numbers are those of the
// smallest plan and constant.
func (b *brevo) decorate(c *call, h http.Header) {
	limit, reset := 100, 3600
	switch {
	case c.op == "sendEmail" || c.op == "listBlockedContacts":
		limit, reset = 1000, 1
	case c.op == "listEmails":
		limit, reset = 2, 1
	case strings.Contains(c.op, "Email") || c.op == "listTemplates" || c.op == "unblockContact":
		limit = 300
	case strings.Contains(c.op, "Contact") || strings.Contains(c.op, "List") || c.op == "listFolders" || c.op == "listAttributes":
		limit, reset = 10, 1
	}
	h.Set("sib-request-id", uuid(int64(b.server.requests.came())))
	h.Set("x-sib-ratelimit-limit", strconv.Itoa(limit))
	h.Set("x-sib-ratelimit-remaining", strconv.Itoa(limit-1))
	h.Set("x-sib-ratelimit-reset", strconv.Itoa(reset))
}

// pageOf returns a page of all, which is oldest first; a limit above most is
// refused.
func pageOf[T any](b *brevo, c *call, all []T, def, most int64) ([]T, answer, bool) {
	limit, offset := c.integer("limit", def), c.integer("offset", 0)
	if limit > most || limit < 0 || offset < 0 {
		return nil, b.refuse(
			http.StatusBadRequest, "out_of_range",
			fmt.Sprintf("limit must be 0 to %d, offset not negative", most),
		), false
	}
	if c.query.Get("sort") != "asc" {
		all = newestFirst(all)
	}
	return page(all, offset, b.logSize(limit)), answer{}, true
}

// between returns a filter by the parameters startDate and endDate, which
// come together or not at all.
func (b *brevo) between(c *call) (func(time.Time) bool, answer, bool) {
	start, end := c.query.Get("startDate"), c.query.Get("endDate")
	if (start == "") != (end == "") {
		return nil, b.missing("startDate and endDate are needed together"), false
	}
	return func(t time.Time) bool {
		day := t.Format(time.DateOnly)
		return start == "" || start <= day && day <= end
	}, answer{}, true
}

func (b *brevo) getAccount(*call) answer {
	return answer{status: 200, body: map[string]any{
		"email": brevoOwner, "firstName": "Owner", "lastName": "Example", "companyName": "Shop",
		"organization_id": "65a1c09e7d3b4f0012ab3400", "user_id": 40123, "enterprise": false,
		"dateTimePreferences": map[string]any{"timezone": "Asia/Tehran", "timeFormat": "24h", "dateFormat": "dd-MM-yyyy"},
		"planVerticals":       []any{},
		"address":             map[string]any{"street": "Main Street 1", "city": "Shiraz", "zipCode": "71345", "country": "IR"},
		"plan": []any{
			map[string]any{"type": "payAsYouGo", "creditsType": "sendLimit", "credits": b.credits},
			map[string]any{"type": "sms", "creditsType": "sendLimit", "credits": 12.5},
		},
		"relay": map[string]any{
			"enabled": true,
			"data":    map[string]any{"userName": brevoOwner, "relay": "smtp-relay.example.com", "port": 587},
		},
		"marketingAutomation": map[string]any{"key": brevoTrackerKey, "enabled": true},
	}}
}

// brevoReasons are the vendor's codes of reasons; other reasons are adminBlocked.
var brevoReasons = map[provider.Reason]string{
	provider.Reason(provider.StatusBounced):      "hardBounce",
	provider.Reason(provider.StatusComplained):   "contactFlaggedAsSpam",
	provider.Reason(provider.StatusUnsubscribed): "unsubscribedViaEmail",
}

// transactional matches what listBlockedContacts shows.
func transactional(s provider.Suppression) bool {
	return s.Channel == "email" && s.Scope != "marketing"
}

func (b *brevo) listBlockedContacts(c *call) answer {
	in, refusal, ok := b.between(c)
	if !ok {
		return refusal
	}
	var found []any
	for _, e := range b.blocks {
		if senders := c.query.Get("senders"); senders != "" && !strings.Contains(","+senders+",", ","+e.Sender+",") {
			continue
		}
		if !transactional(e.Suppression) || !in(e.at) {
			continue
		}
		code := brevoReasons[e.Reason]
		if code == "" {
			code = "adminBlocked"
		}
		found = append(found, map[string]any{
			"email": e.email, "senderEmail": e.Sender, "blockedAt": zulu(e.at),
			"reason": map[string]any{"code": code, "message": "Blocked: " + code},
		})
	}
	part, refusal, ok := pageOf(b, c, found, 50, 100)
	if !ok {
		return refusal
	}
	return answer{status: 200, body: map[string]any{"count": len(found), "contacts": part}}
}

func (b *brevo) unblockContact(c *call) answer {
	if b.unblock(c.path["email"], transactional) == 0 {
		return b.notFound("the address is not blocked")
	}
	return answer{status: 204}
}

// zulu and offset are two of the layouts in which Brevo writes times.
func zulu(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func offset(t time.Time) string {
	return t.In(time.FixedZone("", 2*60*60)).Format("2006-01-02T15:04:05.000-07:00")
}
