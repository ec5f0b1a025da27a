package sandbox

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/provider"
)

// spMostEmails is the most addresses that removing and unsubscribing take.
const spMostEmails = 100

// listedView returns a contact as a list shows it: its variables are an object, or
// an empty list when there are none.
func (p *sendpulse) listedView(c *contact, m *member) map[string]any {
	code := p.statusOf(c, m)
	var variables any = m.fields
	if len(m.fields) == 0 {
		variables = []any{}
	}
	return map[string]any{
		"email": c.email, "phone": c.phone, "status": code, "status_explain": spWords[code], "variables": variables,
	}
}

// addContacts adds addresses or sets the variables of existing ones. With a
// confirmation it mails each new one; that mail is not kept in the sandbox.
func (p *sendpulse) addContacts(c *call) answer {
	var req sendpulseapi.AddContactsRequest
	c.decode(&req)
	list := c.path["id"]
	if p.list(list) == nil {
		return p.noList()
	}
	if len(req.Emails) == 0 {
		return answer{status: 200, body: map[string]any{"result": false}} // an error with status 200 and no text
	}
	if len(req.Emails) > spMostAtOnce {
		return p.invalid(http.StatusUnprocessableEntity, "Limit is exceeded")
	}
	status := provider.StatusSubscribed
	if req.Confirmation != nil {
		if value(req.SenderEmail) == "" {
			return p.invalid(http.StatusUnprocessableEntity, "sender_email is required")
		}
		status = provider.StatusPending
	}
	for _, e := range req.Emails {
		if !strings.Contains(e.Email, "@") {
			return p.invalid(spBadAddress, "Invalid email")
		}
		for name, v := range e.Variables {
			if !p.fits(list, name, v) {
				return p.older(http.StatusBadRequest, spWrong, "Wrong parameters")
			}
		}
	}
	for _, e := range req.Emails {
		person := p.contact(e.Email)
		if person == nil {
			person = p.addContact(e.Email)
		}
		m := person.on(list)
		if m == nil || status == provider.StatusSubscribed {
			m = p.join(person, list, status)
		}
		p.setVariables(person, m, e.Variables)
	}
	return p.done()
}

// place finds an address on the list of the path, or returns an error response.
func (p *sendpulse) place(c *call, email string) (*contact, *member, answer) {
	if p.list(c.path["id"]) == nil {
		return nil, nil, p.noList()
	}
	if person := p.contact(email); person != nil {
		if m := person.on(c.path["id"]); m != nil {
			return person, m, answer{}
		}
	}
	return nil, nil, p.noAddress()
}

func (p *sendpulse) noAddress() answer {
	return p.refuse(http.StatusNotFound, spNoAddress, "Email not found")
}

// updateContactVariables is one of the older operations: wrong values are an error
// with status 200.
func (p *sendpulse) updateContactVariables(c *call) answer {
	var req sendpulseapi.UpdateContactVariablesRequest
	c.decode(&req)
	person, m, refusal := p.place(c, req.Email)
	if m == nil {
		return refusal
	}
	set := map[string]any{}
	for _, v := range req.Variables {
		if !p.fits(m.list, v.Name, v.Value) {
			return p.older(http.StatusBadRequest, spWrong, "Wrong parameters")
		}
		set[v.Name] = v.Value
	}
	p.setVariables(person, m, set)
	return p.done()
}

func (p *sendpulse) updateContactPhone(c *call) answer {
	var req sendpulseapi.UpdateContactPhoneRequest
	c.decode(&req)
	person, m, refusal := p.place(c, req.Email)
	if m == nil {
		return refusal
	}
	person.phone = phoneText(req.Phone)
	return p.done()
}

func (p *sendpulse) listContacts(c *call) answer {
	list := c.path["id"]
	if p.list(list) == nil {
		return p.noList()
	}
	rows := []any{}
	for _, person := range p.membersOf(list) {
		m := person.on(list)
		active := p.statusOf(person, m) == spActive
		if c.query.Get("active") == "true" && !active || c.query.Get("not_active") == "true" && active {
			continue
		}
		rows = append(rows, p.listedView(person, m))
	}
	if c.query.Get("order") == "desc" {
		rows = newestFirst(rows)
	}
	return p.page(c, rows)
}

func (p *sendpulse) getContactsTotal(c *call) answer {
	list := c.path["id"]
	if p.list(list) == nil {
		return p.noList()
	}
	total := 0
	for _, person := range p.membersOf(list) {
		if c.query.Get("active") != "true" || p.statusOf(person, person.on(list)) == spActive {
			total++
		}
	}
	return answer{status: 200, body: map[string]any{"total": total}}
}

// addresses100 reads the addresses of a change, at most a hundred (vendor's file).
func (p *sendpulse) addresses100(c *call) ([]string, answer, bool) {
	var req sendpulseapi.Addresses
	c.decode(&req)
	switch {
	case p.list(c.path["id"]) == nil:
		return nil, p.noList(), false
	case len(req.Emails) == 0:
		return nil, p.invalid(spBadEmails, "No emails"), false
	case len(req.Emails) > spMostEmails:
		return nil, p.invalid(
			http.StatusUnprocessableEntity, "Limit is exceeded. Max count: 100",
		), false
	}
	return req.Emails, answer{}, true
}

func (p *sendpulse) removeContacts(c *call) answer {
	emails, refusal, ok := p.addresses100(c)
	if !ok {
		return refusal
	}
	for _, email := range emails {
		if person := p.contact(email); person != nil {
			person.leave(c.path["id"])
		}
	}
	p.dropLoose()
	return p.done()
}

// unsubscribeContacts returns an error when it would change nothing (vendor's
// file).
func (p *sendpulse) unsubscribeContacts(c *call) answer {
	emails, refusal, ok := p.addresses100(c)
	if !ok {
		return refusal
	}
	changed := false
	for _, email := range emails {
		person := p.contact(email)
		if person == nil {
			continue
		}
		if m := person.on(c.path["id"]); m != nil && p.statusOf(person, m) == spActive {
			m.status, changed = provider.StatusUnsubscribed, true
		}
	}
	if !changed {
		return p.invalid(http.StatusUnprocessableEntity, "None of the addresses is active")
	}
	return p.done()
}

func (p *sendpulse) getContact(c *call) answer {
	person, m, refusal := p.place(c, c.path["email"])
	if m == nil {
		return refusal
	}
	code := p.statusOf(person, m)
	list, _ := strconv.ParseInt(m.list, 10, 64)
	body := map[string]any{
		"email": person.email, "abook_id": list, "status": code, "status_explain": spWords[code], "variables": p.variablesOf(m),
	}
	if person.phone != "" {
		body["phone"] = person.phone
	}
	return answer{status: 200, body: body}
}

func (p *sendpulse) listMemberships(c *call) answer {
	person := p.contact(c.path["email"])
	if person == nil {
		return p.noAddress()
	}
	rows := []any{}
	for _, m := range person.members {
		list, _ := strconv.ParseInt(m.list, 10, 64)
		rows = append(rows, map[string]any{
			"book_id": list, "email": person.email, "status": p.statusOf(person, m), "variables": p.variablesOf(m),
		})
	}
	return answer{status: 200, body: rows}
}

func (p *sendpulse) listMembershipDetails(c *call) answer {
	person := p.contact(c.path["email"])
	if person == nil {
		return p.noAddress()
	}
	rows := []any{}
	for _, m := range person.members {
		list, _ := strconv.ParseInt(m.list, 10, 64)
		name := ""
		if l := p.list(m.list); l != nil {
			name = l.name
		}
		rows = append(rows, map[string]any{
			"list_name": name, "list_id": list, "add_date": spTime(m.added), "source": "panel",
		})
	}
	return answer{status: 200, body: rows}
}

func (p *sendpulse) deleteContactByEmail(c *call) answer {
	if person := p.contact(c.path["email"]); person != nil {
		p.deleteContact(person)
	}
	return p.done()
}
