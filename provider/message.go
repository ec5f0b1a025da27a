package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Message is one mail. Its zero fields are not sent. A Client does not change
// a Message and keeps no reference to it after Send returns, but it does not
// copy what the Message holds either: leave it alone while Send runs.
type Message struct {
	// From is the sender; empty means the account's "from" setting, or the
	// sender of the template where the provider has one.
	From Address `json:"from,omitzero"`
	// To are the recipients of one shared mail: they see each other. Use
	// Recipients for mails of their own.
	To      []Address `json:"to,omitempty"`
	Cc      []Address `json:"cc,omitempty"`
	Bcc     []Address `json:"bcc,omitempty"`
	ReplyTo []Address `json:"reply_to,omitempty"`
	Subject string    `json:"subject,omitempty"`
	HTML    string    `json:"html,omitempty"`
	Text    string    `json:"text,omitempty"`
	// Template is a template stored at the provider; it excludes HTML and Text.
	Template Ref `json:"template,omitzero"`
	// Variables fill the template: any JSON values.
	Variables   map[string]any    `json:"variables,omitempty"`
	Attachments []Attachment      `json:"attachments,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	// Metadata comes back in the provider's events. Recipients may see it.
	Metadata map[string]string `json:"metadata,omitempty"`
	// SendAt schedules the mail; zero means now.
	SendAt      time.Time `json:"send_at,omitzero"`
	TrackOpens  Toggle    `json:"track_opens,omitzero"`
	TrackClicks Toggle    `json:"track_clicks,omitzero"`
	// IdempotencyKey makes a repeated Send of the same mail harmless where the
	// provider has such a key. Where it needs a key and none is given, one is
	// made and told in the Receipt.
	IdempotencyKey string `json:"idempotency_key,omitempty"`
	// Recipients get a mail each, with their own variables or content; they do
	// not see each other. It excludes To, Cc and Bcc.
	Recipients []Recipient `json:"recipients,omitempty"`
}

// Address is a mail address and the name shown with it.
type Address struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

// Recipient is one recipient of a personalised mail; see Resolved for what
// empty fields mean.
type Recipient struct {
	Email     string         `json:"email"`
	Name      string         `json:"name,omitempty"`
	Variables map[string]any `json:"variables,omitempty"`
	Subject   string         `json:"subject,omitempty"`
	HTML      string         `json:"html,omitempty"`
	Text      string         `json:"text,omitempty"`
}

// Resolved returns r with what it leaves empty taken from m: the subject, and
// the body as a whole: a recipient with html or text of its own gets nothing of
// m's body, which may say something else. Variables are laid over m's.
func (r Recipient) Resolved(m *Message) Recipient {
	if r.Subject == "" {
		r.Subject = m.Subject
	}
	if r.HTML == "" && r.Text == "" {
		r.HTML, r.Text = m.HTML, m.Text
	}
	if len(m.Variables) > 0 {
		all := maps.Clone(m.Variables)
		maps.Copy(all, r.Variables)
		r.Variables = all
	}
	return r
}

// Attachment is a file: either Content, or the URL of one that the provider fetches.
type Attachment struct {
	Name        string `json:"name,omitempty"`
	Content     []byte `json:"content,omitempty"` // base64 in JSON
	URL         string `json:"url,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Inline      bool   `json:"inline,omitempty"`
	ContentID   string `json:"content_id,omitempty"`
}

// Ref names a list, template or field: by the provider's own ID, or by an Alias
// that the configuration maps to an id for each account.
type Ref struct {
	ID    string `json:"id,omitempty"`
	Alias string `json:"alias,omitempty"`
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

func (r Ref) String() string {
	if r.Alias != "" {
		return r.Alias
	}
	return "id:" + r.ID
}

// ParseRef reads a reference as the command line writes it: a bare word is an
// alias, "id:4" a literal id.
func ParseRef(text string) Ref {
	if id, ok := strings.CutPrefix(text, "id:"); ok {
		return Ref{ID: id}
	}
	return Ref{Alias: text}
}

// Toggle is a switch with a third position: leave it to the account. In JSON it
// is true, false or absent.
type Toggle uint8

// The positions of a Toggle.
const (
	Unset Toggle = iota
	On
	Off
)

// MarshalJSON writes true, false or null.
func (t Toggle) MarshalJSON() ([]byte, error) {
	switch t {
	case On:
		return []byte("true"), nil
	case Off:
		return []byte("false"), nil
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads true, false or null.
func (t *Toggle) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true":
		*t = On
	case "false":
		*t = Off
	case "null":
		*t = Unset
	default:
		return fmt.Errorf("expected true or false, got %s", clip(string(data)))
	}
	return nil
}

// Clone returns a copy that shares no slice or map with m, but for the contents
// of attachments and the values inside variables.
func (m *Message) Clone() *Message {
	c := *m
	c.To, c.Cc, c.Bcc, c.ReplyTo = slices.Clone(m.To), slices.Clone(m.Cc), slices.Clone(m.Bcc), slices.Clone(m.ReplyTo)
	c.Attachments, c.Tags = slices.Clone(m.Attachments), slices.Clone(m.Tags)
	c.Variables, c.Headers, c.Metadata = maps.Clone(m.Variables), maps.Clone(m.Headers), maps.Clone(m.Metadata)
	c.Recipients = slices.Clone(m.Recipients)
	return &c
}

// ParseMessage reads a Message from JSON. Unknown keys, keys that stand twice, a
// second document and content that is not base64 are errors that name the field.
func ParseMessage(data []byte) (*Message, error) {
	m := new(Message)
	if err := decodeStrict(data, m); err != nil {
		return nil, err
	}
	return m, nil
}

// ParseContactChange reads a ContactChange from JSON: absent leaves a field,
// null clears it. Unknown keys are errors that name them.
func ParseContactChange(data []byte) (ContactChange, error) {
	var c ContactChange
	err := decodeStrict(data, &c)
	return c, err
}

func join(parent, field string) string {
	if parent == "" || field == "" || strings.HasPrefix(field, "[") {
		return parent + field
	}
	return parent + "." + field
}

// clip keeps messages short and on one line.
func clip(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
