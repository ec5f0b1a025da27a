package sandbox

import (
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/provider"
)

// importContacts starts an import. It runs in the background as at the vendor: see
// process.
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
	return answer{status: 202, body: map[string]any{"processId": b.process("IMPORTUSER", func() map[string]any {
		return b.importRows(&req, rows, lists)
	})}}
}

// importRows stores the valid rows and counts the others.
func (b *brevo) importRows(
	req *brevoapi.ImportContactsRequest, rows []brevoapi.ImportContact, lists []int64,
) map[string]any {
	counts := map[string]int{}
	seen := map[string]bool{}
	for _, row := range rows {
		email := strings.ToLower(value(row.Email))
		needs, _, ok := b.needs(email, "", row.Attributes)
		switch {
		case !ok || needs == (contactNeeds{}):
			counts["invalid_emails"]++
			continue
		case email != "" && seen[email]:
			counts["duplicate_email_id"]++
			continue
		}
		found, names := b.find(needs)
		if slices.ContainsFunc(found, func(p *contact) bool { return email != "" && !sameEmail(p.email, email) }) && slices.Contains(names, "SMS") {
			counts["duplicate_phone_id"]++ // another contact has the number
			continue
		}
		seen[email] = true
		b.importRow(req, needs, row.Attributes, lists)
	}
	out := map[string]any{}
	for _, name := range []string{
		"invalid_emails", "duplicate_email_id", "duplicate_contact_id", "duplicate_ext_id",
		"duplicate_phone_id", "duplicate_whatsapp_id", "duplicate_landline_number_id",
	} {
		out[name] = counts[name]
	}
	return map[string]any{"import": out}
}

// importRow stores one contact. Contacts that exist are put on the lists, also when
// their attributes are not changed. An empty value is ignored unless
// emptyContactsAttributes is set, by the description of that switch. An import keeps the
// account's block (the vendor's help). Whether it lifts an unsubscription from a list is
// not known; the fake does, the worse case, so that a client which relies on the other
// fails.
func (b *brevo) importRow(
	req *brevoapi.ImportContactsRequest, n contactNeeds, attributes map[string]any, lists []int64,
) {
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
	set := func(on *bool) *bool { // false lifts no block
		if value(on) {
			return on
		}
		return nil
	}
	b.flags(p, set(req.EmailBlacklist), set(req.SMSBlacklist))
	for _, id := range lists {
		b.join(p, strconv.FormatInt(id, 10), provider.StatusSubscribed)
	}
}

// brevoProcess is work in the background. It is queued at its start and at the
// first look-up, running at the second, and done from the third on, or at any
// request after workTime by the sandbox's clock.
type brevoProcess struct {
	id         int64
	name       string
	looks      int
	work       func() map[string]any // the remaining work; it returns the info
	info       map[string]any
	start, end time.Time
}

// workTime is the time after which work is done without look-ups.
const workTime = 30 * time.Second

// process starts background work, which may be nil, and returns its id.
func (b *brevo) process(name string, work func() map[string]any) int64 {
	p := &brevoProcess{id: b.nextID(), name: name, work: work, start: b.now()}
	b.processes = append(b.processes, p)
	return p.id
}

// finish does the work that is due.
func (b *brevo) finish() {
	for _, p := range b.processes {
		if p.end.IsZero() && (p.looks > 2 || b.now().Sub(p.start) >= workTime) {
			if p.work != nil {
				p.info, p.work = p.work(), nil
			}
			p.end = b.now()
		}
	}
}

// look returns the state of p.
func (b *brevo) look(p *brevoProcess) map[string]any {
	p.looks++
	b.finish()
	out := map[string]any{"id": p.id, "name": p.name, "created_at": zulu(p.start)}
	switch {
	case !p.end.IsZero():
		out["status"], out["completed_at"] = "completed", zulu(p.end)
	case p.looks == 1:
		out["status"] = "queued"
	default:
		out["status"] = "in_process"
	}
	if p.info != nil {
		out["info"] = p.info
	}
	return out
}

func (b *brevo) getProcess(c *call) answer {
	for _, p := range b.processes {
		if strconv.FormatInt(p.id, 10) == c.path["processId"] {
			return answer{status: 200, body: b.look(p)}
		}
	}
	return b.notFound("Process does not exist")
}

func (b *brevo) listProcesses(c *call) answer {
	part, refusal, ok := pageOf(b, c, b.processes, 10, 50)
	if !ok {
		return refusal
	}
	body := map[string]any{"count": len(b.processes)}
	if len(part) > 0 {
		rows := make([]any, len(part))
		for i, p := range part {
			rows[i] = b.look(p)
		}
		body["processes"] = rows
	}
	return answer{status: 200, body: body}
}

// csvRows reads the file of an import: semicolons, attribute names first. Values
// get the type of the attribute; values of another type are dropped later.
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
		if n, _, ok := exact.Parse(text); ok {
			return n
		}
	case "boolean":
		if v, err := strconv.ParseBool(text); err == nil {
			return v
		}
	}
	return text
}

// nonEmpty leaves out values that would clear an attribute, and false: an import is known
// to leave true standing (sendinblue/APIv3-python-library#95).
func nonEmpty(attributes map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range attributes {
		if v != nil && v != "" && v != false {
			out[name] = v
		}
	}
	return out
}
