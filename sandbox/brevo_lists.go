package sandbox

import (
	"net/http"
	"strconv"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

func (b *brevo) folder(id int64) *brevoFolder {
	for i := range b.folders {
		if b.folders[i].id == id {
			return &b.folders[i]
		}
	}
	return nil
}

// listView returns a list as Brevo shows it: only one of the three numbers is still
// filled.
func (b *brevo) listView(l *list) map[string]any {
	id, _ := strconv.ParseInt(l.id, 10, 64)
	return map[string]any{
		"id": id, "name": l.name, "folderId": max(l.folder, 1),
		"totalBlacklisted": 0, "totalSubscribers": 0, "uniqueSubscribers": len(b.membersOf(l.id)),
	}
}

func (b *brevo) listLists(c *call) answer { return b.listPage(c, b.lists) }

func (b *brevo) listPage(c *call, all []*list) answer {
	part, refusal, ok := pageOf(b, c, all, 10, 50)
	if !ok {
		return refusal
	}
	body := map[string]any{"count": len(all)}
	if len(part) > 0 { // absent otherwise
		rows := make([]any, len(part))
		for i, l := range part {
			rows[i] = b.listView(l)
		}
		body["lists"] = rows
	}
	return answer{status: 200, body: body}
}

func (b *brevo) createList(c *call) answer {
	var req brevoapi.CreateListRequest
	c.decode(&req)
	id, refusal, ok := b.newList(req.Name, req.FolderID)
	if !ok {
		return refusal
	}
	return answer{status: 201, body: map[string]any{"id": id}}
}

// newList makes a list. Names need not differ: the vendor does not document it.
func (b *brevo) newList(name string, folder int64) (int64, answer, bool) {
	switch {
	case name == "":
		return 0, b.missing("name is missing"), false
	case b.folder(folder) == nil:
		return 0, b.invalid("folder %d does not exist", folder), false
	}
	id := b.nextID()
	b.addList(strconv.FormatInt(id, 10), name).folder = folder
	return id, answer{}, true
}

func (b *brevo) getList(c *call) answer {
	l := b.list(c.path["listId"])
	if l == nil {
		return b.notFound("List ID does not exist")
	}
	body := b.listView(l)
	body["createdAt"], body["dynamicList"] = zulu(l.created), false
	return answer{status: 200, body: body}
}

func (b *brevo) updateList(c *call) answer {
	var req brevoapi.UpdateListRequest
	c.decode(&req)
	l := b.list(c.path["listId"])
	switch {
	case l == nil:
		return b.notFound("List ID does not exist")
	case (req.Name == nil) == (req.FolderID == nil):
		return b.invalid("give either name or folderId")
	case req.FolderID != nil && b.folder(*req.FolderID) == nil:
		return b.invalid("folder %d does not exist", *req.FolderID)
	case req.FolderID != nil:
		l.folder = *req.FolderID
	default:
		l.name = *req.Name
	}
	return answer{status: http.StatusNoContent}
}

func (b *brevo) deleteListByID(c *call) answer {
	if b.list(c.path["listId"]) == nil {
		return b.notFound("List ID does not exist")
	}
	b.deleteList(c.path["listId"])
	return answer{status: http.StatusNoContent}
}

func (b *brevo) listContactsOfList(c *call) answer {
	id := c.path["listId"]
	if b.list(id) == nil {
		return b.notFound("List ID does not exist")
	}
	subscribed := func(p *contact) bool { return p.on(id).status == provider.StatusSubscribed }
	return b.contactPage(c, b.membersOf(id), subscribed, 500)
}

func (b *brevo) addContactsToList(c *call) answer {
	var req brevoapi.AddContactsToListRequest
	c.decode(&req)
	return b.changeList(c, req.Emails, req.IDs, req.ExtIDs, func(p *contact, list string) bool {
		if m := p.on(list); m != nil && m.status == provider.StatusSubscribed {
			return false
		}
		b.join(p, list, provider.StatusSubscribed)
		return true
	})
}

func (b *brevo) removeContactsFromList(c *call) answer {
	var req brevoapi.RemoveContactsFromListRequest
	c.decode(&req)
	id := c.path["listId"]
	if !value(req.All) {
		return b.changeList(c, req.Emails, req.IDs, req.ExtIDs, func(p *contact, list string) bool {
			on := p.on(list) != nil
			p.leave(list)
			return on
		})
	}
	switch {
	case b.list(id) == nil:
		return b.notFound("List ID does not exist")
	case len(req.Emails)+len(req.IDs)+len(req.ExtIDs) > 0:
		return b.invalid("all excludes emails, ids and extIds")
	}
	members := b.membersOf(id)
	for _, p := range members {
		p.leave(id)
	}
	return answer{status: 201, body: map[string]any{
		"contacts": map[string]any{"total": len(members), "processId": b.process("LISTUSERSDELETE", nil)},
	}}
}

// changeList is the common part of add and remove: one of three ways to name
// contacts, at most 150, and an error when none was changed.
func (b *brevo) changeList(
	c *call, emails []string, ids []int64, extIDs []string, change func(*contact, string) bool,
) answer {
	list := c.path["listId"]
	if b.list(list) == nil {
		return b.notFound("List ID does not exist")
	}
	kinds := 0
	for _, n := range []int{len(emails), len(ids), len(extIDs)} {
		if n > 0 {
			kinds++
		}
		if n > 150 {
			return b.invalid("at most 150 contacts are allowed")
		}
	}
	if kinds != 1 {
		return b.invalid("give one of emails, ids and extIds")
	}
	success, failure := []any{}, []any{}
	try := func(named any, same func(*contact) bool) {
		for _, p := range b.contacts {
			if same(p) && change(p, list) {
				success = append(success, named)
				return
			}
		}
		failure = append(failure, named)
	}
	for _, email := range emails {
		try(email, func(p *contact) bool { return sameEmail(p.email, email) })
	}
	for _, id := range ids {
		try(id, func(p *contact) bool { return p.id == id })
	}
	for _, ext := range extIDs {
		try(ext, func(p *contact) bool { return p.externalID == ext })
	}
	if len(success) == 0 {
		what := "nobody was added: not known, or on the list already"
		if c.op == "removeContactsFromList" {
			what = "nobody was removed: not known, or not on the list"
		}
		return b.invalid("%s", what)
	}
	return answer{
		status: 201,
		body:   map[string]any{"contacts": map[string]any{"success": success, "failure": failure}},
	}
}

func (b *brevo) listFolders(c *call) answer {
	part, refusal, ok := pageOf(b, c, b.folders, 10, 50)
	if !ok {
		return refusal
	}
	body := map[string]any{"count": len(b.folders)}
	if len(part) > 0 {
		rows := make([]any, len(part))
		for i, f := range part {
			rows[i] = b.folderView(f)
		}
		body["folders"] = rows
	}
	return answer{status: 200, body: body}
}

func (b *brevo) folderView(f brevoFolder) map[string]any {
	members := 0
	for _, l := range b.lists {
		if max(l.folder, 1) == f.id {
			members += len(b.membersOf(l.id))
		}
	}
	return map[string]any{
		"id": f.id, "name": f.name, "totalBlacklisted": 0, "totalSubscribers": 0, "uniqueSubscribers": members,
	}
}

func (b *brevo) listAttributes(*call) answer {
	rows := []any{}
	for _, f := range b.fields {
		row := map[string]any{"name": f.name, "category": "normal", "type": f.typ}
		switch f.typ {
		case "transactional", "calculated", "global":
			row = map[string]any{"name": f.name, "category": f.typ}
		case "multiple-choice":
			row["multiCategoryOptions"] = append([]string{}, f.options...)
		case "category":
			row = map[string]any{"name": f.name, "category": "category", "enumeration": []any{}}
		}
		rows = append(rows, row)
	}
	// Every account has this attribute; it has no type.
	rows = append(rows, map[string]any{
		"name": "BLACKLIST", "category": "global",
		"calculatedValue": "COUNT[BLACKLISTED,BLACKLISTED,<,NOW()]",
	})
	return answer{status: 200, body: map[string]any{"attributes": rows}}
}
