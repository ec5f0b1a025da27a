package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/provider"
)

// smsby imitates the e-mail API of SMS.by, which documents no error and few values.
// Assumptions: an error is a text in "error" with status 200, as in the vendor's
// older API; times are in Minsk; an empty value in an import clears a field; an
// import does not lift an unsubscription. The lists cannot be listed, because the
// path of that method is not known.
type smsby struct {
	*store
	bulks    map[string][]smsbyMailing // by uuid
	mailings map[string]*mail          // mailings to a list, by message id
	off      map[string]bool           // "email" or "email list": unsubscribed
}

// smsbyMailing is the result of a bulk: mails, and refused addresses.
type smsbyMailing struct {
	id    int64
	name  string
	mails []*mail
	bad   []string
}

func smsbySettings(key string, _ func(string) string) map[string]any {
	return map[string]any{"token": key, "time_zone": "Europe/Minsk"}
}

func newSMSBy(st *store) fake {
	// A contact has the fields of its rows, one row for each list.
	st.firstName, st.lastName, st.rows = "name", "last_name", true
	st.addList("318", "Buyers")
	st.addTemplate(Template{ID: "27", Name: "Receipt", HTML: "<p>Thank you.</p>"})
	return &smsby{
		store: st, bulks: map[string][]smsbyMailing{}, mailings: map[string]*mail{},
		off: map[string]bool{},
	}
}

func (s *smsby) handlers() map[string]handler {
	return map[string]handler{
		"sendEmail":            s.sendEmail,
		"sendEmailByList":      s.sendEmailByList,
		"getEmailDeliveryList": s.getEmailDeliveryList,
		"sendBulkEmail":        s.sendBulkEmail,
		"getBulkEmailStatus":   s.getBulkEmailStatus,
		"unsubscribeEmail":     s.unsubscribeEmail,
		"subscribeEmail":       s.subscribeEmail,
		"getEmailTemplates":    s.getEmailTemplates,
		"createSubscriberList": s.createSubscriberList,
		"importContacts":       s.importContacts,
	}
}

// authorize finds the token: in the query of three methods, in the form of the
// others.
func (s *smsby) authorize(c *call) (answer, bool) {
	token := c.text("token")
	switch c.op {
	case "getEmailTemplates", "createSubscriberList", "importContacts":
		token = c.query.Get("token")
	}
	return s.refuse("неверный token"), token == Key(s.name)
}

// refuse returns an error with status 200.
func (s *smsby) refuse(format string, args ...any) answer {
	return answer{status: 200, body: map[string]any{"error": fmt.Sprintf(format, args...)}}
}

func (s *smsby) fail(status int, message string) answer {
	return answer{status: status, body: map[string]any{"status": "error", "message": message}}
}

func (s *smsby) ok(result any) answer {
	body := map[string]any{"status": "OK"}
	if result != nil {
		body["result"] = result
	}
	return answer{status: 200, body: body}
}

// minsk is the zone of times without a zone: UTC+3 all year.
var minsk = time.FixedZone("Europe/Minsk", 3*60*60)

// schedule reads d_schedule; without one it is the zero time.
func (s *smsby) schedule(text *string) (time.Time, answer, bool) {
	if text == nil {
		return time.Time{}, answer{}, true
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", *text, minsk)
	if err != nil {
		return at, s.refuse("d_schedule: expected YYYY-MM-DD HH:MM"), false
	}
	return at.UTC(), answer{}, true
}

func (s *smsby) getEmailTemplates(*call) answer {
	rows := make([]any, len(s.templates))
	for i, t := range s.templates {
		id, _ := strconv.ParseInt(t.ID, 10, 64)
		rows[i] = map[string]any{"id": id, "title": t.Name}
	}
	return s.ok(rows)
}

// createSubscriberList also makes a second list of the same name: the documents do
// not say whether names are unique.
func (s *smsby) createSubscriberList(c *call) answer {
	if c.query.Get("name") == "" {
		return s.refuse("name is empty")
	}
	id := s.nextID()
	s.addList(strconv.FormatInt(id, 10), c.query.Get("name"))
	return s.ok(map[string]any{"list_id": id})
}

// importContacts counts new, known and invalid rows. The key of a row is its e-mail
// or phone within the list, and only the given fields change.
func (s *smsby) importContacts(c *call) answer {
	list := c.query.Get("list_id")
	if s.list(list) == nil {
		return s.refuse("list %s not found", clip(list, 20))
	}
	names, rows := texts(c.form["field_names"]), c.form["data"].([]any)
	if len(names) > 30+2 {
		return s.refuse("at most 30 custom fields are allowed")
	}
	inserted, updated, log := 0, 0, []any{}
	for i, raw := range rows {
		row := map[string]string{}
		for j, v := range texts(raw) {
			if j < len(names) {
				row[names[j]] = v
			}
		}
		email, phone := row["email"], row["phone"]
		if email == "" && phone == "" || email != "" && !validEmail(email) {
			log = append(log, map[string]any{"index": i, "error_message": "wrong address"})
			continue
		}
		if s.importRow(list, email, phone, row) {
			inserted++
		} else {
			updated++
		}
	}
	return s.ok(map[string]any{
		"inserted": inserted, "updated": updated, "invalid": len(log), "log": log,
	})
}

// importRow stores a row and reports whether it is new to the list.
func (s *smsby) importRow(list, email, phone string, row map[string]string) bool {
	k := s.contact(email)
	for _, known := range s.contacts {
		if email == "" && known.phone == phone {
			k = known
		}
	}
	if k == nil {
		k = s.addContact(email)
	}
	m := k.on(list)
	fresh := m == nil
	if fresh {
		status := provider.StatusSubscribed
		if s.off[strings.ToLower(email)] {
			status = provider.StatusUnsubscribed
		}
		m = s.join(k, list, status)
	}
	if phone != "" {
		k.phone = phone
	}
	k.modified = s.now()
	for name, v := range row {
		switch {
		case name == "email" || name == "phone":
		case v == "":
			delete(m.fields, name)
		default:
			m.fields[name] = v
		}
	}
	return fresh
}

// texts returns a JSON list of texts.
func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i, x := range list {
		out[i], _ = x.(string)
	}
	return out
}

func (s *smsby) unsubscribeEmail(c *call) answer {
	var req smsbyapi.UnsubscribeForm
	c.decode(&req)
	return s.consent(req.Email, value(req.ListIDs), provider.StatusUnsubscribed)
}

// subscribeEmail lifts unsubscriptions; it adds the address to no list.
func (s *smsby) subscribeEmail(c *call) answer {
	var req smsbyapi.SubscribeForm
	c.decode(&req)
	return s.consent(req.Email, value(req.ListIDs), provider.StatusSubscribed)
}

// consent changes the status of an address on some lists, or on all. An address
// without a contact is remembered, too.
func (s *smsby) consent(email, lists string, status provider.MembershipStatus) answer {
	if !validEmail(email) {
		return s.refuse("email: wrong address")
	}
	k := s.contact(email)
	for _, id := range strings.FieldsFunc(lists, func(r rune) bool { return r == ',' }) {
		if s.list(id) == nil {
			return s.refuse("list %s not found", clip(id, 20))
		}
		if k != nil && k.on(id) != nil {
			s.join(k, id, status)
		}
	}
	if lists != "" {
		return s.ok(nil)
	}
	s.off[strings.ToLower(email)] = status == provider.StatusUnsubscribed
	everything := provider.Suppression{
		Channel: provider.ChannelEmail, Scope: provider.ScopeAll,
		Reason: provider.Reason(provider.StatusUnsubscribed),
	}
	if status == provider.StatusUnsubscribed {
		s.block(email, everything)
	} else {
		s.unblock(email, is(everything))
	}
	if k != nil {
		for _, m := range k.members {
			m.status = status
		}
	}
	return s.ok(nil)
}
