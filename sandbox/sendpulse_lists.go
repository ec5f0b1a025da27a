package sandbox

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/provider"
)

func (p *sendpulse) noList() answer {
	return p.refuse(http.StatusNotFound, spNoList, "Mailing list not found")
}

func (p *sendpulse) listView(l *list) map[string]any {
	members := p.membersOf(l.id)
	active := 0
	for _, c := range members {
		if p.statusOf(c, c.on(l.id)) == spActive {
			active++
		}
	}
	id, _ := strconv.ParseInt(l.id, 10, 64)
	return map[string]any{
		"id": id, "name": l.name, "all_email_qty": len(members), "active_email_qty": active,
		"inactive_email_qty": len(members) - active, "creationdate": spTime(l.created), "status": 0, "status_explain": "Active",
	}
}

func (p *sendpulse) listLists(c *call) answer {
	rows := []any{}
	for _, l := range page(p.lists, c.integer("offset", 0), min(c.integer("limit", 100), 100)) {
		rows = append(rows, p.listView(l))
	}
	return answer{status: 200, body: rows}
}

func (p *sendpulse) nameTaken(name, except string) bool {
	return slices.ContainsFunc(
		p.lists, func(l *list) bool { return l.name == name && l.id != except },
	)
}

func (p *sendpulse) createList(c *call) answer {
	var req sendpulseapi.CreateListRequest
	c.decode(&req)
	switch {
	case req.Name == "":
		return p.invalid(spNoListName, "Name is empty")
	case p.nameTaken(req.Name, ""):
		return p.invalid(spListNameInUse, "Name is in use")
	}
	id := p.nextID()
	p.addList(strconv.FormatInt(id, 10), req.Name)
	return answer{status: 200, body: map[string]any{"id": id}}
}

// getList answers with an array of one (document).
func (p *sendpulse) getList(c *call) answer {
	l := p.list(c.path["id"])
	if l == nil {
		return p.noList()
	}
	return answer{status: 200, body: []any{p.listView(l)}}
}

func (p *sendpulse) updateList(c *call) answer {
	var req sendpulseapi.UpdateListRequest
	c.decode(&req)
	l := p.list(c.path["id"])
	switch {
	case l == nil:
		return p.noList()
	case req.Name == "":
		return p.invalid(spNoListName, "Name is empty")
	case p.nameTaken(req.Name, l.id):
		return p.invalid(spListNameInUse, "Name is in use")
	}
	l.name = req.Name
	return p.done()
}

func (p *sendpulse) deleteListByID(c *call) answer {
	switch {
	case p.list(c.path["id"]) == nil:
		return p.noList()
	case p.activeOn(c.path["id"]):
		return p.invalid(http.StatusUnprocessableEntity, "The address book has active campaign")
	}
	p.deleteList(c.path["id"])
	p.dropLoose()
	return p.done()
}

// dropLoose deletes contacts that are on no list, which the vendor does not have.
func (p *sendpulse) dropLoose() {
	p.deleteContacts(func(c *contact) bool { return len(c.members) == 0 })
}

func (p *sendpulse) listVariables(c *call) answer {
	if p.list(c.path["id"]) == nil {
		return p.noList()
	}
	rows := []any{}
	for _, f := range p.fields {
		if f.list == c.path["id"] || f.list == "" {
			rows = append(rows, map[string]any{"name": f.name, "type": f.typ})
		}
	}
	return answer{status: 200, body: rows}
}

// Codes of the status of an address on a list.
const (
	spActive       = 1
	spAsked        = 2
	spUnsubscribed = 4
	spFromAll      = 6
	spByUser       = 8
)

// spStatuses are the codes of statuses, and their words.
var spStatuses = map[provider.MembershipStatus]int{
	provider.StatusSubscribed: spActive, provider.StatusPending: spAsked, provider.StatusUnsubscribed: spUnsubscribed, provider.StatusBounced: 9,
	provider.StatusComplained: spFromAll, provider.StatusBlocked: spByUser, provider.StatusRemoved: 13, provider.StatusOther: 14,
}

var spWords = map[int]string{
	spActive: "Active", spAsked: "Activation requested", spUnsubscribed: "Unsubscribed", spFromAll: "Unsubscribed from all",
	spByUser: "Blocked by user", 9: "Undeliverable", 13: "Deleted by user", 14: "Temporarily unavailable",
}

// statusOf returns the code of a membership; a suppression of all mail shows on
// every list.
func (p *sendpulse) statusOf(c *contact, m *member) int {
	switch code := spStatuses[m.status]; {
	case code != spActive && code != spAsked:
		return code
	case p.blocked(c.email, spBlacklisted):
		return spByUser
	case p.blocked(c.email, spMarketing):
		return spFromAll
	default:
		return code
	}
}
