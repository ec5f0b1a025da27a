package sandbox

import (
	"maps"
	"time"

	"github.com/postmux/postmux/provider"
)

// Template is a mail template to put into a fake.
type Template struct {
	ID, Name      string
	Subject, HTML string
	From          provider.Address
	ReplyTo, Tag  string
	Inactive      bool // no mail can be made from it

	tested            bool
	created, modified time.Time
}

// AddList puts a list into a fake, or renames the one with this id. Vendors
// with numbers want digits as id.
func (s *Server) AddList(provider, id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state(provider).store.addList(id, name)
}

// AddField puts the definition of a contact field into a fake, or changes its type.
// The type is the vendor's, such as text, float, date or boolean at Brevo.
func (s *Server) AddField(provider, name, typ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state(provider).store.addField(name, typ)
}

// AddTemplate puts a template into a fake, in place of one with this id. The
// sender defaults to the one of Config.
func (s *Server) AddTemplate(provider string, t Template) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state(provider).store.addTemplate(t)
}

// AddContact puts a contact into a fake, with its memberships, whose lists must
// exist, and its suppressions.
func (s *Server) AddContact(provider string, c provider.Contact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state(provider).store.seedContact(c)
}

// AddSuppression stops mail to an address, whether it is a contact or not.
func (s *Server) AddSuppression(provider, email string, sup provider.Suppression) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state(provider).store.block(email, sup)
}

func (st *store) addTemplate(t Template) {
	if t.From == (provider.Address{}) {
		t.From = defaultFrom
	}
	t.created, t.modified = st.now(), st.now()
	if old := st.template(t.ID); old != nil {
		*old = t
		return
	}
	st.templates = append(st.templates, &t)
}

func (st *store) seedContact(p provider.Contact) {
	c := st.contact(p.Email)
	if c == nil {
		c = st.addContact(p.Email)
	}
	c.phone, c.externalID = p.Phone, p.ExternalID
	fields := maps.Clone(p.Fields)
	if fields == nil {
		fields = map[string]any{}
	}
	if p.FirstName != "" {
		fields[st.firstName] = p.FirstName
	}
	if p.LastName != "" {
		fields[st.lastName] = p.LastName
	}
	if !st.rows {
		maps.Copy(c.fields, fields)
	}
	for _, m := range p.Memberships {
		status := m.Status
		if status == "" {
			status = provider.StatusSubscribed
		}
		row := st.join(c, m.List, status)
		if st.rows {
			maps.Copy(row.fields, fields)
		}
	}
	for _, sup := range p.Suppressed {
		st.block(c.key(), sup)
	}
	if !p.CreatedAt.IsZero() {
		c.created = p.CreatedAt
	}
	if !p.ModifiedAt.IsZero() {
		c.modified = p.ModifiedAt
	}
}

func (st *store) contactViews() []provider.Contact {
	out := make([]provider.Contact, 0, len(st.contacts))
	for _, c := range st.contacts {
		v := provider.Contact{
			Email: c.email, Phone: c.phone, ExternalID: c.externalID, Fields: maps.Clone(c.fields),
			Suppressed: []provider.Suppression{}, CreatedAt: c.created, ModifiedAt: c.modified,
		}
		for _, m := range c.members {
			v.Memberships = append(v.Memberships, provider.Membership{
				List: m.list, Status: m.status,
			})
			maps.Copy(v.Fields, m.fields)
		}
		v.FirstName, _ = v.Fields[st.firstName].(string)
		v.LastName, _ = v.Fields[st.lastName].(string)
		delete(v.Fields, st.firstName)
		delete(v.Fields, st.lastName)
		for _, b := range st.blocks {
			if sameEmail(b.email, c.key()) {
				v.Suppressed = append(v.Suppressed, b.Suppression)
			}
		}
		out = append(out, v)
	}
	return out
}
