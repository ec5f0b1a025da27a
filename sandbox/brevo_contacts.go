package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

// standIn is the domain of the addresses of contacts that have only a phone.
const standIn = "@mailin-sms.com"

// contactNeeds are the identifiers that create and update set.
type contactNeeds struct{ email, extID, phone string }

// find returns the contacts that have one of the identifiers, and the names of
// these identifiers.
func (b *brevo) find(n contactNeeds) (found []*contact, names []string) {
	if n.extID == "" && n.phone == "" {
		if c := b.contact(n.email); c != nil {
			return []*contact{c}, []string{"email"}
		}
		return nil, nil
	}
	for _, c := range b.contacts {
		before := len(names)
		if n.email != "" && sameEmail(c.email, n.email) {
			names = append(names, "email")
		}
		if n.extID != "" && c.externalID == n.extID {
			names = append(names, "ext_id")
		}
		if n.phone != "" && samePhone(c.phone, n.phone) {
			names = append(names, "SMS")
		}
		if len(names) > before {
			found = append(found, c)
		}
	}
	return found, names
}

// identify finds the contact of a path: by the identifier that identifierType
// names, or else by address, id or phone number.
func (b *brevo) identify(c *call) *contact {
	id, kind := c.path["identifier"], c.query.Get("identifierType")
	for _, p := range b.contacts {
		match := map[string]bool{
			"email_id": sameEmail(p.email, id), "contact_id": strconv.FormatInt(p.id, 10) == id,
			"ext_id": p.externalID != "" && p.externalID == id, "phone_id": samePhone(p.phone, id),
		}
		if match[kind] || kind == "" && (match["email_id"] || match["contact_id"] || match["phone_id"]) {
			return p
		}
	}
	return nil
}

var phoneForm = regexp.MustCompile(`^(?:\+|00)?([1-9][0-9]{5,18})$`)

// phoneOf returns the digits of a phone number, in which Brevo stores it.
func phoneOf(text string) (string, bool) {
	m := phoneForm.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	return m[1], true
}

func samePhone(a, b string) bool {
	x, ok := phoneOf(a)
	y, _ := phoneOf(b)
	return ok && x == y
}

func (b *brevo) createContact(c *call) answer {
	var req brevoapi.CreateContactRequest
	c.decode(&req)
	needs, refusal, ok := b.needs(value(req.Email), value(req.ExtID), req.Attributes)
	if !ok {
		return refusal
	}
	if needs == (contactNeeds{}) {
		return b.missing("one of email, ext_id and attributes.SMS is needed")
	}
	if refusal, ok := b.known(req.ListIDs); !ok {
		return refusal
	}
	found, names := b.find(needs)
	if len(found) > 1 || len(found) == 1 && !value(req.UpdateEnabled) {
		return b.duplicate(names)
	}
	status := http.StatusNoContent
	if len(found) == 0 {
		status = http.StatusCreated
		found = append(found, b.addContact(needs.email))
	}
	p := found[0]
	b.set(p, needs, req.Attributes)
	b.flags(p, req.EmailBlacklisted, req.SMSBlacklisted)
	for _, id := range req.ListIDs {
		b.join(p, strconv.FormatInt(id, 10), provider.StatusSubscribed)
	}
	if status == http.StatusCreated {
		return answer{status: status, body: map[string]any{"id": p.id}}
	}
	if req.SMTPBlacklistSender != nil {
		b.blockSenders(p, req.SMTPBlacklistSender)
	}
	return answer{status: status} // the response has no id of an updated contact
}

func (b *brevo) updateContact(c *call) answer {
	var req brevoapi.UpdateContactRequest
	c.decode(&req)
	p := b.identify(c)
	if p == nil {
		return b.notFound("Contact does not exist")
	}
	email, _ := req.Attributes["EMAIL"].(string)
	needs, refusal, ok := b.needs(email, value(req.ExtID), req.Attributes)
	if !ok {
		return refusal
	}
	if refusal, ok := b.known(slices.Concat(req.ListIDs, req.UnlinkListIDs)); !ok {
		return refusal
	}
	others, names := b.find(needs)
	if slices.ContainsFunc(others, func(o *contact) bool { return o != p }) {
		return b.duplicate(names)
	}
	b.set(p, needs, req.Attributes)
	b.flags(p, req.EmailBlacklisted, req.SMSBlacklisted)
	for _, id := range req.ListIDs {
		b.join(p, strconv.FormatInt(id, 10), provider.StatusSubscribed)
	}
	for _, id := range req.UnlinkListIDs {
		p.leave(strconv.FormatInt(id, 10))
	}
	if req.SMTPBlacklistSender != nil {
		b.blockSenders(p, req.SMTPBlacklistSender)
	}
	return answer{status: http.StatusNoContent}
}

// createDoubleOptInContact mails the template; nobody clicks in the sandbox, so the
// contact is not added. An address that is blocked is refused
// (sendinblue/APIv3-php-library#253).
func (b *brevo) createDoubleOptInContact(c *call) answer {
	var req brevoapi.CreateDoubleOptInContactRequest
	c.decode(&req)
	t := b.template(strconv.FormatInt(req.TemplateID, 10))
	switch {
	case !validEmail(req.Email):
		return b.invalid("email is not valid")
	case t == nil || t.Inactive:
		return b.invalid("templateId is not an active template")
	case req.RedirectionURL == "":
		return b.missing("redirectionUrl is missing")
	case b.blocked(req.Email, is(noMarketing)):
		return b.invalid("email is already associated with another user")
	}
	if refusal, ok := b.known(req.ListIDs); !ok {
		return refusal
	}
	b.addMail(Mail{
		ID: b.messageIDs(1)[0], From: t.From, To: []provider.Address{{Email: req.Email}}, Subject: t.Subject, HTML: t.HTML, Template: t.ID,
		Variables: req.Attributes, Raw: c.raw,
	})
	if b.contact(req.Email) != nil {
		return answer{status: http.StatusNoContent}
	}
	return answer{status: http.StatusCreated}
}

func (b *brevo) deleteContactByID(c *call) answer {
	p := b.identify(c)
	switch {
	case sameEmail(c.path["identifier"], brevoOwner):
		return b.refuse(
			http.StatusMethodNotAllowed, "method_not_allowed",
			"the address of the account cannot be deleted",
		)
	case p == nil:
		return b.notFound("Contact does not exist")
	}
	b.deleteContact(p)
	// The contact's own switches are deleted with it; blocked transactional mail
	// stays.
	b.unblock(p.key(), func(s provider.Suppression) bool { return s.Scope == "marketing" })
	return answer{status: http.StatusNoContent}
}

// needs reads the identifiers of a request.
func (b *brevo) needs(email, extID string, attributes map[string]any) (contactNeeds, answer, bool) {
	n := contactNeeds{email: email, extID: extID}
	if email != "" && !validEmail(email) {
		return n, b.invalid("email is not valid"), false
	}
	if sms, _ := attributes["SMS"].(string); sms != "" {
		phone, ok := phoneOf(sms)
		if !ok {
			return n, b.invalid("Invalid phone number"), false
		}
		n.phone = phone
	}
	return n, answer{}, true
}

// validEmail is a rough check: one @ with something on both sides.
func validEmail(email string) bool {
	local, domain, ok := strings.Cut(email, "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(email, " \t\r\n") && !strings.Contains(domain, "@")
}

func (b *brevo) duplicate(names []string) answer {
	slices.Sort(names)
	a := b.refuse(
		http.StatusBadRequest, "duplicate_parameter",
		"Contact already exists: "+strings.Join(names, ", "),
	)
	a.body.(map[string]any)["metadata"] = map[string]any{"duplicate_identifiers": slices.Compact(names)}
	return a
}

func (b *brevo) known(lists []int64) (answer, bool) {
	for _, id := range lists {
		if b.list(strconv.FormatInt(id, 10)) == nil {
			return b.invalid("list %d does not exist", id), false
		}
	}
	return answer{}, true
}

// set changes identifiers and attributes. Unknown attributes and values of the
// wrong type are dropped without an error.
func (b *brevo) set(p *contact, n contactNeeds, attributes map[string]any) {
	p.modified = b.now()
	before := p.key()
	if n.email != "" {
		if p.email != "" && !sameEmail(p.email, n.email) && !strings.HasSuffix(p.email, standIn) {
			b.unblock(before, is(noMarketing)) // the vendor's pages warn of it
		}
		b.rename(p, n.email)
	}
	if n.extID != "" {
		p.externalID = n.extID
	}
	if n.phone != "" {
		p.phone = n.phone
		if p.email == "" || strings.HasSuffix(p.email, standIn) {
			b.rename(p, n.phone+standIn)
		}
	}
	for _, e := range b.blocks { // they follow the contact
		if sameEmail(e.email, before) {
			e.email = p.key()
		}
	}
	for name, v := range attributes {
		f := b.field(name)
		switch {
		case f == nil || name == "SMS" && v != "" && v != nil:
		case v == nil || v == "":
			delete(p.fields, name)
			switch name {
			case "SMS":
				p.phone = ""
			case "EXT_ID":
				p.externalID = ""
			}
		case name == "EXT_ID":
			p.externalID, _ = v.(string)
		case fits(f.typ, v):
			p.fields[name] = v
		}
	}
}

// fits reports whether a JSON value suits an attribute type.
func fits(typ string, v any) bool {
	switch v := v.(type) {
	case string:
		_, err := time.Parse(time.DateOnly, v)
		return typ == "text" || typ == "date" && err == nil
	case float64, json.Number:
		return typ == "float" || typ == "id" || typ == "category"
	case bool:
		return typ == "boolean"
	case []any:
		return typ == "multiple-choice"
	}
	return false
}

// The two switches of a contact, as suppressions.
var (
	noMarketing = provider.Suppression{
		Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing,
		Reason: provider.Reason(provider.StatusUnsubscribed),
	}
	noSMS = provider.Suppression{
		Channel: provider.ChannelSMS, Scope: provider.ScopeMarketing,
		Reason: provider.Reason(provider.StatusUnsubscribed),
	}
)

func is(want provider.Suppression) func(provider.Suppression) bool {
	return func(s provider.Suppression) bool { return s.Channel == want.Channel && s.Scope == want.Scope }
}

// flags sets the switches that are given.
func (b *brevo) flags(p *contact, email, sms *bool) {
	turn := func(on *bool, what provider.Suppression) {
		switch {
		case on == nil:
		case *on:
			b.block(p.key(), what)
		default:
			b.unblock(p.key(), is(what))
		}
	}
	turn(email, noMarketing)
	turn(sms, noSMS)
}

// blockSenders replaces the senders whose transactional mail p does not get. An empty list
// lifts nothing (sendinblue/APIv3-nodejs-library#46).
func (b *brevo) blockSenders(p *contact, senders []string) {
	if len(senders) == 0 {
		return
	}
	b.unblock(
		p.key(), func(s provider.Suppression) bool { return transactional(s) && s.Sender != "" },
	)
	for _, sender := range senders {
		b.block(p.key(), provider.Suppression{
			Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Sender: sender,
			Reason: provider.Reason(provider.StatusBlocked),
		})
	}
}

// view returns a contact as Brevo shows it. EXT_ID among the attributes is a guess.
func (b *brevo) view(p *contact) map[string]any {
	attributes := map[string]any{}
	for name, v := range p.fields {
		attributes[name] = v
	}
	if phone, ok := phoneOf(p.phone); ok {
		attributes["SMS"] = phone
	}
	if p.externalID != "" {
		attributes["EXT_ID"] = p.externalID
	}
	on, off := []int64{}, []int64{}
	for _, m := range p.members {
		id, _ := strconv.ParseInt(m.list, 10, 64)
		if m.status == provider.StatusSubscribed {
			on = append(on, id)
		} else {
			off = append(off, id)
		}
	}
	out := map[string]any{
		"id": p.id, "attributes": attributes, "listIds": on,
		"emailBlacklisted": b.blocked(p.key(), is(noMarketing)), "smsBlacklisted": b.blocked(p.key(), is(noSMS)),
		"createdAt": offset(p.created), "modifiedAt": offset(p.modified),
	}
	if p.email != "" {
		out["email"] = p.email
	}
	if len(off) > 0 {
		out["listUnsubscribed"] = off
	}
	return out
}

func (b *brevo) getContact(c *call) answer {
	p := b.identify(c)
	if p == nil {
		return b.notFound("Contact does not exist")
	}
	body := b.view(p)
	none := []any{}
	body["statistics"] = map[string]any{
		"messagesSent": none, "delivered": none, "opened": none, "clicked": none,
		"unsubscriptions": map[string]any{"userUnsubscription": none, "adminUnsubscription": none},
	}
	return answer{status: 200, body: body}
}

var equals = regexp.MustCompile(`^equals\(([A-Z0-9_]+),\s*"?(.*?)"?\)$`)

func (b *brevo) listContacts(c *call) answer {
	q := c.query
	if q.Has("segmentId") && q.Has("listIds") {
		return b.invalid("segmentId and listIds exclude each other")
	}
	filter := equals.FindStringSubmatch(q.Get("filter"))
	if q.Has("filter") && filter == nil {
		return b.invalid("filter is not valid")
	}
	keep := func(p *contact) bool {
		shown := b.view(p)
		return (!q.Has("ids") || slices.Contains(q["ids"], strconv.FormatInt(p.id, 10))) &&
			(!q.Has("listIds") || slices.ContainsFunc(shown["listIds"].([]int64), func(id int64) bool {
				return slices.Contains(q["listIds"], strconv.FormatInt(id, 10))
			})) &&
			!q.Has("segmentId") && // there are no segments
			(filter == nil || fmt.Sprint(shown["attributes"].(map[string]any)[filter[1]]) == filter[2])
	}
	return b.contactPage(c, b.contacts, keep, 1000)
}

// contactPage returns a page of the contacts that keep accepts.
func (b *brevo) contactPage(c *call, all []*contact, keep func(*contact) bool, most int64) answer {
	var rows []any
	for _, p := range all {
		if keep(p) && after(c.query.Get("modifiedSince"), p.modified) && after(c.query.Get("createdSince"), p.created) {
			rows = append(rows, b.view(p))
		}
	}
	part, refusal, ok := pageOf(b, c, rows, 50, most)
	if !ok {
		return refusal
	}
	return answer{status: 200, body: map[string]any{"contacts": part, "count": len(rows)}}
}

// after reports whether t is after the time that text names; empty names none.
func after(text string, t time.Time) bool {
	since, err := time.Parse(time.RFC3339, text)
	return err != nil || t.After(since)
}
