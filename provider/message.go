package provider

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
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

// Validate checks m by the rules that hold at every provider and returns an
// *Error of kind ErrInvalid that names the field, or nil. Client.Send calls it
// before anything else.
func (m *Message) Validate() error {
	if err := check(messageFields, m); err != nil {
		return err
	}
	for _, rule := range []func(*Message) error{checkRecipients, checkContent} {
		if err := rule(m); err != nil {
			return err
		}
	}
	return nil
}

// checkRecipients checks how the lists of recipients go together.
func checkRecipients(m *Message) error {
	switch {
	case len(m.To) > 0 && len(m.Recipients) > 0:
		return Invalid("recipients", "expected either to or recipients, got both")
	case len(m.Recipients) > 0 && len(m.Cc)+len(m.Bcc) > 0:
		return Invalid("recipients", "expected no cc and no bcc beside recipients")
	case len(m.To)+len(m.Recipients) == 0:
		return Invalid("to", "expected at least one recipient")
	}
	return nil
}

// checkContent checks that m has something to say, and says it once.
func checkContent(m *Message) error {
	own := usesHTML(m) || usesText(m)
	switch {
	case !m.Template.IsZero() && own:
		return Invalid("template", "expected either a template or html and text, got both")
	case m.Template.ID != "" && m.Template.Alias != "":
		return Invalid("template", "expected either id or alias, got both")
	case m.Template.IsZero() && !own:
		return Invalid("html", "expected html, text or a template")
	case m.Template.IsZero() && m.Subject == "" && !everyoneHasSubject(m):
		return Invalid("subject", "expected a subject")
	case m.Template.IsZero() && m.HTML == "" && m.Text == "" && anyOf(m.Recipients, func(r *Recipient) bool { return r.HTML == "" && r.Text == "" }):
		return Invalid("recipients", "expected html or text for every recipient, or for the message")
	}
	return nil
}

func everyoneHasSubject(m *Message) bool {
	return len(m.Recipients) > 0 && !anyOf(m.Recipients, func(r *Recipient) bool { return r.Subject == "" })
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
func ParseRef(s string) Ref {
	if id, ok := strings.CutPrefix(s, "id:"); ok {
		return Ref{ID: id}
	}
	return Ref{Alias: s}
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
		return fmt.Errorf("expected true or false, got %s", text.Clip(string(data)))
	}
	return nil
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
