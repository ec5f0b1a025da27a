package sandbox

import (
	"fmt"
	"mime"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// mailRow is a mail in a list of the control API.
type mailRow struct {
	Number      int64              `json:"number"` // of the sandbox, over all providers
	Provider    string             `json:"provider"`
	ID          string             `json:"id"` // as the fake returned it
	From        provider.Address   `json:"from"`
	To          []provider.Address `json:"to"`         // the first ones, see maxRowTo
	Recipients  int                `json:"recipients"` // number of to, cc and bcc
	Subject     string             `json:"subject"`
	Fate        string             `json:"fate"`
	Attachments int                `json:"attachments"`
	Size        int                `json:"size"` // of subject, bodies and attachments, in bytes
	AcceptedAt  time.Time          `json:"accepted_at"`
	SendAt      time.Time          `json:"send_at,omitzero"`
}

// maxRowTo is the number of recipients that a row names.
const maxRowTo = 3

// mailView is a mail as the control API shows it.
type mailView struct {
	mailRow
	Batch     string             `json:"batch"`
	To        []recipientView    `json:"to"`
	Cc        []recipientView    `json:"cc"`
	Bcc       []recipientView    `json:"bcc"`
	ReplyTo   []provider.Address `json:"reply_to"`
	HTML      string             `json:"html"` // with the variables filled in, like the next
	Text      string             `json:"text"`
	Files     []fileView         `json:"files"`
	Headers   map[string]string  `json:"headers"`
	Tags      []string           `json:"tags"`
	Template  string             `json:"template"`
	Variables map[string]any     `json:"variables"`
	List      string             `json:"list"`
	Notes     []string           `json:"notes"`
}

type recipientView struct {
	provider.Address
	Fate string `json:"fate"`
}

// fileView is an attachment; its content has an address of its own.
type fileView struct {
	Index       int    `json:"index"`
	Name        string `json:"name"`      // as sent
	FileName    string `json:"file_name"` // as it is downloaded
	ContentType string `json:"content_type"`
	Size        int    `json:"size"`          // in bytes
	URL         string `json:"url,omitempty"` // where the vendor gets it from; the sandbox does not
	Inline      bool   `json:"inline,omitempty"`
	ContentID   string `json:"content_id,omitempty"`
}

// The fates of a mail, and of its copy for one recipient.
const (
	fateDelivered = "delivered"
	fateBounced   = "bounced"
	fateBlocked   = "blocked"
	fateScheduled = "scheduled" // waits for its time
	fateWithdrawn = "withdrawn" // before it went out
	fateDropped   = "dropped"   // accepted, and not sent in silence
	fatePartly    = "partly"    // the recipients differ
)

// fateOf is the fate of m for one recipient.
func (st *store) fateOf(m *mail, email string) string {
	switch {
	case m.Withdrawn:
		return fateWithdrawn
	case m.Dropped:
		return fateDropped
	case !st.due(m):
		return fateScheduled
	}
	return st.fate(m.From.Email, email)
}

// maxFates is the number of recipients whose fates make up that of a mail in a list.
const maxFates = 100

func (st *store) wholeFate(m *mail) string {
	fate := ""
	recipients := m.recipients()
	for _, email := range recipients[:min(len(recipients), maxFates)] {
		one := st.fateOf(m, email)
		if fate != "" && one != fate {
			return fatePartly
		}
		fate = one
	}
	if fate == "" {
		return fateDropped // no recipient: a list without subscribers
	}
	return fate
}

func (st *store) row(m *mail) mailRow {
	return mailRow{
		Number: m.seq, Provider: m.Provider, ID: m.ID, From: shown(m.From), To: shownAll(m.To[:min(len(m.To), maxRowTo)]),
		Recipients: len(m.To) + len(m.Cc) + len(m.Bcc), Subject: st.filled(m, m.Subject), Fate: st.wholeFate(m),
		Attachments: len(m.Attachments), Size: m.content(), AcceptedAt: m.AcceptedAt, SendAt: m.SendAt,
	}
}

func (st *store) view(m *mail) mailView {
	v := mailView{
		mailRow: st.row(m), Batch: m.Batch, To: st.recipientViews(m, m.To), Cc: st.recipientViews(m, m.Cc), Bcc: st.recipientViews(m, m.Bcc),
		ReplyTo: shownAll(m.ReplyTo), HTML: st.filled(m, m.HTML), Text: st.filled(m, m.Text), Files: []fileView{},
		Headers: m.Headers, Tags: append([]string{}, m.Tags...), Template: m.Template, Variables: m.Variables, List: m.List,
		Notes: st.notes(m),
	}
	if v.Headers == nil {
		v.Headers = map[string]string{}
	}
	if v.Variables == nil {
		v.Variables = map[string]any{}
	}
	for i, a := range m.Attachments {
		v.Files = append(v.Files, fileView{
			Index: i, Name: a.Name, FileName: fileName(a, i), ContentType: a.ContentType, Size: len(a.Content), URL: a.URL,
			Inline: a.Inline, ContentID: a.ContentID,
		})
	}
	return v
}

func (st *store) recipientViews(m *mail, all []provider.Address) []recipientView {
	out := make([]recipientView, 0, len(all))
	for _, a := range all {
		out = append(out, recipientView{Address: shown(a), Fate: st.fateOf(m, a.Email)})
	}
	return out
}

// shown is an address as a mail program shows it: programs encode names (RFC 2047) for
// vendors that lose them otherwise.
func shown(a provider.Address) provider.Address {
	if name, err := new(mime.WordDecoder).DecodeHeader(a.Name); err == nil {
		a.Name = name
	}
	return a
}

func shownAll(all []provider.Address) []provider.Address {
	out := make([]provider.Address, 0, len(all))
	for _, a := range all {
		out = append(out, shown(a))
	}
	return out
}

// variables returns the prefix of the placeholders that the vendor fills in when it
// sends m; false when it fills in none, or the fake has done so.
func (st *store) variables(m *mail) (prefix string, ok bool) {
	switch st.name {
	case "brevo", "pakatv3":
		return "params.", true
	case "sendpulse":
		return "", m.Template != ""
	}
	return "", false
}

// filled is a text of m as the recipient sees it.
func (st *store) filled(m *mail, text string) string {
	if prefix, ok := st.variables(m); ok && strings.Contains(text, "{{") {
		return render(text, prefix, m.Variables)
	}
	return text
}

// notes says what is lost or unusual in a mail.
func (st *store) notes(m *mail) []string {
	out := []string{}
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if m.Withdrawn {
		say("It was withdrawn before it went out.")
	}
	if m.Dropped {
		say("The vendor accepts such a mail and does not send it.")
	}
	if !m.Withdrawn && !st.due(m) {
		say("It waits for its time, %s.", m.SendAt.Format(time.RFC3339))
	}
	if m.via != nil {
		out = append(out, m.via.notes...)
		for _, what := range m.via.taken {
			say("Taken, although the vendor's description does not have it: %s.", what)
		}
	}
	for _, name := range st.unfilled(m) {
		say("The variable %s has no value; its place stays empty.", text.Quoted(name))
	}
	if m.HTML != "" && m.Text == "" {
		say("There is no text beside the HTML.")
	}
	if undirected(m.HTML) {
		say("The HTML runs from right to left and does not say so (dir=\"rtl\"). This page shows it by its letters; many mail programs do not.")
	}
	return out
}

// unfilled returns the names in the placeholders of m that have no value.
func (st *store) unfilled(m *mail) []string {
	prefix, ok := st.variables(m)
	if !ok {
		return nil
	}
	var out []string
	for _, part := range []string{m.Subject, m.HTML, m.Text} {
		for _, found := range placeholder.FindAllStringSubmatch(part, -1) {
			name, ours := strings.CutPrefix(found[1], prefix)
			if _, has := m.Variables[name]; ours && !has && !slices.Contains(out, name) && len(out) < maxProblems {
				out = append(out, name)
			}
		}
	}
	return out
}

// undirected reports whether HTML runs from right to left and does not say so.
func undirected(html string) bool { return rightToLeft(html) && !namesDirection.MatchString(html) }

var namesDirection = regexp.MustCompile(`(?i)\bdir\s*=|\bdirection\s*:`)

// rightToLeft reports whether the first letter of HTML outside of tags is of a script
// that runs from right to left.
func rightToLeft(html string) bool {
	const enough = 64 << 10
	inTag := false
	for _, r := range html[:min(len(html), enough)] {
		switch {
		case r == '<':
			inTag = true
		case r == '>':
			inTag = false
		case !inTag && unicode.IsLetter(r):
			return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko)
		}
	}
	return false
}

// reservedNames are names of devices on Windows.
var reservedNames = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

// maxFileName is the longest name of a downloaded file, in bytes.
const maxFileName = 120

// fileName is a name for an attachment that is safe in a folder: no path, nothing that
// hides the extension, nothing that a system has reserved.
func fileName(a provider.Attachment, index int) string {
	name := a.Name
	if name == "" && a.URL != "" {
		if u, err := url.Parse(a.URL); err == nil {
			name = path.Base(u.Path)
		}
	}
	name = strings.ToValidUTF8(name, "_")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if text.Unprintable(r) || unicode.Is(unicode.Cf, r) && r != 0x200c && r != 0x200d || strings.ContainsRune(`<>:"|?*%`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if len(name) > maxFileName {
		extension := path.Ext(name)
		if len(extension) > 16 {
			extension = ""
		}
		head := name[:maxFileName-len(extension)]
		for !utf8.ValidString(head) {
			head = head[:len(head)-1]
		}
		name = strings.TrimRight(head, " .") + extension
	}
	if name == "" {
		return fmt.Sprintf("attachment-%d", index+1)
	}
	if reservedNames.MatchString(name) {
		name = "_" + name
	}
	return name
}

// disposition makes a browser save a file under its name.
func disposition(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}

// loaded are elements that lead away, or for which a browser connects before it asks the
// policy: Chromium does so for the address of a frame within a frame.
var loaded = []string{"link", "meta", "base", "iframe", "frame", "object", "embed", "applet", "portal", "fencedframe"}

// leads are attributes that make a link, or that let an animation of SVG make one: when
// the mouse goes down on a link, Chromium connects to where it leads.
var leads = []string{"href", "attributename"}

// framed is the HTML of a mail for the frame of the page. The frame has no scripts, forms
// or loads by its attributes and headers; here goes what they do not stop, connections that
// are made before the policy is asked. A name stands right behind its < in every state of a
// parser, and an attribute has its name whole before its =, so this needs no parser: it
// may change a text that shows code, and leaves no link. The links are in a list beside it.
func framed(html string) string {
	html = strings.ToValidUTF8(html, "\ufffd")
	root := "<html>"
	if undirected(html) {
		root = `<html dir="rtl">`
	}
	html = renamed(html, '<', "x-", func(i int) int {
		i++
		if i < len(html) && html[i] == '/' {
			i++
		}
		if slices.ContainsFunc(loaded, func(name string) bool {
			return len(html)-i >= len(name) && strings.EqualFold(html[i:i+len(name)], name)
		}) {
			return i
		}
		return -1
	})
	html = renamed(html, '=', "data-", func(i int) int {
		before := strings.TrimRight(html[:i], " \t\r\n\f")
		for _, name := range leads {
			if at := len(before) - len(name); at >= 0 && strings.EqualFold(before[at:], name) {
				return at
			}
		}
		return -1
	})
	doctype := docType.FindString(html[:min(len(html), maxDocType)])
	return doctype + root + frameStyle + html[len(doctype):]
}

// renamed puts prefix before each name that find finds at a sign: its place, or -1.
func renamed(html string, sign byte, prefix string, find func(i int) int) string {
	var out strings.Builder
	written := 0
	for i := 0; i < len(html); i++ {
		next := strings.IndexByte(html[i:], sign)
		if next < 0 {
			break
		}
		i += next
		if at := find(i); at >= written {
			out.WriteString(html[written:at])
			out.WriteString(prefix)
			written = at
		}
	}
	out.WriteString(html[written:])
	return out.String()
}

// maxDocType is within what a document type is looked for, in bytes.
const maxDocType = 1000

var docType = regexp.MustCompile(`(?i)^\s*<!doctype[^>]*>`)

// frameStyle shows links as such, and the place of an image that is not loaded.
const frameStyle = `<style>:where(a[data-href]){color:#00e;text-decoration:underline}img[src]:not([src^="data:" i]){min-width:1.5em;min-height:1.5em;outline:1px dashed #8a8f98;` +
	`outline-offset:-1px;background:repeating-linear-gradient(45deg,#8a8f981f 0 6px,#0000 6px 12px)}</style>`
