package sandbox

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/pakatapi"
)

func (p *pakat) templateView(t *Template) map[string]any {
	return map[string]any{"template_uid": t.ID, "name": t.Name, "content": t.HTML, "screenshot": nil}
}

func (p *pakat) getTemplate(c *call) answer {
	t := p.template(c.path["template_uid"])
	if t == nil {
		return p.notFound("template")
	}
	return p.record(http.StatusOK, p.templateView(t))
}

func (p *pakat) createTemplate(c *call) answer {
	var req pakatapi.TemplateForm
	c.decode(&req)
	switch {
	case req.Name == "":
		return p.invalid(map[string]any{"name": "This field may not be empty."})
	case len(req.Content) == 0 && len(req.Archive) == 0:
		return p.invalid(map[string]any{"content": "This field may not be empty."})
	}
	id := uid(p.nextID())
	p.addTemplate(Template{ID: id, Name: req.Name, HTML: string(req.Content)})
	return answer{status: http.StatusCreated, body: map[string]any{"status": "success", "template_uid": id}}
}

func (p *pakat) updateTemplate(c *call) answer {
	var req pakatapi.TemplateForm
	c.decode(&req)
	t := p.template(c.path["template_uid"])
	if t == nil {
		return p.notFound("template")
	}
	t.Name = req.Name
	if len(req.Content) > 0 {
		t.HTML = string(req.Content)
	}
	t.modified = p.now()
	return p.done()
}

func (p *pakat) deleteTemplate(c *call) answer {
	t := p.template(c.path["template_uid"])
	if t == nil {
		return p.notFound("template")
	}
	p.templates = slices.DeleteFunc(p.templates, func(x *Template) bool { return x == t })
	return p.done()
}

// fieldView shows numbers as text. The id of a field is its place, from 1.
func (p *pakat) fieldView(l *list, f *field) map[string]any {
	required := "no"
	if f.name == "EMAIL" {
		required = "yes"
	}
	return map[string]any{
		"field_id": p.fieldID(l.id, f.name), "label": f.name, "tag": f.name, "help_text": nil, "description": nil, "default_value": nil,
		"required": required, "visibility": "visible", "sort_order": "0",
		"type": map[string]any{"name": f.typ, "identifier": f.typ, "description": ""},
		"list": map[string]any{"list_uid": l.id, "display_name": l.name},
	}
}

func (p *pakat) fieldID(list, tag string) string {
	i := slices.IndexFunc(p.tagsOf(list), func(f *field) bool { return f.name == tag })
	return strconv.Itoa(i + 1)
}

// fieldOf finds the list and the field of the path.
func (p *pakat) fieldOf(c *call) (*list, *field) {
	l := p.list(c.path["list_uid"])
	if l == nil {
		return nil, nil
	}
	for _, f := range p.tagsOf(l.id) {
		if p.fieldID(l.id, f.name) == c.path["field_id"] {
			return l, f
		}
	}
	return l, nil
}

func (p *pakat) createField(c *call) answer {
	var req pakatapi.FieldForm
	c.decode(&req)
	l := p.list(c.path["list_uid"])
	tag := strings.ToUpper(value(req.Tag))
	switch {
	case l == nil:
		return p.notFound("list")
	case tag == "" || value(req.Label) == "" || value(req.Type) == "":
		return p.invalid(map[string]any{"tag": "Tag, label and type may not be empty."})
	case slices.ContainsFunc(p.tagsOf(l.id), func(f *field) bool { return f.name == tag }):
		return p.invalid(map[string]any{"tag": "The tag is in use in this list."})
	}
	f := &field{name: tag, typ: *req.Type, list: l.id}
	p.fields = append(p.fields, f)
	return p.record(http.StatusCreated, p.fieldView(l, f))
}

func (p *pakat) getField(c *call) answer {
	l, f := p.fieldOf(c)
	if f == nil {
		return p.notFound("field")
	}
	return p.record(http.StatusOK, p.fieldView(l, f))
}

// deleteField refuses the tags that every list has.
func (p *pakat) deleteField(c *call) answer {
	l, f := p.fieldOf(c)
	switch {
	case f == nil:
		return p.notFound("field")
	case f.name == "EMAIL" || f.name == "FNAME" || f.name == "LNAME":
		return p.fail(http.StatusUnprocessableEntity, "The "+f.name+" field cannot be deleted.")
	}
	p.fields = slices.DeleteFunc(p.fields, func(x *field) bool { return x == f })
	for _, r := range p.rowsOf(l.id) {
		delete(r.member.fields, f.name)
	}
	return p.done()
}

// pakatCampaign is a campaign. One that waits is sent a minute after its time; its mail
// is not kept in the sandbox.
type pakatCampaign struct {
	uid, state string
	id         int64
	form       map[string]any
	at         time.Time
	added      time.Time
}

func (k *pakatCampaign) text(name string) string {
	s, _ := k.form["campaign["+name+"]"].(string)
	return s
}

func (p *pakat) stateOf(k *pakatCampaign) string {
	if k.state == "pending-sending" && !p.now().Before(k.at.Add(time.Minute)) {
		return "sent"
	}
	return k.state
}

func (p *pakat) campaign(c *call) *pakatCampaign {
	i := slices.IndexFunc(p.campaigns, func(k *pakatCampaign) bool { return k.uid == c.path["campaign_uid"] })
	if i < 0 {
		return nil
	}
	return p.campaigns[i]
}

// shortView is a campaign in a page, which names less than the single record.
func (p *pakat) shortView(k *pakatCampaign) map[string]any {
	return map[string]any{
		"campaign_uid": k.uid, "campaign_id": strconv.FormatInt(k.id, 10), "type": "regular", "name": k.text("name"), "status": p.stateOf(k), "group": []any{},
	}
}

func (p *pakat) listCampaigns(c *call) answer {
	return pakatPage(c, newestFirst(p.campaigns), p.shortView)
}

func (p *pakat) getCampaign(c *call) answer {
	k := p.campaign(c)
	if k == nil {
		return p.notFound("campaign")
	}
	const layout = "02/01/06, 3:04 PM" // another one than everywhere else
	view := p.shortView(k)
	for _, name := range []string{"from_name", "from_email", "reply_to", "subject"} {
		view[name] = k.text(name)
	}
	view["to_name"], view["date_added"], view["send_at"], view["segment"] = "[EMAIL]", k.added.Format(layout), k.at.Format(layout), []any{}
	list := map[string]any{"list_uid": k.text("list_uid"), "subscribers_count": strconv.Itoa(len(p.rowsOf(k.text("list_uid"))))}
	if l := p.list(k.text("list_uid")); l != nil {
		list["name"] = l.name
	}
	view["list"] = list
	return p.record(http.StatusOK, view)
}

// saveCampaign checks a form and writes it over the campaign.
func (p *pakat) saveCampaign(k *pakatCampaign, form map[string]any) (answer, bool) {
	next := *k
	next.form = map[string]any{}
	for _, m := range []map[string]any{k.form, form} {
		for name, v := range m {
			next.form[name] = v
		}
	}
	bad := map[string]any{}
	for _, name := range []string{"name", "from_name", "from_email", "subject", "reply_to", "send_at", "list_uid"} {
		if next.text(name) == "" {
			bad[name] = "This field may not be empty."
		}
	}
	at, err := time.Parse(time.DateTime, next.text("send_at"))
	if err != nil {
		bad["send_at"] = "The time is not of the form Y-m-d H:i:s."
	}
	if p.list(next.text("list_uid")) == nil {
		bad["list_uid"] = "The list does not exist."
	}
	if body := next.text("template][content"); body != "" {
		if _, err := base64.StdEncoding.DecodeString(body); err != nil {
			bad["template"] = "The content is not base64."
		}
	}
	if len(bad) > 0 {
		return p.invalid(bad), false
	}
	next.at, next.state = at, next.text("status")
	if next.state == "" {
		next.state = "pending-sending" // the vendor's default: it goes out
	}
	*k = next
	return answer{}, true
}

func (p *pakat) createCampaign(c *call) answer {
	k := &pakatCampaign{added: p.now()}
	if refusal, ok := p.saveCampaign(k, c.form); !ok {
		return refusal
	}
	k.id = p.nextID()
	k.uid = uid(k.id)
	p.campaigns = append(p.campaigns, k)
	return answer{status: http.StatusCreated, body: map[string]any{"status": "success", "campaign_uid": k.uid}}
}

func (p *pakat) updateCampaign(c *call) answer {
	k := p.campaign(c)
	switch {
	case k == nil:
		return p.notFound("campaign")
	case p.stateOf(k) == "sent":
		return p.fail(http.StatusUnprocessableEntity, "The campaign cannot be changed now.")
	}
	if refusal, ok := p.saveCampaign(k, c.form); !ok {
		return refusal
	}
	return answer{status: http.StatusOK, body: map[string]any{"status": "success", "campaign_uid": k.uid}}
}

func (p *pakat) deleteCampaign(c *call) answer {
	k := p.campaign(c)
	if k == nil {
		return p.notFound("campaign")
	}
	p.campaigns = slices.DeleteFunc(p.campaigns, func(x *pakatCampaign) bool { return x == k })
	return p.done()
}

func (p *pakat) copyCampaign(c *call) answer {
	k := p.campaign(c)
	if k == nil {
		return p.notFound("campaign")
	}
	copied := *k
	copied.id = p.nextID()
	copied.uid, copied.state, copied.added = uid(copied.id), "draft", p.now()
	p.campaigns = append(p.campaigns, &copied)
	return answer{status: http.StatusOK, body: map[string]any{"status": "success", "campaign_uid": copied.uid}}
}

// moveCampaign sets the state when the present one is among from.
func (p *pakat) moveCampaign(c *call, refusal string, to map[string]string) answer {
	k := p.campaign(c)
	if k == nil {
		return p.notFound("campaign")
	}
	state, ok := to[p.stateOf(k)]
	if !ok {
		return p.fail(http.StatusUnprocessableEntity, refusal)
	}
	k.state = state
	return answer{status: http.StatusOK, body: map[string]any{"status": "success", "campaign": map[string]any{"status": state}}}
}

func (p *pakat) toggleCampaignPause(c *call) answer {
	return p.moveCampaign(c, "The campaign cannot be paused or unpaused now.", map[string]string{"pending-sending": "paused", "paused": "pending-sending"})
}

func (p *pakat) markCampaignSent(c *call) answer {
	return p.moveCampaign(c, "The campaign does not allow marking it as sent!", map[string]string{"pending-sending": "sent", "paused": "sent"})
}
