package sandbox

import (
	"net/http"
	"slices"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/provider"
)

// pakatRow is a contact on a list, a subscriber of the vendor.
type pakatRow struct {
	*contact
	*member
}

// rowsOf returns the subscribers of a list.
func (p *pakat) rowsOf(list string) []pakatRow {
	var out []pakatRow
	for _, c := range p.membersOf(list) {
		out = append(out, pakatRow{c, c.on(list)})
	}
	return out
}

// row finds a subscriber by its uid. The same address has another uid in every
// list.
func (p *pakat) row(list, uid string) (pakatRow, bool) {
	for _, c := range p.contacts {
		if m := c.on(list); m != nil && m.uid == uid {
			return pakatRow{c, m}, true
		}
	}
	return pakatRow{}, false
}

// blacklisted reports whether the installation takes no mail to the address at all.
func (p *pakat) blacklisted(email string) bool {
	return p.blocked(email, func(s provider.Suppression) bool { return s.Channel == "email" && s.Scope != "transactional" })
}

func (p *pakat) statusOf(r pakatRow) string {
	if p.blacklisted(r.email) {
		return "blacklisted"
	}
	if raw := p.raw[r.uid]; raw != "" {
		return raw
	}
	return pakatStatuses[r.status]
}

// setStatus sets the status of a subscriber by the vendor's name.
func (p *pakat) setStatus(r pakatRow, status string) {
	r.status = pakatWords[status]
	delete(p.raw, r.uid)
	if status == "unapproved" {
		p.raw[r.uid] = status
	}
}

// view returns a subscriber as a record: one key for each tag of the list.
func (p *pakat) view(r pakatRow) map[string]any {
	out := map[string]any{}
	for _, f := range p.tagsOf(r.list) {
		out[f.name] = r.member.fields[f.name]
		if out[f.name] == nil {
			out[f.name] = ""
		}
	}
	out["subscriber_uid"], out["EMAIL"], out["status"] = r.uid, r.email, p.statusOf(r)
	out["source"], out["ip_address"], out["date_added"] = "api", nil, pakatTime(r.added)
	return out
}

// saved is a subscriber in the response to a change: the address in lower case, no
// tags, and for a new one the name of a database function as the time.
func (p *pakat) saved(status int, r pakatRow) answer {
	out := map[string]any{
		"subscriber_uid": r.uid, "email": r.email, "source": "api", "ip_address": nil,
		"date_added": pakatTime(r.added),
	}
	if status == http.StatusCreated {
		out["date_added"] = map[string]any{"expression": "NOW()", "params": []any{}}
	}
	return p.record(status, out)
}

func (p *pakat) listSubscribers(c *call) answer {
	l := p.list(c.path["list_uid"])
	if l == nil {
		return p.notFound("list")
	}
	rows := p.rowsOf(l.id)
	if status := c.query.Get("status"); status != "" {
		rows = slices.DeleteFunc(rows, func(r pakatRow) bool { return p.statusOf(r) != status })
	}
	return pakatPage(c, rows, p.view)
}

// createSubscriber refuses an address that is in the list, with any status. The
// list sets the status unless the request has one.
func (p *pakat) createSubscriber(c *call) answer {
	l := p.list(c.path["list_uid"])
	if l == nil {
		return p.notFound("list")
	}
	var req pakatapi.SubscriberForm
	c.decode(&req)
	if refusal, ok := p.checkStatus(req); !ok {
		return refusal
	}
	if p.blacklisted(req.Email) {
		return p.fail(http.StatusUnprocessableEntity, "This email address is blacklisted.")
	}
	person := p.contact(req.Email)
	if person == nil {
		person = p.addContact(req.Email)
	}
	if person.on(l.id) != nil {
		return p.fail(http.StatusConflict, "The subscriber already exists in this list.")
	}
	status := provider.StatusSubscribed
	if p.double[l.id] {
		status = provider.StatusPending
	}
	r := pakatRow{person, p.join(person, l.id, status)}
	p.fill(r, req)
	return p.saved(http.StatusCreated, r)
}

// checkStatus refuses an empty address, and the status that only a move sets.
func (p *pakat) checkStatus(req pakatapi.SubscriberForm) (answer, bool) {
	switch {
	case req.Email == "":
		return p.invalid(map[string]any{"EMAIL": "This field may not be empty."}), false
	case req.Status != nil && *req.Status == pakatapi.SubscriberStatusMoved:
		return p.invalid(map[string]any{"status": "The status cannot be set."}), false
	}
	return answer{}, true
}

// fill writes the tags of a form and empties the absent ones.
func (p *pakat) fill(r pakatRow, req pakatapi.SubscriberForm) {
	values := map[string]any{}
	for _, f := range p.tagsOf(r.list) {
		if v, ok := req.AdditionalProperties[f.name]; ok && v != "" {
			values[f.name] = v
		}
	}
	for tag, v := range map[string]*string{"FNAME": req.FirstName, "LNAME": req.LastName} {
		if value(v) != "" {
			values[tag] = *v
		}
	}
	r.member.fields = values
	if req.Status != nil {
		p.setStatus(r, string(*req.Status))
	}
	r.modified = p.now()
}

func (p *pakat) getSubscriber(c *call) answer {
	r, ok := p.row(c.path["list_uid"], c.path["subscriber_uid"])
	if !ok {
		return p.notFound("subscriber")
	}
	return p.record(http.StatusOK, p.view(r))
}

func (p *pakat) updateSubscriber(c *call) answer {
	r, ok := p.row(c.path["list_uid"], c.path["subscriber_uid"])
	if !ok {
		return p.notFound("subscriber")
	}
	var req pakatapi.SubscriberForm
	c.decode(&req)
	if refusal, ok := p.checkStatus(req); !ok {
		return refusal
	}
	if !sameEmail(req.Email, r.email) {
		if other := p.contact(req.Email); other != nil && other.on(r.list) != nil {
			return p.fail(http.StatusConflict, "The subscriber already exists in this list.")
		}
		r = p.rename(r, req.Email)
	}
	p.fill(r, req)
	return p.saved(http.StatusOK, r)
}

// rename gives a subscriber of one list another address: the records of other
// lists keep theirs.
func (p *pakat) rename(r pakatRow, email string) pakatRow {
	other := p.contact(email)
	if other == nil {
		other = p.addContact(email)
	}
	m := *r.member
	r.leave(m.list)
	other.members = append(other.members, &m)
	p.forgetLonely()
	return pakatRow{other, &m}
}

func (p *pakat) deleteSubscriber(c *call) answer {
	r, ok := p.row(c.path["list_uid"], c.path["subscriber_uid"])
	if !ok {
		return p.notFound("subscriber")
	}
	r.leave(r.list)
	p.forgetLonely()
	return p.done()
}

func (p *pakat) unsubscribeSubscriber(c *call) answer {
	r, ok := p.row(c.path["list_uid"], c.path["subscriber_uid"])
	if !ok {
		return p.notFound("subscriber")
	}
	p.setStatus(r, "unsubscribed")
	return p.done()
}

// unsubscribeAll also succeeds for an address on no list, which the vendor does not
// document.
func (p *pakat) unsubscribeAll(c *call) answer {
	if person := p.contact(c.text("EMAIL")); person != nil {
		for _, m := range person.members {
			p.setStatus(pakatRow{person, m}, "unsubscribed")
		}
	}
	return p.done()
}

// searchList finds an address in one list; without a hit it returns 404. The
// response has no level named record.
func (p *pakat) searchList(c *call) answer {
	person := p.contact(c.query.Get("EMAIL"))
	if p.list(c.path["list_uid"]) == nil || person == nil || person.on(c.path["list_uid"]) == nil {
		return p.notFound("subscriber")
	}
	r := pakatRow{person, person.on(c.path["list_uid"])}
	return answer{status: http.StatusOK, body: map[string]any{"status": "success", "data": map[string]any{
		"subscriber_uid": r.uid, "status": p.statusOf(r), "date_added": pakatTime(r.added),
	}}}
}

// searchAll finds an address in all lists; the response has the list and no tags.
func (p *pakat) searchAll(c *call) answer {
	var rows []pakatRow
	if person := p.contact(c.query.Get("EMAIL")); person != nil {
		for _, m := range person.members {
			rows = append(rows, pakatRow{person, m})
		}
	}
	return pakatPage(c, rows, func(r pakatRow) map[string]any {
		name := p.list(r.list).name
		return map[string]any{
			"subscriber_uid": r.uid, "email": r.email, "status": p.statusOf(r), "source": "api", "ip_address": nil,
			"date_added": pakatTime(r.added), "list": map[string]any{"list_uid": r.list, "display_name": name, "name": name},
		}
	})
}
