package sandbox

import (
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

// importContacts imports at once; the vendor takes its time, but nothing in
// the answer tells.
func (b *brevo) importContacts(c *call) answer {
	var req brevoapi.ImportContactsRequest
	c.decode(&req)
	given := 0
	for _, there := range []bool{value(req.FileURL) != "", value(req.FileBody) != "", len(req.JSONBody) > 0} {
		if there {
			given++
		}
	}
	switch {
	case given != 1:
		return b.missing("one of fileUrl, fileBody and jsonBody is needed")
	case value(req.FileURL) != "":
		return b.invalid("fileUrl: the sandbox fetches nothing")
	case len(req.ListIDs) == 0 && req.NewList == nil:
		return b.missing("listIds or newList is needed")
	}
	if refusal, ok := b.known(req.ListIDs); !ok {
		return refusal
	}
	lists := req.ListIDs
	if req.NewList != nil {
		id, refusal, ok := b.newList(value(req.NewList.Name), value(req.NewList.FolderID))
		if !ok {
			return refusal
		}
		lists = append(lists, id)
	}
	rows := req.JSONBody
	if req.FileBody != nil {
		rows = b.csvRows(*req.FileBody)
	}
	invalid, repeated := 0, 0
	seen := map[string]bool{}
	for _, row := range rows {
		email := strings.ToLower(value(row.Email))
		needs, _, ok := b.needs(email, "", row.Attributes)
		switch {
		case !ok || needs == (contactNeeds{}):
			invalid++
			continue
		case email != "" && seen[email]:
			repeated++
			continue
		}
		seen[email] = true
		b.importRow(&req, needs, row.Attributes, lists)
	}
	return answer{status: 202, body: map[string]any{"processId": b.process("IMPORTUSER", map[string]any{
		"invalid_emails": invalid, "duplicate_email_id": repeated, "duplicate_contact_id": 0, "duplicate_ext_id": 0,
		"duplicate_phone_id": 0, "duplicate_whatsapp_id": 0, "duplicate_landline_number_id": 0,
	})}}
}

// importRow stores one contact. Contacts that exist are put on the lists, also
// when their attributes are left alone; that an empty value is ignored unless
// emptyContactsAttributes is set follows from the description of that switch.
func (b *brevo) importRow(req *brevoapi.ImportContactsRequest, n contactNeeds, attributes map[string]any, lists []int64) {
	found, _ := b.find(n)
	var p *contact
	if len(found) > 0 {
		p = found[0]
	} else {
		p = b.addContact(n.email)
	}
	if len(found) == 0 || value(req.UpdateExistingContacts) {
		if !value(req.EmptyContactsAttributes) {
			attributes = nonEmpty(attributes)
		}
		b.set(p, n, attributes)
	}
	yes := true
	if value(req.EmailBlacklist) {
		b.flags(p, &yes, nil)
	}
	if value(req.SMSBlacklist) {
		b.flags(p, nil, &yes)
	}
	for _, id := range lists {
		b.join(p, strconv.FormatInt(id, 10), provider.Subscribed)
	}
}

// process records finished background work and returns its id.
func (b *brevo) process(name string, imported map[string]any) int64 {
	id := b.nextID()
	p := map[string]any{
		"id": id, "status": "completed", "name": name,
		"created_at": zulu(b.now()), "completed_at": zulu(b.now()),
	}
	if imported != nil {
		p["info"] = map[string]any{"import": imported}
	}
	b.processes = append(b.processes, p)
	return id
}

func (b *brevo) getProcess(c *call) answer {
	for _, p := range b.processes {
		if strconv.FormatInt(p["id"].(int64), 10) == c.path["processId"] {
			return answer{status: 200, body: p}
		}
	}
	return b.notFound("Process does not exist")
}

// csvRows reads the file of an import: semicolons, attribute names first. The
// attribute's type says what a value is; what does not suit it is dropped later.
func (b *brevo) csvRows(text string) []brevoapi.ImportContact {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = ';', -1, true
	records, _ := r.ReadAll()
	if len(records) == 0 {
		return nil
	}
	var rows []brevoapi.ImportContact
	for _, rec := range records[1:] {
		row := brevoapi.ImportContact{Attributes: map[string]any{}}
		for i, v := range rec {
			if i >= len(records[0]) {
				break
			}
			if name := strings.ToUpper(strings.TrimSpace(records[0][i])); name == "EMAIL" {
				row.Email = &v
			} else {
				row.Attributes[name] = b.typed(name, v)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// typed converts the text of a CSV file to the type of an attribute.
func (b *brevo) typed(name, text string) any {
	f := b.field(name)
	if f == nil || text == "" {
		return text
	}
	switch f.typ {
	case "float", "id", "category":
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
	case "boolean":
		if v, err := strconv.ParseBool(text); err == nil {
			return v
		}
	}
	return text
}

// nonEmpty leaves out values that would clear an attribute.
func nonEmpty(attributes map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range attributes {
		if v != nil && v != "" {
			out[name] = v
		}
	}
	return out
}
