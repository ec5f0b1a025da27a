package sandbox

import (
	"net/http"
	"strings"
)

// listView returns a list as the vendor shows it: without a number of subscribers.
// An absent company is an empty list, PHP's empty object.
func (p *pakat) listView(l *list) map[string]any {
	group := func(name string) map[string]any {
		out := map[string]any{}
		for key, v := range p.describe[l.id] {
			if rest, ok := strings.CutPrefix(key, name+"["); ok {
				out[strings.TrimSuffix(rest, "]")] = v
			}
		}
		return out
	}
	general, defaults, notices, company := group("general"), group("defaults"), group("notifications"), group("company")
	general["list_uid"], general["name"], general["display_name"] = l.id, l.name, l.name
	setDefault(general, "description", "")
	setDefault(defaults, "from_name", defaultFrom.Name)
	setDefault(defaults, "from_email", defaultFrom.Email)
	setDefault(defaults, "reply_to", defaultFrom.Email)
	setDefault(defaults, "subject", nil)
	setDefault(notices, "subscribe", "no")
	setDefault(notices, "unsubscribe", "no")
	setDefault(notices, "subscribe_to", nil)
	setDefault(notices, "unsubscribe_to", nil)
	view := map[string]any{
		"general": general, "defaults": defaults, "notifications": notices, "company": []any{},
	}
	if len(company) > 0 {
		if name, ok := company["country"]; ok {
			company["country"] = map[string]any{"country_id": "5", "name": name, "code": ""}
		}
		company["zone"] = []any{}
		view["company"] = company
	}
	return view
}

func setDefault(m map[string]any, key string, v any) {
	if _, ok := m[key]; !ok {
		m[key] = v
	}
}

func (p *pakat) listLists(c *call) answer { return pakatPage(c, p.lists, p.listView) }

func (p *pakat) createList(c *call) answer {
	name := c.text("general[name]")
	if name == "" {
		return p.invalid(map[string]any{"name": "This field may not be empty."})
	}
	l := p.addList(uid(p.nextID()), name)
	p.describe[l.id] = c.form
	return answer{
		status: http.StatusCreated, body: map[string]any{"status": "success", "list_uid": l.id},
	}
}

func (p *pakat) getList(c *call) answer {
	l := p.list(c.path["list_uid"])
	if l == nil {
		return p.notFound("list")
	}
	return p.record(http.StatusOK, p.listView(l))
}

// updateList keeps absent fields, which is an assumption.
func (p *pakat) updateList(c *call) answer {
	l := p.list(c.path["list_uid"])
	if l == nil {
		return p.notFound("list")
	}
	if name := c.text("general[name]"); name != "" {
		l.name = name
	}
	form := map[string]any{}
	for _, m := range []map[string]any{p.describe[l.id], c.form} {
		for k, v := range m {
			form[k] = v
		}
	}
	p.describe[l.id] = form
	return p.done()
}

func (p *pakat) deleteListByUID(c *call) answer {
	if p.list(c.path["list_uid"]) == nil {
		return p.notFound("list")
	}
	p.deleteList(c.path["list_uid"])
	p.forgetLonely()
	return p.done()
}

// forgetLonely deletes contacts that are on no list, which the vendor does not
// have.
func (p *pakat) forgetLonely() {
	for i := len(p.contacts) - 1; i >= 0; i-- {
		if len(p.contacts[i].members) == 0 {
			p.deleteContact(p.contacts[i])
		}
	}
}

// tagsOf returns the definitions of a list's fields. The first three are in every
// list.
func (p *pakat) tagsOf(list string) []*field {
	out := []*field{
		{name: "EMAIL", typ: "text"}, {name: "FNAME", typ: "text"}, {name: "LNAME", typ: "text"},
	}
	for _, f := range p.fields {
		if f.list == "" || f.list == list {
			out = append(out, f)
		}
	}
	return out
}

// listFields shows numbers as text.
func (p *pakat) listFields(c *call) answer {
	l := p.list(c.path["list_uid"])
	if l == nil {
		return p.notFound("list")
	}
	return pakatPage(c, p.tagsOf(l.id), func(f *field) map[string]any { return p.fieldView(l, f) })
}
