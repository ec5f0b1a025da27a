package provider

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/bounded"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/internal/text"
)

// Message is one mail. Its zero fields are not sent. A Client does not change a
// Message and keeps no reference to it after Send returns. It does not copy slices,
// maps and files: do not change them while Send runs.
type Message struct {
	// From is the sender; empty means the account's "from" setting, or the
	// sender of the template where the provider has one.
	From Address `json:"from,omitzero"`
	// To are the recipients of one shared mail: they see each other. Use Recipients
	// to send each a separate mail.
	To []Address `json:"to,omitempty"`
	// Cc and Bcc get copies; recipients see Cc and not Bcc.
	Cc      []Address `json:"cc,omitempty"`
	Bcc     []Address `json:"bcc,omitempty"`
	ReplyTo []Address `json:"reply_to,omitempty"`
	Subject string    `json:"subject,omitempty"`
	// HTML and Text are the body; with both, the recipient's program chooses.
	HTML string `json:"html,omitempty"`
	Text string `json:"text,omitempty"`
	// Template is a template stored at the provider; it excludes HTML and Text.
	Template Ref `json:"template,omitzero"`
	// Variables fill the template: any JSON values. Go's other types become JSON: a
	// time RFC 3339, a nil pointer null. Numbers keep their digits: ParseMessage has a
	// json.Number where a float64 would print others. NaN, infinities and []byte are
	// refused.
	Variables map[string]any `json:"variables,omitempty"`
	// Attachments are files. Headers are further header fields of the mail; those that
	// other fields, the provider or a server on the way write are refused. Tags group
	// mails in the provider's statistics and events.
	Attachments []Attachment      `json:"attachments,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	// Metadata comes back in the provider's events. Recipients may see it.
	Metadata map[string]string `json:"metadata,omitempty"`
	// SendAt schedules the mail; zero means now. A time more than a minute in the past
	// is refused. When the time passes while a batch runs, the mail goes out at once,
	// with a note.
	SendAt time.Time `json:"send_at,omitzero"`
	// TrackOpens and TrackClicks switch tracking on or off for this mail.
	TrackOpens  Toggle `json:"track_opens,omitzero"`
	TrackClicks Toggle `json:"track_clicks,omitzero"`
	// IdempotencyKey names the act, "confirmation of order 4711": a repeated Send under
	// it sends nothing, under a duplicate guard or where the provider has such keys.
	// Where it needs a key and none is given, one is made; Receipt.IdempotencyKey
	// returns it.
	IdempotencyKey string `json:"idempotency_key,omitempty"`
	// Recipients get one mail each, with their own variables or content; they do
	// not see each other. Recipients excludes To, Cc and Bcc.
	Recipients []Recipient `json:"recipients,omitempty"`
}

// Recipient is one recipient of a personalised mail; see Resolved for what
// empty fields mean.
type Recipient struct {
	Email     string         `json:"email"` // required
	Name      string         `json:"name,omitempty"`
	Variables map[string]any `json:"variables,omitempty"`
	Subject   string         `json:"subject,omitempty"`
	HTML      string         `json:"html,omitempty"`
	Text      string         `json:"text,omitempty"`
}

// Resolved returns r with its empty fields filled from m: the subject, and the body
// as a whole. A recipient with an HTML or Text of its own gets nothing of m's body.
// Variables of r replace those of m with the same name.
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
	// Name is sent in NFC, and with ' in place of a quote.
	Name        string `json:"name,omitempty"`
	Content     []byte `json:"content,omitempty"` // base64 in JSON
	URL         string `json:"url,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Inline      bool   `json:"inline,omitempty"`
	ContentID   string `json:"content_id,omitempty"`
}

// attachmentMost is the most bytes of a file that Attach and AttachFile read; no provider
// takes as much.
const attachmentMost = 64 << 20

// Attach appends a file with the given name and what r has to its end to m.Attachments. The
// errors are of kind ErrInvalid: r fails, is empty, or has more than 64 MiB. m is unchanged
// then.
func (m *Message) Attach(name string, r io.Reader) error {
	data, err := bounded.ReadAll(r, attachmentMost)
	return m.attach(name, data, err)
}

// AttachFile is Attach for a file of the system, under the last element of its path.
func (m *Message) AttachFile(path string) error {
	data, err := bounded.ReadFile(path, attachmentMost)
	return m.attach(filepath.Base(path), data, err)
}

func (m *Message) attach(name string, data []byte, err error) error {
	field := fmt.Sprintf("attachments[%d]", len(m.Attachments))
	switch {
	case err != nil:
		e := Invalid(field, "cannot read the file: %v", err)
		e.Err = err
		return e
	case len(data) == 0:
		return Invalid(field, "%s is empty", text.Quoted(name))
	}
	m.Attachments = append(m.Attachments, Attachment{Name: name, Content: data})
	return nil
}

// Ref names a list, template or field: by the provider's own ID, or by an Alias
// that the configuration maps to an id for each account.
type Ref struct {
	ID    string `json:"id,omitempty"`    // the provider's
	Alias string `json:"alias,omitempty"` // a name from the configuration; excludes ID
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// String returns the alias, else "id:" and the id.
func (r Ref) String() string {
	if r.Alias != "" {
		return r.Alias
	}
	return "id:" + r.ID
}

// UnmarshalText reads the short form: a bare word is an alias, "id:4" a literal id. A
// text that names nothing is an error.
func (r *Ref) UnmarshalText(text []byte) error {
	id, literal := strings.CutPrefix(string(text), "id:")
	switch {
	case literal && id != "":
		*r = Ref{ID: id}
	case literal || id == "":
		return errors.New("expected an alias or id:ID")
	default:
		*r = Ref{Alias: id}
	}
	return nil
}

// UnmarshalJSON reads a reference as a text, "newsletter" or "id:4", or as an object.
func (r *Ref) UnmarshalJSON(data []byte) error {
	type plain Ref
	return shortOr(data, r, (*plain)(r))
}

// Toggle switches something on or off, or leaves it to the account. In JSON it is
// true, false or absent.
type Toggle uint8

// The positions of a Toggle; the zero Toggle leaves it to the account.
const (
	ToggleOn  Toggle = 1 // on
	ToggleOff Toggle = 2 // off
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

// Accepted returns the receipt of m when the provider accepted it under the id:
// accepted, or scheduled when m has a SendAt. It is for adapters.
func (m *Message) Accepted(messageID string) *Receipt {
	if m.SendAt.IsZero() {
		return m.Receipt(messageID, StateAccepted)
	}
	return m.Receipt(messageID, StateScheduled)
}

// Receipt returns a receipt of m in which all recipients have the given state and
// id, in the order To, Cc, Bcc, or Recipients. It is for adapters.
func (m *Message) Receipt(messageID string, state State) *Receipt {
	// Nearly all mail has one recipient: one piece of memory does.
	var room struct {
		receipt    Receipt
		recipients [1]RecipientResult
	}
	r := &room.receipt
	r.MessageID, r.State = messageID, state
	r.Recipients = slices.Grow(room.recipients[:0], len(m.To)+len(m.Cc)+len(m.Bcc)+len(m.Recipients))
	add := func(email string) {
		r.Recipients = append(r.Recipients, RecipientResult{
			Email: email, MessageID: messageID, State: state,
		})
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

// ParseMessage reads a Message from JSON. Unknown keys, duplicate keys, a second
// document, content that is not base64, text that is not UTF-8 and half characters are
// errors that name the field. A byte order mark at the start is taken off.
func ParseMessage(data []byte) (*Message, error) {
	m := new(Message)
	if err := decode(data, m, messageMost); err != nil {
		return nil, err
	}
	return m, nil
}

// The sizes of JSON documents that are read, at most. A document takes several times its
// size in memory. No provider takes a mail of that size.
const (
	configMost  = 4 << 20
	messageMost = 64 << 20
	contactMost = 16 << 20
)

// decode reads a JSON document strictly: people write them.
func decode(data []byte, out any, most int) error {
	if len(data) > most {
		return Invalid("", "expected JSON of at most %d MiB, got %d bytes", most>>20, len(data))
	}
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
// One-click works only where a DKIM signature, which the provider makes, covers
// both fields.
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
		return Invalid(
			"url", "expected https: one-click is not defined for %q", text.Clip(u.Scheme),
		)
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
		return "", Invalid(
			"mailto",
			"expected an address, or a URL like mailto:leave@example.com?subject=leave, in ASCII without blanks",
		)
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
