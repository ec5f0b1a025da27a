package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

// brevoSender is a sender of the account.
type brevoSender struct {
	id          int64
	name, email string
	active      bool
}

// brevoOwnSender is the id of the sender that the account has from the start.
const brevoOwnSender = 3

// brevoCode is the code that confirms a sender; the vendor mails it.
const brevoCode = 123456

// sender finds a sender of the account by its id.
func (b *brevo) sender(id string) *brevoSender {
	i := slices.IndexFunc(b.senders, func(s *brevoSender) bool { return strconv.FormatInt(s.id, 10) == id })
	if i < 0 {
		return nil
	}
	return b.senders[i]
}

func (b *brevo) listSenders(c *call) answer {
	rows := []any{}
	for _, s := range b.senders {
		if domain := c.query.Get("domain"); domain != "" && !strings.HasSuffix(s.email, "@"+domain) || c.query.Get("ip") != "" {
			continue
		}
		rows = append(rows, map[string]any{"id": s.id, "name": s.name, "email": s.email, "active": s.active, "ips": []any{}})
	}
	return answer{status: 200, body: map[string]any{"senders": rows}}
}

func (b *brevo) createSender(c *call) answer {
	var req brevoapi.CreateSenderRequest
	c.decode(&req)
	switch {
	case req.Name == "":
		return b.missing("name is missing")
	case !validEmail(req.Email):
		return b.invalid("email is not valid")
	case slices.ContainsFunc(b.senders, func(s *brevoSender) bool { return sameEmail(s.email, req.Email) }):
		return b.refuse(http.StatusBadRequest, "duplicate_parameter", "Sender already exists")
	}
	s := &brevoSender{id: b.nextID(), name: req.Name, email: req.Email}
	b.senders = append(b.senders, s)
	return answer{status: 201, body: map[string]any{"id": s.id, "spfError": false, "dkimError": false}}
}

func (b *brevo) updateSender(c *call) answer {
	var req brevoapi.UpdateSenderRequest
	c.decode(&req)
	s := b.sender(c.path["senderId"])
	if s == nil {
		return b.notFound("Sender does not exist")
	}
	if req.Name != nil {
		s.name = *req.Name
	}
	if req.Email != nil && !sameEmail(*req.Email, s.email) {
		s.email, s.active = *req.Email, false
	}
	return answer{status: http.StatusNoContent}
}

func (b *brevo) deleteSender(c *call) answer {
	s := b.sender(c.path["senderId"])
	if s == nil {
		return b.notFound("Sender does not exist")
	}
	b.senders = slices.DeleteFunc(b.senders, func(x *brevoSender) bool { return x == s })
	return answer{status: http.StatusNoContent}
}

// validateSender takes the one code that the sandbox has.
func (b *brevo) validateSender(c *call) answer {
	var req brevoapi.ValidateSenderRequest
	c.decode(&req)
	s := b.sender(c.path["senderId"])
	switch {
	case s == nil:
		return b.notFound("Sender does not exist")
	case req.OTP != brevoCode:
		return b.invalid("otp is not valid")
	}
	s.active = true
	return answer{status: http.StatusNoContent}
}

// storedSender returns the address that a template or a campaign names.
func (b *brevo) storedSender(ref brevoapi.SenderRef) (provider.Address, answer, bool) {
	if ref.ID != nil {
		s := b.sender(strconv.FormatInt(*ref.ID, 10))
		if s == nil {
			return provider.Address{}, b.invalid("sender.id is not known"), false
		}
		return provider.Address{Email: s.email, Name: s.name}, answer{}, true
	}
	if !validEmail(value(ref.Email)) {
		return provider.Address{}, b.missing("sender.email or sender.id is missing"), false
	}
	return provider.Address{Email: *ref.Email, Name: value(ref.Name)}, answer{}, true
}

func (b *brevo) senderView(a provider.Address) map[string]any {
	view := map[string]any{"name": a.Name, "email": a.Email}
	for _, s := range b.senders {
		if sameEmail(s.email, a.Email) {
			view["id"] = strconv.FormatInt(s.id, 10) // the vendor writes this one id as text
		}
	}
	return view
}

// minHTML is the length that an HTML body must exceed.
const minHTML = 10

// content checks the HTML of a template or a campaign; the sandbox fetches none.
func (b *brevo) content(html, url *string) (answer, bool) {
	switch {
	case value(url) != "":
		return b.invalid("htmlUrl: the sandbox fetches nothing"), false
	case html != nil && len(*html) <= minHTML:
		return b.invalid("htmlContent must have more than %d characters", minHTML), false
	}
	return answer{}, true
}

func (b *brevo) templateView(t *Template) map[string]any {
	id, _ := strconv.ParseInt(t.ID, 10, 64)
	return map[string]any{
		"id": id, "name": t.Name, "subject": t.Subject, "isActive": !t.Inactive, "testSent": t.tested,
		"sender": b.senderView(t.From), "replyTo": t.ReplyTo, "toField": "", "tag": t.Tag, "htmlContent": t.HTML,
		"createdAt": b.stamp(t.created), "modifiedAt": b.stamp(t.modified),
	}
}

func (b *brevo) listTemplates(c *call) answer {
	all := b.templates
	if status := c.query.Get("templateStatus"); status != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(t *Template) bool { return t.Inactive == (status == "true") })
	}
	part, refusal, ok := pageOf(b, c, all, 50, 1000)
	if !ok {
		return refusal
	}
	rows := make([]any, len(part))
	for i, t := range part {
		rows[i] = b.templateView(t)
	}
	return answer{status: 200, body: map[string]any{"count": len(all), "templates": rows}}
}

func (b *brevo) getTemplate(c *call) answer {
	t := b.template(c.path["templateId"])
	if t == nil {
		return b.notFound("Template ID does not exist")
	}
	return answer{status: 200, body: b.templateView(t)}
}

// createTemplate makes an active template only when the request says so, which is a guess.
func (b *brevo) createTemplate(c *call) answer {
	var req brevoapi.CreateTemplateRequest
	c.decode(&req)
	from, refusal, ok := b.storedSender(req.Sender)
	if !ok {
		return refusal
	}
	switch {
	case req.Name == "" || req.Subject == "":
		return b.missing("templateName and subject are needed")
	case req.HTMLContent == nil && req.HTMLURL == nil:
		return b.missing("htmlContent or htmlUrl is needed")
	}
	if refusal, ok := b.content(req.HTMLContent, req.HTMLURL); !ok {
		return refusal
	}
	id := b.nextID()
	b.addTemplate(Template{
		ID: strconv.FormatInt(id, 10), Name: req.Name, Subject: req.Subject, HTML: *req.HTMLContent, From: from,
		ReplyTo: value(req.ReplyTo), Tag: value(req.Tag), Inactive: !value(req.IsActive),
	})
	return answer{status: 201, body: map[string]any{"id": id}}
}

func (b *brevo) updateTemplate(c *call) answer {
	var req brevoapi.UpdateTemplateRequest
	c.decode(&req)
	t := b.template(c.path["templateId"])
	if t == nil {
		return b.notFound("Template ID does not exist")
	}
	if refusal, ok := b.content(req.HTMLContent, req.HTMLURL); !ok {
		return refusal
	}
	if req.Sender != nil {
		from, refusal, ok := b.storedSender(*req.Sender)
		if !ok {
			return refusal
		}
		t.From = from
	}
	for to, v := range map[*string]*string{
		&t.Name: req.Name, &t.Subject: req.Subject, &t.HTML: req.HTMLContent, &t.ReplyTo: req.ReplyTo, &t.Tag: req.Tag,
	} {
		if v != nil {
			*to = *v
		}
	}
	if req.IsActive != nil {
		t.Inactive = !*req.IsActive
	}
	t.modified = b.now()
	return answer{status: http.StatusNoContent}
}

func (b *brevo) deleteTemplate(c *call) answer {
	t := b.template(c.path["templateId"])
	switch {
	case t == nil:
		return b.notFound("Template ID does not exist")
	case !t.Inactive:
		return b.invalid("an active template cannot be deleted")
	}
	b.templates = slices.DeleteFunc(b.templates, func(x *Template) bool { return x == t })
	return answer{status: http.StatusNoContent}
}

// test sends m to the addresses of a test. The test list of the account has nobody.
func (b *brevo) test(c *call, m Mail) (answer, bool) {
	var req brevoapi.SendTestRequest
	c.decode(&req)
	for _, email := range req.To {
		if !validEmail(email) {
			return answer{status: http.StatusBadRequest, body: map[string]any{
				"code": "invalid_parameter", "message": "emailTo is not valid", "unexistingEmails": []string{email},
			}}, false
		}
	}
	for _, email := range req.To {
		copied := m
		copied.To, copied.ID, copied.Raw = []provider.Address{{Email: email}}, b.messageIDs(1)[0], c.raw
		b.addMail(copied)
	}
	return answer{status: http.StatusNoContent}, true
}

func (b *brevo) sendTemplateTest(c *call) answer {
	t := b.template(c.path["templateId"])
	if t == nil {
		return b.notFound("Template ID does not exist")
	}
	a, ok := b.test(c, Mail{From: t.From, Subject: t.Subject, HTML: t.HTML, Template: t.ID})
	t.tested = t.tested || ok
	return a
}

func (b *brevo) previewTemplate(c *call) answer {
	var req brevoapi.PreviewTemplateRequest
	c.decode(&req)
	t := b.template(strconv.FormatInt(req.TemplateID, 10))
	if t == nil {
		return b.notFound("Template ID does not exist")
	}
	prefix, values := "params.", req.Params
	if p := b.contact(value(req.Email)); p != nil {
		prefix, values = "contact.", p.fields
	}
	return answer{status: 200, body: map[string]any{
		"subject": render(t.Subject, prefix, values), "html": render(t.HTML, prefix, values), "fromEmail": t.From.Email, "fromName": t.From.Name,
	}}
}

// createAttribute defines a field. One that exists is refused.
func (b *brevo) createAttribute(c *call) answer {
	var req brevoapi.CreateAttributeRequest
	c.decode(&req)
	category, name := c.path["attributeCategory"], strings.ToUpper(c.path["attributeName"])
	typ := string(value(req.Type))
	switch {
	case b.field(name) != nil:
		return b.refuse(http.StatusBadRequest, "duplicate_parameter", "Attribute name must be unique")
	case category == "category":
		typ = "category"
	case category == "normal" && typ == "":
		return b.missing("type is missing")
	case category != "normal":
		typ = category // calculated and the like; no contact has a value
	}
	b.addField(name, typ)
	b.field(name).options = req.Choices
	return answer{status: 201}
}

func (b *brevo) updateAttribute(c *call) answer {
	var req brevoapi.UpdateAttributeRequest
	c.decode(&req)
	f := b.field(c.path["attributeName"])
	if f == nil {
		return b.notFound("Attribute not found")
	}
	for _, choice := range req.Choices {
		if !slices.Contains(f.options, choice) {
			f.options = append(f.options, choice)
		}
	}
	return answer{status: http.StatusNoContent}
}

func (b *brevo) deleteAttribute(c *call) answer {
	name := c.path["attributeName"]
	if b.field(name) == nil {
		return b.notFound("Attribute not found")
	}
	b.fields = slices.DeleteFunc(b.fields, func(f *field) bool { return f.name == name })
	for _, p := range b.contacts {
		delete(p.fields, name)
	}
	return answer{status: http.StatusNoContent}
}

// folderOf finds the folder of the path.
func (b *brevo) folderOf(c *call) *brevoFolder {
	id, _ := strconv.ParseInt(c.path["folderId"], 10, 64)
	return b.folder(id)
}

func (b *brevo) createFolder(c *call) answer {
	var req brevoapi.CreateFolderRequest
	c.decode(&req)
	if value(req.Name) == "" {
		return b.missing("name is missing")
	}
	id := b.nextID()
	b.folders = append(b.folders, brevoFolder{id, value(req.Name)})
	return answer{status: 201, body: map[string]any{"id": id}}
}

func (b *brevo) getFolder(c *call) answer {
	f := b.folderOf(c)
	if f == nil {
		return b.notFound("Folder ID does not exist")
	}
	return answer{status: 200, body: b.folderView(*f)}
}

func (b *brevo) updateFolder(c *call) answer {
	var req brevoapi.UpdateFolderRequest
	c.decode(&req)
	f := b.folderOf(c)
	if f == nil {
		return b.notFound("Folder ID does not exist")
	}
	f.name = value(req.Name)
	return answer{status: http.StatusNoContent}
}

// deleteFolder deletes the lists of the folder too.
func (b *brevo) deleteFolder(c *call) answer {
	f := b.folderOf(c)
	if f == nil {
		return b.notFound("Folder ID does not exist")
	}
	id := f.id
	for _, l := range slices.Clone(b.lists) {
		if max(l.folder, 1) == id {
			b.deleteList(l.id)
		}
	}
	b.folders = slices.DeleteFunc(b.folders, func(f brevoFolder) bool { return f.id == id })
	return answer{status: http.StatusNoContent}
}

func (b *brevo) listListsOfFolder(c *call) answer {
	f := b.folderOf(c)
	if f == nil {
		return b.notFound("Folder ID does not exist")
	}
	all := slices.DeleteFunc(slices.Clone(b.lists), func(l *list) bool { return max(l.folder, 1) != f.id })
	return b.listPage(c, all)
}

// counts counts the events of mail in the time of the request, by the names of a report.
func (b *brevo) counts(c *call, in func(time.Time) bool) map[string]any {
	out := map[string]any{}
	for _, name := range []string{
		"requests", "delivered", "hardBounces", "softBounces", "clicks", "uniqueClicks", "opens", "uniqueOpens", "spamReports", "blocked", "invalid", "unsubscribed",
	} {
		n := 0
		for _, e := range b.events() {
			if e.kind == name && in(e.at) && (c.query.Get("tag") == "" || slices.Contains(e.m.Tags, c.query.Get("tag"))) {
				n++
			}
		}
		out[name] = n
	}
	return out
}

// days returns the first and the last day of a report: those asked for, or the last def.
func (b *brevo) days(c *call, def int64) (first, last time.Time, refusal answer, ok bool) {
	_, refusal, ok = b.between(c)
	if !ok {
		return first, last, refusal, false
	}
	last = b.now().Truncate(24 * time.Hour)
	first = last.AddDate(0, 0, 1-int(max(c.integer("days", def), 1)))
	if from, err := time.Parse(time.DateOnly, c.query.Get("startDate")); err == nil {
		first = from
	}
	if to, err := time.Parse(time.DateOnly, c.query.Get("endDate")); err == nil {
		last = to
	}
	if last.Sub(first) > 90*24*time.Hour {
		return first, last, b.invalid("a report covers at most 90 days"), false
	}
	return first, last, answer{}, true
}

func (b *brevo) getAggregatedEmailReport(c *call) answer {
	first, last, refusal, ok := b.days(c, 90)
	if !ok {
		return refusal
	}
	body := b.counts(c, func(t time.Time) bool { return !t.Before(first) && t.Before(last.AddDate(0, 0, 1)) })
	body["range"] = fmt.Sprintf("%s|%s", first.Format(time.DateOnly), last.Format(time.DateOnly))
	return answer{status: 200, body: body}
}

func (b *brevo) getEmailReports(c *call) answer {
	first, last, refusal, ok := b.days(c, 10)
	if !ok {
		return refusal
	}
	rows := []any{}
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		row := b.counts(c, func(t time.Time) bool { return t.Format(time.DateOnly) == day.Format(time.DateOnly) })
		row["date"] = day.Format(time.DateOnly)
		rows = append(rows, row)
	}
	part, refusal, ok := pageOf(b, c, rows, 10, 30)
	if !ok {
		return refusal
	}
	return answer{status: 200, body: map[string]any{"reports": part}}
}
