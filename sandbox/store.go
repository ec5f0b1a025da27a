package sandbox

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/provider"
)

// defaultFrom is the sender that every fake knows.
var defaultFrom = provider.Address{Email: "shop@example.com", Name: "Shop"}

// Mail is a mail that a fake accepted, in one form for all vendors.
type Mail struct {
	Provider    string                `json:"provider"`
	ID          string                `json:"id"`              // as the fake returned it
	Batch       string                `json:"batch,omitempty"` // id of the batch it came in
	From        provider.Address      `json:"from"`
	To          []provider.Address    `json:"to"`
	Cc          []provider.Address    `json:"cc,omitempty"`
	Bcc         []provider.Address    `json:"bcc,omitempty"`
	ReplyTo     []provider.Address    `json:"reply_to,omitempty"`
	Subject     string                `json:"subject"`
	HTML        string                `json:"html,omitempty"` // as sent, or the template's
	Text        string                `json:"text,omitempty"`
	Attachments []provider.Attachment `json:"attachments,omitempty"`
	Headers     map[string]string     `json:"headers,omitempty"`
	Tags        []string              `json:"tags,omitempty"`
	Template    string                `json:"template,omitempty"` // id
	Variables   map[string]any        `json:"variables,omitempty"`
	SendAt      time.Time             `json:"send_at,omitzero"`    // zero: at once
	Withdrawn   bool                  `json:"withdrawn,omitempty"` // before it went out
	Dropped     bool                  `json:"dropped,omitempty"`   // accepted, and not sent in silence
	List        string                `json:"list,omitempty"`      // id of the list it was sent to
	AcceptedAt  time.Time             `json:"accepted_at"`
	Raw         []byte                `json:"-"` // body of the request
}

// mail is a Mail with data for the fakes.
type mail struct {
	Mail
	seq  int64  // order over all providers
	call int64  // seq of the first mail of the same call
	uuid string // a second id, where a vendor has one
	// campaign says that the mail is one of the campaign of TriggerCampaign.
	campaign bool
	via      *exchange
	// happened is what became of it, the oldest first; see happen.
	happened []*happening
}

// forget empties a mail that is no longer kept: a fake may still know it.
func (m *mail) forget() { m.HTML, m.Text, m.Attachments, m.Raw, m.via = "", "", nil, nil, nil }

// store is the state that all fakes have in common. A fake keeps the rest in fields
// of its own. The server's lock guards it.
type store struct {
	name      string
	server    *Server
	last      int64 // last number given by nextID
	mails     kept[*mail]
	contacts  []*contact
	byEmail   map[string]*contact // the first with each address; nil: to be rebuilt
	lists     []*list
	fields    []*field
	templates []*Template
	blocks    []*block
	droppedAs string  // what becomes of a mail that is not sent in silence
	pending   []*mail // that have not gone out yet, or of which nothing is told yet
	hooks     []*hook
	queue     []*push
	// firstName, lastName are the vendor's names of these two fields.
	firstName, lastName string
	// rows means that the vendor keeps the fields of a contact for each list, in
	// the members.
	rows bool
}

// contact is a person. Vendors that keep a row for each list put the row's id
// and fields into the member.
type contact struct {
	id                       int64
	email, phone, externalID string
	fields                   map[string]any
	members                  []*member
	created, modified        time.Time
}

// member is the membership of a contact on a list.
type member struct {
	list   string
	uid    string
	status provider.MembershipStatus
	fields map[string]any
	added  time.Time
}

type list struct {
	id, name string
	folder   int64
	created  time.Time
}

// field is a definition of a contact field; typ is the vendor's name of the type.
type field struct {
	name, typ string
	list      string   // only of this list, where vendors have that
	options   []string // of a choice
}

// block is a suppression of an address, whether it is a contact or not.
type block struct {
	email string
	provider.Suppression
	at time.Time
}

func newStore(s *Server, name string) *store {
	return &store{name: name, server: s, droppedAs: wasFailed}
}

func (st *store) now() time.Time { return st.server.now() }

// nextID counts from 1001, so that ids differ from the initial ones.
func (st *store) nextID() int64 {
	st.last++
	return 1000 + st.last
}

// uuid returns a UUID (version 4 by form) made of a number.
func uuid(n int64) string { return fmt.Sprintf("5a4db0c5-0000-4000-8000-%012d", n) }

// uid returns 13 lower-case letters and digits made of a number.
func uid(n int64) string { return fmt.Sprintf("sbx%010d", n) }

// addMail stores m and fills in provider, time and call. For mails of one request
// the caller copies call. A mail that is dropped for it has no content any more, so
// that whatever still knows it holds little.
func (st *store) addMail(m Mail) *mail {
	if m.ID == "" {
		m.ID = strconv.FormatInt(st.nextID(), 10)
	}
	st.server.seq++
	m.Provider, m.AcceptedAt = st.name, st.now()
	kept := &mail{Mail: m, seq: st.server.seq, call: st.server.seq, uuid: uuid(st.server.seq), via: st.server.current}
	size := overhead + m.content()
	if last := st.mails.items; len(last) == 0 || !sameBody(last[len(last)-1].Raw, m.Raw) {
		size += len(m.Raw) + kept.via.headerSize() // mails of one request share its body
	}
	for _, m := range st.mails.add(kept, size, st.server.bound) {
		m.forget()
	}
	st.server.touch()
	st.pending = append(st.pending, kept)
	return kept
}

// withdraw stops a mail that has not gone out.
func (st *store) withdraw(m *mail) {
	m.Withdrawn = true
	st.server.stale()
}

// goesOut is when the mail is sent.
func (m *Mail) goesOut() time.Time {
	if m.SendAt.After(m.AcceptedAt) {
		return m.SendAt
	}
	return m.AcceptedAt
}

// due reports whether m has been sent.
func (st *store) due(m *mail) bool { return !m.Withdrawn && !m.SendAt.After(st.now()) }

// recipients returns the addresses of to, cc and bcc.
func (m *Mail) recipients() []string {
	var out []string
	for _, a := range slices.Concat(m.To, m.Cc, m.Bcc) {
		out = append(out, a.Email)
	}
	return out
}

// fate returns the result of mail to an address, at a fake that tells no more: blocked when
// it is suppressed for this sender, bounced when its local part is "bounce", else delivered.
func (st *store) fate(from, to string) string {
	for _, b := range st.blocks {
		if sameEmail(b.email, to) && b.Channel == "email" && b.Scope != "marketing" && (b.Sender == "" || sameEmail(b.Sender, from)) {
			return "blocked"
		}
	}
	if local, _, _ := strings.Cut(to, "@"); strings.EqualFold(local, "bounce") {
		return "bounced"
	}
	return "delivered"
}

func sameEmail(a, b string) bool { return strings.EqualFold(a, b) }

func foldEmail(email string) string { return strings.ToLower(strings.ToUpper(email)) }

// addContact stores a new contact.
func (st *store) addContact(email string) *contact {
	now := st.now()
	c := &contact{
		id: st.nextID(), email: email, fields: map[string]any{}, created: now, modified: now,
	}
	st.contacts = append(st.contacts, c)
	if st.byEmail != nil {
		st.index(c)
	}
	return c
}

func (st *store) index(c *contact) {
	key := foldEmail(c.email)
	if _, there := st.byEmail[key]; !there && key != "" {
		st.byEmail[key] = c
	}
}

// contact finds a contact by its address; nil when there is none.
func (st *store) contact(email string) *contact {
	if st.byEmail == nil {
		st.byEmail = make(map[string]*contact, len(st.contacts))
		for _, c := range st.contacts {
			st.index(c)
		}
	}
	return st.byEmail[foldEmail(email)]
}

// rename gives c another address.
func (st *store) rename(c *contact, email string) {
	if c.email != email {
		c.email, st.byEmail = email, nil
	}
}

func (st *store) deleteContact(c *contact) {
	st.deleteContacts(func(x *contact) bool { return x == c })
}

func (st *store) deleteContacts(which func(*contact) bool) {
	st.contacts, st.byEmail = slices.DeleteFunc(st.contacts, which), nil
}

// key returns the address of c, by which its blocks are stored; for a contact
// without an address, its id.
func (c *contact) key() string {
	if c.email == "" {
		return fmt.Sprintf("contact %d", c.id)
	}
	return c.email
}

// on returns the membership of c on a list; nil when it has none.
func (c *contact) on(list string) *member {
	i := slices.IndexFunc(c.members, func(m *member) bool { return m.list == list })
	if i < 0 {
		return nil
	}
	return c.members[i]
}

// join puts c on a list, or changes its status there.
func (st *store) join(c *contact, list string, status provider.MembershipStatus) *member {
	m := c.on(list)
	if m == nil {
		m = &member{list: list, uid: uid(st.nextID()), fields: map[string]any{}, added: st.now()}
		c.members = append(c.members, m)
	}
	m.status = status
	return m
}

func (c *contact) leave(list string) {
	c.members = slices.DeleteFunc(c.members, func(m *member) bool { return m.list == list })
}

// addList adds a list, or renames the one with this id.
func (st *store) addList(id, name string) *list {
	l := st.list(id)
	if l == nil {
		l = &list{id: id, created: st.now()}
		st.lists = append(st.lists, l)
	}
	l.name = name
	return l
}

// list finds a list; nil when there is none.
func (st *store) list(id string) *list {
	i := slices.IndexFunc(st.lists, func(l *list) bool { return l.id == id })
	if i < 0 {
		return nil
	}
	return st.lists[i]
}

// membersOf returns the contacts on a list, whatever their status.
func (st *store) membersOf(list string) []*contact {
	var out []*contact
	for _, c := range st.contacts {
		if c.on(list) != nil {
			out = append(out, c)
		}
	}
	return out
}

func (st *store) deleteList(id string) {
	st.lists = slices.DeleteFunc(st.lists, func(l *list) bool { return l.id == id })
	for _, c := range st.contacts {
		c.leave(id)
	}
}

// addField adds a definition, or changes the type of the one with this name.
func (st *store) addField(name, typ string) {
	f := st.field(name)
	if f == nil {
		f = &field{name: name}
		st.fields = append(st.fields, f)
	}
	f.typ = typ
}

// field finds a definition; nil when there is none.
func (st *store) field(name string) *field {
	i := slices.IndexFunc(st.fields, func(f *field) bool { return f.name == name })
	if i < 0 {
		return nil
	}
	return st.fields[i]
}

// template finds a template; nil when there is none.
func (st *store) template(id string) *Template {
	i := slices.IndexFunc(st.templates, func(t *Template) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return st.templates[i]
}

// block suppresses mail to an address; a duplicate is ignored.
func (st *store) block(email string, s provider.Suppression) {
	if !st.blocked(email, func(b provider.Suppression) bool {
		return b.Channel == s.Channel && b.Scope == s.Scope && b.Sender == s.Sender
	}) {
		st.blocks = append(st.blocks, &block{email: email, Suppression: s, at: st.now()})
	}
}

// blocked reports whether the address has a suppression that match accepts.
func (st *store) blocked(email string, match func(provider.Suppression) bool) bool {
	return slices.ContainsFunc(
		st.blocks, func(b *block) bool { return sameEmail(b.email, email) && match(b.Suppression) },
	)
}

// unblock removes the suppressions that match accepts and returns how many.
func (st *store) unblock(email string, match func(provider.Suppression) bool) int {
	before := len(st.blocks)
	st.blocks = slices.DeleteFunc(
		st.blocks, func(b *block) bool { return sameEmail(b.email, email) && match(b.Suppression) },
	)
	return before - len(st.blocks)
}

var placeholder = regexp.MustCompile(`\{\{\s*([\w.]+)\s*\}\}`)

// renders reports whether the tags of a template are closed. A template where they are not
// cannot be filled in.
func renders(text string) bool {
	for _, pair := range [][2]string{{"{{", "}}"}, {"{%", "%}"}} {
		if strings.Count(text, pair[0]) != strings.Count(text, pair[1]) {
			return false
		}
	}
	return true
}

// render fills in {{prefixNAME}}; an unknown name becomes empty.
func render(text, prefix string, values map[string]any) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name, ok := strings.CutPrefix(placeholder.FindStringSubmatch(found)[1], prefix)
		if !ok {
			return found
		}
		v, ok := values[name]
		if !ok || v == nil {
			return ""
		}
		return fmt.Sprint(v)
	})
}
