package smsby

import (
	"fmt"
	"mime"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest"
)

// clock is the zone in which the vendor reads times; zone is nil when the
// account does not name it.
type clock struct {
	zone    *time.Location
	account string
}

// layout has minutes and no zone.
const layout = "2006-01-02 15:04"

func (c clock) setting() string { return "providers." + c.account + ".time_zone" }

// wire writes t as the vendor reads it, nil for no time.
func (c clock) wire(t time.Time) (*string, []provider.Note, error) {
	if t.IsZero() {
		return nil, nil, nil
	}
	if c.zone == nil {
		return nil, nil, &provider.Error{
			Kind: provider.ErrConfig, Outcome: provider.OutcomeNotSent, Field: c.setting(),
			Message: "send_at needs this setting: the provider takes a time without a zone",
		}
	}
	var notes []provider.Note
	if minute := t.Truncate(time.Minute); !minute.Equal(t) {
		t = minute
		notes = append(notes, provider.Note{Field: "send_at", Action: provider.NoteConverted, Why: "seconds are cut: the provider takes minutes"})
	}
	wire := t.In(c.zone).Format(layout)
	for _, hour := range []time.Duration{-time.Hour, time.Hour} {
		if t.Add(hour).In(c.zone).Format(layout) == wire {
			notes = append(notes, provider.Note{Field: "send_at", Action: provider.NoteWarning, Why: wire + " comes twice that day in " + c.zone.String() + "; the provider takes no zone that would tell which"})
		}
	}
	return &wire, notes, nil
}

// emailToAPI writes a mail to one address.
func emailToAPI(m *provider.Message, in clock) (smsbyapi.EmailForm, []provider.Note, error) {
	if len(m.To) != 1 {
		return smsbyapi.EmailForm{}, nil, provider.Unsupported(feature.MessageToMany, "one recipient a mail, got %d", len(m.To))
	}
	if len(m.Attachments) > 1 {
		return smsbyapi.EmailForm{}, nil, provider.Unsupported(feature.MessageAttachmentsMany, "one file a mail, got %d", len(m.Attachments))
	}
	if len(m.Variables) > 0 {
		return smsbyapi.EmailForm{}, nil, provider.Unsupported(feature.MessageVariables, "the provider fills no variables in")
	}
	var c converter
	form := smsbyapi.EmailForm{
		Email: c.recipient("to[0]", m.To[0]), Subject: m.Subject, Message: c.content("html", m.HTML),
		SenderEmail: c.Email("from.email", m.From.Email), SenderName: adapterkit.Text(mailaddr.Name(m.From.Name)),
		Schedule: c.time(in, m.SendAt), TrackOpen: toggle(m.TrackOpens), TrackClick: toggle(m.TrackClicks),
	}
	for _, f := range m.Attachments {
		form.Attachment = &rest.File{Name: f.Name, ContentType: contentType(f), Content: f.Content}
	}
	return form, c.Notes, c.Err
}

// bulkToAPI writes a mail to one address, or a mail of its own for each of
// m.Recipients. Subject and message of the latter stand in their items only, as
// in the vendor's example.
func bulkToAPI(m *provider.Message, in clock) (smsbyapi.BulkEmailForm, []provider.Note, error) {
	var c converter
	form := smsbyapi.BulkEmailForm{
		SenderEmail: c.Email("from.email", m.From.Email), SenderName: adapterkit.Text(mailaddr.Name(m.From.Name)),
		Schedule: c.time(in, m.SendAt), TrackOpen: toggle(m.TrackOpens), TrackClick: toggle(m.TrackClicks),
	}
	if len(m.Attachments) > 0 {
		c.Fail(provider.Unsupported(feature.MessageAttachments, "send_via bulk takes no files"))
	}
	switch {
	case len(m.Recipients) > 0:
		form.MessageType = new(smsbyapi.MessageTypePersonal)
		for i, r := range m.Recipients {
			form.DeliveryList = append(form.DeliveryList, c.personal(fmt.Sprintf("recipients[%d]", i), m, r))
		}
	case len(m.To) == 1:
		form.MessageType = new(smsbyapi.MessageTypeBulk)
		form.Subject, form.Message = adapterkit.Text(m.Subject), adapterkit.Text(c.content("html", m.HTML))
		form.DeliveryList = []any{c.recipient("to[0]", m.To[0])}
	default:
		c.Fail(provider.Unsupported(feature.MessageToMany, "one recipient a mail, got %d", len(m.To)))
	}
	return form, c.Notes, c.Err
}

// converter makes the vendor's parts of a mail.
type converter struct{ adapterkit.Draft }

// recipient notes that the name is lost. It is not refused: most addresses have
// a name, and the mail arrives without it just as well.
func (c *converter) recipient(field string, a provider.Address) string {
	if a.Name != "" {
		c.Note(field+".name", provider.NoteDropped, "the provider has no place for a recipient's name")
	}
	return c.Email(field+".email", a.Email)
}

func (c *converter) personal(field string, m *provider.Message, r provider.Recipient) smsbyapi.PersonalMail {
	if len(r.Variables) > 0 {
		c.Fail(provider.Unsupported(feature.MessageVariables, "the provider fills no variables in"))
	}
	mail := smsbyapi.PersonalMail{
		Email:   c.recipient(field, provider.Address{Email: r.Email, Name: r.Name}),
		Subject: r.Subject, Message: r.HTML,
	}
	if mail.Subject == "" {
		mail.Subject = m.Subject
	}
	if mail.Message == "" {
		mail.Message = c.content(field+".html", m.HTML)
	}
	return mail
}

func (c *converter) content(field, html string) string {
	if html == "" {
		c.Fail(provider.Invalid(field, "expected html: the provider takes one body, as HTML"))
	}
	return html
}

func (c *converter) time(in clock, t time.Time) *string {
	wire, notes, err := in.wire(t)
	c.Fail(err)
	c.Notes = append(c.Notes, notes...)
	return wire
}

func toggle(t provider.Toggle) *smsbyapi.Switch {
	switch t {
	case provider.ToggleOn:
		return new(smsbyapi.SwitchOn)
	case provider.ToggleOff:
		return new(smsbyapi.SwitchOff)
	}
	return nil
}

// contentType is the type of the file's part, by the name when none is given.
func contentType(f provider.Attachment) string {
	if f.ContentType != "" {
		return f.ContentType
	}
	return mime.TypeByExtension(path.Ext(f.Name))
}

// emailID is empty when the answer tells no id.
func emailID(sent *smsbyapi.SentEmailAnswer) string {
	if id := int64(sent.Result.Value.ID); id != 0 {
		return idOfEmail + strconv.FormatInt(id, 10)
	}
	return ""
}

func bulkID(sent *smsbyapi.SentBulkAnswer) string {
	if uuid := adapterkit.IDOf(sent.Result.Value.UUID); uuid != "" {
		return idOfBulk + uuid
	}
	return ""
}

func receiptFromAPI(m *provider.Message, id string, notes []provider.Note) *provider.Receipt {
	r := m.Accepted(id)
	r.Notes = notes
	return r
}

// statusFromAPI is nil when the answer has no recipient.
func statusFromAPI(messageID string, mailings []smsbyapi.BulkMailing) *provider.Receipt {
	states, why := mailevent.Log{}, map[string]string{}
	for _, mailing := range mailings {
		for _, d := range mailing.Success {
			email := strings.TrimSpace(d.Recipient)
			what, known := stateWords.Find(d.Status)
			states.Add(email, what)
			switch {
			case d.Error != "":
				why[email] = d.Error
			case !known:
				why[email] = "the provider says " + d.Status
			}
		}
		for _, e := range mailing.Errors {
			email := strings.TrimSpace(e.Email)
			states.Add(email, mailevent.What{Kind: events.KindRejected})
			why[email] = e.Error
		}
	}
	r := states.Receipt(messageID)
	if r == nil {
		return nil
	}
	for i, recipient := range r.Recipients {
		if text := why[recipient.Email]; text != "" {
			r.Notes = append(r.Notes, provider.Note{Field: recipientField(i), Action: provider.NoteWarning, Why: text})
		}
	}
	return r
}

func recipientField(i int) string { return fmt.Sprintf("recipients[%d]", i) }
