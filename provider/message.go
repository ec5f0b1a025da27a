package provider

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/strictjson"
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
	// SendAt schedules the mail; zero means now. A time that lies more than a minute in
	// the past is refused. One that passes while a batch runs sends the mail at once,
	// with a note.
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

// Toggle is a switch with a third position: leave it to the account. In JSON it
// is true, false or absent.
type Toggle uint8

// The positions of a Toggle; the zero Toggle leaves it to the account.
const (
	ToggleOn  Toggle = 1
	ToggleOff Toggle = 2
)

// MarshalJSON writes true, false or null.
func (t Toggle) MarshalJSON() ([]byte, error) {
	switch t {
	case ToggleOn:
		return []byte("true"), nil
	case ToggleOff:
		return []byte("false"), nil
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads true, false or null.
func (t *Toggle) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true":
		*t = ToggleOn
	case "false":
		*t = ToggleOff
	case "null":
		*t = 0
	default:
		return fmt.Errorf("expected true or false, got %s", text.Clip(string(data)))
	}
	return nil
}

// Accepted returns the receipt of m when the provider has accepted it under the id:
// accepted, or scheduled when m has a SendAt. Adapters begin with it.
func (m *Message) Accepted(messageID string) *Receipt {
	if m.SendAt.IsZero() {
		return m.Receipt(messageID, StateAccepted)
	}
	return m.Receipt(messageID, StateScheduled)
}

// Receipt returns the receipt of m when all its recipients are in the state and
// under the id: To, Cc, Bcc, or Recipients, in this order.
func (m *Message) Receipt(messageID string, state State) *Receipt {
	r := &Receipt{MessageID: messageID, State: state}
	r.Recipients = make([]RecipientResult, 0, len(m.To)+len(m.Cc)+len(m.Bcc)+len(m.Recipients))
	add := func(email string) {
		r.Recipients = append(r.Recipients, RecipientResult{Email: email, MessageID: messageID, State: state})
	}
	for _, list := range [][]Address{m.To, m.Cc, m.Bcc} {
		for _, a := range list {
			add(a.Email)
		}
	}
	for _, p := range m.Recipients {
		add(p.Email)
	}
	return r
}

// ParseMessage reads a Message from JSON. Unknown keys, keys that stand twice, a
// second document and content that is not base64 are errors that name the field.
func ParseMessage(data []byte) (*Message, error) {
	m := new(Message)
	if err := decode(data, m); err != nil {
		return nil, err
	}
	return m, nil
}

// decode reads a JSON document that a person wrote.
func decode(data []byte, out any) error {
	if err := strictjson.Decode(data, out); err != nil {
		return Invalid(err.Path, "%s", err.Message)
	}
	return nil
}

// ListUnsubscribe returns the header fields that let mail programs show a
// button to unsubscribe, for Message.Headers: List-Unsubscribe (RFC 2369) and,
// when there is a URL, List-Unsubscribe-Post (RFC 8058).
//
// mailto is an address, or a mailto URL with a subject; link an https URL that
// names the recipient by something that cannot be guessed, and unsubscribes on a
// POST with the body List-Unsubscribe=One-Click, without cookies and without
// asking back. One of the two may be empty. Errors are of kind ErrInvalid.
//
// One-click works only where a DKIM signature covers both fields, which is the
// provider's part.
func ListUnsubscribe(mailto, link string) (map[string]string, error) {
	var ways []string
	if link != "" {
		if err := checkOneClick(link); err != nil {
			return nil, err
		}
		ways = append(ways, "<"+link+">")
	}
	if mailto != "" {
		uri, err := mailtoURL(mailto)
		if err != nil {
			return nil, err
		}
		ways = append(ways, "<"+uri+">")
	}
	if len(ways) == 0 {
		return nil, Invalid("url", "expected an address, an https URL, or both")
	}
	out := map[string]string{"List-Unsubscribe": strings.Join(ways, ", ")}
	if link != "" {
		out["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	if err := checkLine("url", out["List-Unsubscribe"]); err != nil {
		return nil, err
	}
	return out, nil
}

func checkOneClick(link string) error {
	u, err := url.Parse(link)
	switch {
	case !uriText(link) || err != nil || u.Host == "":
		return Invalid("url", "expected an https URL in ASCII without blanks and angle brackets")
	case !strings.EqualFold(u.Scheme, "https"):
		return Invalid("url", "expected https: one-click is not defined for %q", text.Clip(u.Scheme))
	case u.User != nil || strings.Contains(link, "#"):
		return Invalid("url", "expected a URL without user and fragment")
	}
	return nil
}

// mailtoURL makes a mailto URL (RFC 6068) of an address, or checks one.
func mailtoURL(s string) (string, error) {
	const scheme = "mailto:"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		if err := checkEmail("mailto", s); err != nil {
			return "", err
		}
		s = scheme + strings.NewReplacer("&", "%26", "=", "%3D").Replace(url.PathEscape(s))
	}
	u, err := url.Parse(s)
	if err != nil || !uriText(s) || strings.Contains(s, "#") {
		return "", Invalid("mailto", "expected an address, or a URL like mailto:leave@example.com?subject=leave, in ASCII without blanks")
	}
	address, err := url.PathUnescape(u.Opaque)
	if err != nil {
		return "", Invalid("mailto", "%s", err.Error())
	}
	if err := checkEmail("mailto", address); err != nil {
		return "", err
	}
	return s, nil
}

// uriText reports whether s is made of characters that a URL in angle
// brackets may hold.
func uriText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>"\^`+"`{|}", r) })
}

// Trace returns what Client.Settle needs to look for the mail: m and when it was
// tried, from start until end.
func (m *Message) Trace(start, end time.Time) *Trace {
	t := Trace{
		At: start.UTC().Round(0), Until: end.UTC().Round(0), From: m.From.Email, Subject: m.Subject, SendAt: m.SendAt,
		Tags: slices.Clone(m.Tags),
	}
	own := make(map[string]Trace)
	for _, r := range m.Recipients {
		if r.Subject != "" && r.Subject != m.Subject {
			x := t
			x.Subject = r.Subject
			own[r.Email] = x
		}
	}
	if len(own) > 0 {
		t.Own = own
	}
	return &t
}
