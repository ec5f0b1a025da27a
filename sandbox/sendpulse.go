package sandbox

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/sendpulseapi"
)

// sendpulse imitates SendPulse. Assumptions: an added address is active at once,
// and adding an unsubscribed one resubscribes it (the worse case); a phone number
// belongs to the address, not to the list; deleting or removing something absent
// succeeds; mail to several recipients has one record, with the first of them; mail
// goes out at once.
type sendpulse struct {
	*store
	tokens    map[string]time.Time // token -> when it expires
	asked     []time.Time          // when resubscribe mails were sent
	comments  map[string]string    // blacklist: address -> comment
	senders   []*spSender
	campaigns []*spCampaign
}

// SendPulseAPIKey is an API key that the fake of SendPulse accepts instead of a
// token. It is no secret.
const SendPulseAPIKey = "sp_apikey_sandbox"

// sendpulseTokenLife is the lifetime of a token.
const sendpulseTokenLife = time.Hour

// ClientID is the client id for the secret Key("sendpulse").
const ClientID = "sandbox-client"

func sendpulseSettings(key string, _ func(string) string) map[string]any {
	return map[string]any{"client_id": ClientID, "client_secret": key}
}

func newSendPulse(st *store) fake {
	st.rows, st.firstName, st.lastName = true, "first_name", "last_name"
	st.droppedAs = wasBlocked
	st.addList("4", "Newsletter")
	for _, f := range [][2]string{{"first_name", "string"}, {"last_name", "string"}, {"city", "string"}, {"points", "number"}, {"birthday", "date"}} {
		st.fields = append(st.fields, &field{name: f[0], typ: f[1], list: "4"})
	}
	st.addTemplate(Template{
		ID: "12", Name: "Order ready",
		HTML: "<p>Hello {{name}}, your order {{order}} is ready.</p>",
	})
	return &sendpulse{
		store: st, tokens: map[string]time.Time{}, comments: map[string]string{},
		senders: []*spSender{{name: defaultFrom.Name, email: defaultFrom.Email, active: true}},
	}
}

func (p *sendpulse) handlers() map[string]handler {
	return map[string]handler{
		"createAccessToken":          p.createAccessToken,
		"sendEmail":                  p.sendEmail,
		"listEmails":                 p.listEmails,
		"listWebhooks":               p.listWebhooks,
		"createWebhook":              p.createWebhook,
		"getWebhook":                 p.getWebhook,
		"updateWebhook":              p.updateWebhook,
		"deleteWebhook":              p.deleteWebhook,
		"getEmails":                  p.getEmails,
		"getEmailsTotal":             p.getEmailsTotal,
		"getEmail":                   p.getEmail,
		"addSMTPUnsubscribes":        p.addSMTPUnsubscribes,
		"removeSMTPUnsubscribes":     p.removeSMTPUnsubscribes,
		"listSMTPUnsubscribes":       p.listSMTPUnsubscribes,
		"getSMTPUnsubscribe":         p.getSMTPUnsubscribe,
		"sendResubscribeEmail":       p.sendResubscribeEmail,
		"listBlacklist":              p.listBlacklist,
		"addToBlacklist":             p.addToBlacklist,
		"removeFromBlacklist":        p.removeFromBlacklist,
		"listSMTPSenders":            p.listSMTPSenders,
		"listSenders":                p.listSenders,
		"addSender":                  p.addSender,
		"deleteSender":               p.deleteSender,
		"sendSenderCode":             p.sendSenderCode,
		"activateSender":             p.activateSender,
		"listTemplates":              p.listTemplates,
		"getTemplate":                p.getTemplate,
		"createTemplate":             p.createTemplate,
		"updateTemplate":             p.updateTemplate,
		"listCampaigns":              p.listCampaigns,
		"listCampaignsOfList":        p.listCampaignsOfList,
		"getCampaign":                p.getCampaign,
		"createCampaign":             p.createCampaign,
		"updateCampaign":             p.updateCampaign,
		"cancelCampaign":             p.cancelCampaign,
		"getBalance":                 p.getBalance,
		"getBalanceDetail":           p.getBalanceDetail,
		"listLists":                  p.listLists,
		"createList":                 p.createList,
		"getList":                    p.getList,
		"updateList":                 p.updateList,
		"deleteList":                 p.deleteListByID,
		"listVariables":              p.listVariables,
		"listContacts":               p.listContacts,
		"addContacts":                p.addContacts,
		"removeContacts":             p.removeContacts,
		"getContactsTotal":           p.getContactsTotal,
		"unsubscribeContacts":        p.unsubscribeContacts,
		"updateContactVariables":     p.updateContactVariables,
		"updateContactPhone":         p.updateContactPhone,
		"getContact":                 p.getContact,
		"listMemberships":            p.listMemberships,
		"listMembershipsOfAddresses": p.listMembershipsOfAddresses,
		"listMembershipDetails":      p.listMembershipDetails,
		"deleteContact":              p.deleteContactByEmail,
	}
}

// Codes of errors in the vendor's file and site.
const (
	spNoSender      = 10
	spNoRecipient   = 11
	spNoSubject     = 12
	spNoBody        = 13
	spNoMail        = 14
	spBadAddress    = 17
	spFreeMailbox   = 97
	spNoTemplate    = 31
	spNoListName    = 201
	spListNameInUse = 203
	spNoList        = 213
	spWrong         = 301
	spNoAddress     = 502
	spBadEmails     = 832
)

func (p *sendpulse) authorize(c *call) (answer, bool) {
	if c.op == "createAccessToken" {
		return answer{}, true
	}
	token, _ := strings.CutPrefix(c.header.Get("Authorization"), "Bearer ")
	if token == SendPulseAPIKey || p.tokens[token].After(p.now()) {
		return answer{}, true
	}
	return p.refuse(http.StatusUnauthorized, http.StatusUnauthorized, "Unauthorized!"), false
}

func (p *sendpulse) fail(
	status int, message string,
) answer {
	return p.refuse(status, status, message)
}

func (p *sendpulse) refuse(status, code int, message string) answer {
	return answer{status: status, body: map[string]any{"message": message, "error_code": code}}
}

// invalid is the error about the content.
func (p *sendpulse) invalid(code int, message string) answer {
	return p.refuse(http.StatusUnprocessableEntity, code, message)
}

// older is the error of older operations, with status 200 (Go client, C# client).
func (p *sendpulse) older(status, code int, message string) answer {
	return answer{
		status: 200,
		body: map[string]any{
			"is_error": true, "http_code": status, "error_code": code, "message": message,
		},
	}
}

// done is the whole response of most changes.
func (p *sendpulse) done() answer { return answer{status: 200, body: map[string]any{"result": true}} }

// spTime is the layout of times; it has no zone.
func spTime(t time.Time) string { return t.Format(time.DateTime) }

func (p *sendpulse) createAccessToken(c *call) answer {
	var req sendpulseapi.AccessTokenRequest
	c.decode(&req)
	if req.ClientID != ClientID || req.ClientSecret != Key(p.name) {
		// This error has another form (C# client).
		return answer{status: http.StatusUnauthorized, body: map[string]any{
			"error": "invalid_client", "error_description": "Client authentication failed", "message": "Client authentication failed",
		}}
	}
	token := fmt.Sprintf("sandbox-token-%d", p.nextID())
	p.tokens[token] = p.now().Add(sendpulseTokenLife)
	return answer{status: 200, body: map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int(sendpulseTokenLife.Seconds()),
	}}
}

func (p *sendpulse) getBalance(*call) answer {
	return answer{status: 200, body: map[string]any{"currency": "USD", "balance_currency": 12.5}}
}

// getBalanceDetail writes money as text, unlike getBalance.
func (p *sendpulse) getBalanceDetail(*call) answer {
	return answer{status: 200, body: map[string]any{
		"balance": map[string]any{"main": "12.50", "bonus": "0.00", "currency": "USD"},
		"email": map[string]any{
			"tariff_name": "Pay as you go", "finished_time": "2027-01-31 00:00:00", "emails_left": 8200,
			"maximum_subscribers": 10000, "current_subscribers": len(p.contacts),
		},
		"smtp": map[string]any{"tariff_name": "SMTP Free", "end_date": "2027-12-31 23:59:59", "auto_renew": 1},
		"push": map[string]any{"tariff_name": "Free", "end_date": "2027-12-31", "auto_renew": 0},
	}}
}

// hexID returns the id of a template that changes with every edit: 32 hexadecimal
// digits.
func hexID(t *Template) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(t.ID + t.Name + t.HTML))
	return hex.EncodeToString(h.Sum(nil))
}
