package provider

import (
	"fmt"
	"maps"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/mailbody"
	"github.com/postmux/postmux/internal/text"
)

// The table of the fields of a Message.

var messageFields = []field[Message]{
	{name: "From", check: func(m *Message) error { return checkSender(m.From) }},
	{
		name: "To",
		uses: []use[Message]{{
			feature: featureToMany, doc: "several recipients who see each other", actions: mayFanOut,
			used: func(m *Message) bool { return len(m.To) > 1 },
		}},
		check: func(m *Message) error { return checkAddresses("to", m.To) },
		clone: func(m *Message) { m.To = slices.Clone(m.To) },
		size:  func(m *Message) int { return len(m.To) * addressSize },
	},
	{
		name: "Cc",
		uses: []use[Message]{{
			feature: featureCc, doc: "visible copies", actions: mayDrop,
			used: func(m *Message) bool { return len(m.Cc) > 0 },
			drop: func(m *Message) { m.Cc = nil },
		}},
		check: func(m *Message) error { return checkAddresses("cc", m.Cc) },
		clone: func(m *Message) { m.Cc = slices.Clone(m.Cc) },
		size:  func(m *Message) int { return len(m.Cc) * addressSize },
	},
	{
		name: "Bcc",
		uses: []use[Message]{{
			feature: featureBcc, doc: "hidden copies", actions: mayDrop,
			used: func(m *Message) bool { return len(m.Bcc) > 0 },
			drop: func(m *Message) { m.Bcc = nil },
		}},
		check: func(m *Message) error { return checkAddresses("bcc", m.Bcc) },
		clone: func(m *Message) { m.Bcc = slices.Clone(m.Bcc) },
		size:  func(m *Message) int { return len(m.Bcc) * addressSize },
	},
	{
		name: "ReplyTo",
		uses: []use[Message]{
			{
				feature: featureReplyTo, doc: "an address for answers", actions: mayDrop,
				used: func(m *Message) bool { return len(m.ReplyTo) > 0 },
				drop: func(m *Message) { m.ReplyTo = nil },
			},
			{
				feature: featureReplyToMany, doc: "several addresses for answers", actions: mayDrop,
				used: func(m *Message) bool { return len(m.ReplyTo) > 1 },
				drop: func(m *Message) { m.ReplyTo = m.ReplyTo[:min(1, len(m.ReplyTo))] },
			},
		},
		check: func(m *Message) error { return checkAddresses("reply_to", m.ReplyTo) },
		clone: func(m *Message) { m.ReplyTo = slices.Clone(m.ReplyTo) },
		size:  func(m *Message) int { return len(m.ReplyTo) * addressSize },
	},
	{
		name:  "Subject",
		check: func(m *Message) error { return checkProse("subject", m.Subject) },
		size:  func(m *Message) int { return len(m.Subject) },
	},
	{
		name: "HTML",
		uses: []use[Message]{{feature: featureHTML, doc: "an HTML body", used: usesHTML}},
		check: func(m *Message) error {
			return checkText("html", m.HTML)
		},
		size: func(m *Message) int { return len(m.HTML) },
	},
	{
		name: "Text",
		uses: []use[Message]{
			{
				feature: featureText, doc: "a text body in addition to the HTML", actions: mayDrop, byDefault: true, minor: true,
				used: func(m *Message) bool { return usesText(m) && usesHTML(m) },
				drop: func(m *Message) {
					m.Text = ""
					m.Recipients = slices.Clone(m.Recipients)
					for i := range m.Recipients {
						m.Recipients[i].Text = ""
					}
				},
			},
			{
				feature: featureTextOnly, doc: "a text body alone", actions: mayEmulate, byDefault: true,
				used:    func(m *Message) bool { return usesText(m) && !usesHTML(m) },
				emulate: htmlFromText,
			},
		},
		check: func(m *Message) error { return checkText("text", m.Text) },
		size:  func(m *Message) int { return len(m.Text) },
	},
	{
		name: "Template",
		uses: []use[Message]{{
			feature: featureTemplate, doc: "a template stored at the provider",
			used: func(m *Message) bool { return !m.Template.IsZero() },
		}},
		// The id and the alias are checked when the alias is resolved.
	},
	{
		name: "Variables",
		uses: []use[Message]{{feature: featureVariables, doc: "values for a template", used: func(m *Message) bool {
			return len(m.Variables) > 0 || anyOf(
				m.Recipients, func(r *Recipient) bool { return len(r.Variables) > 0 },
			)
		}}},
		check: func(m *Message) error { return checkVariables("variables", m.Variables) },
		clone: func(m *Message) { m.Variables = maps.Clone(m.Variables) },
		size:  func(m *Message) int { return sizeOfMap(m.Variables) },
	},
	{
		name: "Attachments",
		uses: []use[Message]{
			{
				feature: featureAttachments, doc: "a file", actions: mayDrop,
				used: anyAttachment(func(a *Attachment) bool { return len(a.Content) > 0 }),
				drop: dropAttachments(func(a Attachment) bool { return len(a.Content) > 0 }),
			},
			{
				feature: featureAttachmentMany, doc: "several files",
				used: func(m *Message) bool { return len(m.Attachments) > 1 },
			},
			{
				feature: featureAttachmentURL, doc: "a file that the provider fetches", actions: mayDrop,
				used: anyAttachment(func(a *Attachment) bool { return a.URL != "" }),
				drop: dropAttachments(func(a Attachment) bool { return a.URL != "" }),
			},
			{
				feature: featureAttachmentType, doc: "a content type that the file name does not imply", actions: mayDrop, byDefault: true, minor: true,
				used: anyAttachment(
					func(a *Attachment) bool { return a.ContentType != "" && !nameTells(a) },
				),
				drop: func(m *Message) {
					m.Attachments = slices.Clone(m.Attachments)
					for i := range m.Attachments {
						m.Attachments[i].ContentType = ""
					}
				},
			},
			{
				feature: featureInline, doc: "a file shown inside the HTML", actions: mayDrop,
				used: anyAttachment(
					func(a *Attachment) bool { return a.Inline || a.ContentID != "" },
				),
				drop: dropAttachments(
					func(a Attachment) bool { return a.Inline || a.ContentID != "" },
				),
			},
		},
		check: func(m *Message) error { return checkParts("attachments", m.Attachments, attachmentFields) },
		clone: func(m *Message) { m.Attachments = slices.Clone(m.Attachments) },
		size:  func(m *Message) int { return sizeOfParts(m.Attachments, attachmentFields) },
	},
	{
		name: "Headers",
		uses: []use[Message]{
			{
				feature: featureHeaders, doc: "own header fields", actions: mayDrop,
				used: func(m *Message) bool { return anyHeader(m, func(name string) bool { return !isListUnsubscribe(name) }) },
				drop: func(m *Message) { dropHeaders(m, func(name string) bool { return !isListUnsubscribe(name) }) },
			},
			{
				feature: featureListUnsubscribe, doc: "the header field with a way to unsubscribe",
				actions: []Action{ActionEmulate, ActionDrop}, byDefault: true, partly: true,
				used:    func(m *Message) bool { return anyHeader(m, isListUnsubscribe) },
				drop:    func(m *Message) { dropHeaders(m, isListUnsubscribe) },
				emulate: linkInBody,
			},
		},
		check: checkHeaders,
		clone: func(m *Message) { m.Headers = maps.Clone(m.Headers) },
		size:  func(m *Message) int { return len(m.Headers) * entrySize },
	},
	{
		name: "Tags",
		uses: []use[Message]{{
			feature: featureTags, doc: "labels for statistics", actions: mayDrop, byDefault: true, minor: true,
			used: func(m *Message) bool { return len(m.Tags) > 0 },
			drop: func(m *Message) { m.Tags = nil },
		}},
		check: checkTags,
		clone: func(m *Message) { m.Tags = slices.Clone(m.Tags) },
		size:  func(m *Message) int { return len(m.Tags) * entrySize },
	},
	{
		name: "Metadata",
		uses: []use[Message]{{
			feature: featureMetadata, doc: "data that comes back in events", actions: mayDrop, minor: true,
			used: func(m *Message) bool { return len(m.Metadata) > 0 },
			drop: func(m *Message) { m.Metadata = nil },
		}},
		check: checkMetadata,
		clone: func(m *Message) { m.Metadata = maps.Clone(m.Metadata) },
		size:  func(m *Message) int { return len(m.Metadata) * entrySize },
	},
	{
		name: "SendAt",
		uses: []use[Message]{{
			feature: featureSendAt, doc: "a time to send at", actions: maySendNow,
			used: func(m *Message) bool { return !m.SendAt.IsZero() },
			drop: func(m *Message) { m.SendAt = time.Time{} }, // it goes out at once
		}},
	},
	{
		name: "TrackOpens",
		uses: []use[Message]{{
			feature: featureTrackOpens, doc: "tracking of opens for this mail", actions: mayDrop, minor: true,
			used: func(m *Message) bool { return m.TrackOpens != 0 },
			drop: func(m *Message) { m.TrackOpens = 0 },
		}},
	},
	{
		name: "TrackClicks",
		uses: []use[Message]{{
			feature: featureTrackClicks, doc: "tracking of clicks for this mail", actions: mayDrop, minor: true,
			used: func(m *Message) bool { return m.TrackClicks != 0 },
			drop: func(m *Message) { m.TrackClicks = 0 },
		}},
	},
	{
		name: "IdempotencyKey",
		uses: []use[Message]{{
			feature: featureIdempotencyKey, doc: "a repeat with the same key sends nothing", actions: mayDrop,
			used: func(m *Message) bool { return m.IdempotencyKey != "" },
			drop: func(m *Message) { m.IdempotencyKey = "" },
		}},
		check: func(m *Message) error { return checkLine(keyField, m.IdempotencyKey) },
	},
	{
		name: "Recipients",
		uses: []use[Message]{{
			feature: featureRecipients, doc: "a separate mail for each recipient, in one call", actions: mayEmulate, byDefault: true,
			used: func(m *Message) bool { return len(m.Recipients) > 0 },
		}},
		check: func(m *Message) error { return checkParts("recipients", m.Recipients, recipientFields) },
		clone: func(m *Message) { m.Recipients = slices.Clone(m.Recipients) },
		size:  func(m *Message) int { return sizeOfParts(m.Recipients, recipientFields) },
	},
}

// recipientFields are the rows of Recipient. Those without a feature in with
// are a part of every personalised mail.
var recipientFields = []field[Recipient]{
	{
		name: "Email", check: func(r *Recipient) error { return checkEmail(".email", r.Email) },
		size: func(*Recipient) int { return addressSize },
	},
	{name: "Name", check: func(r *Recipient) error { return checkProse(".name", r.Name) }},
	{
		name: "Variables", with: featureVariables,
		check: func(r *Recipient) error { return checkVariables(".variables", r.Variables) },
		size:  func(r *Recipient) int { return sizeOfMap(r.Variables) },
	},
	{
		name:  "Subject",
		check: func(r *Recipient) error { return checkProse(".subject", r.Subject) },
		size:  func(r *Recipient) int { return len(r.Subject) },
	},
	{
		name: "HTML", with: featureHTML,
		check: func(r *Recipient) error { return checkText(".html", r.HTML) },
		size:  func(r *Recipient) int { return len(r.HTML) },
	},
	{
		name: "Text", with: featureTextOnly, // or featureText, when there is HTML too
		check: func(r *Recipient) error { return checkText(".text", r.Text) },
		size:  func(r *Recipient) int { return len(r.Text) },
	},
}

// attachmentFields are the rows of Attachment.
var attachmentFields = []field[Attachment]{
	{name: "Name", check: checkFileName, size: func(*Attachment) int { return entrySize }},
	{
		name: "Content", with: featureAttachments,
		check: func(a *Attachment) error {
			switch {
			case a.URL != "" && len(a.Content) > 0:
				return Invalid("", "expected either content or url, got both")
			case a.URL == "" && len(a.Content) == 0:
				return Invalid(".content", "expected content (base64) or url")
			}
			return nil
		},
		size: func(a *Attachment) int { return len(a.Content) },
	},
	{name: "URL", with: featureAttachmentURL, check: checkAttachmentURL},
	{name: "ContentType", with: featureAttachmentType, check: checkContentType},
	{name: "Inline", with: featureInline},
	{
		name: "ContentID", with: featureInline,
		check: func(a *Attachment) error { return checkLine(".content_id", a.ContentID) },
	},
}

// needs appends the features that m uses to out.
func (m *Message) needs(out []Feature) []Feature { return needs(messageFields, m, out) }

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

// checkRecipients checks the combination of the lists of recipients.
func checkRecipients(m *Message) error {
	switch {
	case len(m.To) > 0 && len(m.Recipients) > 0:
		return Invalid("recipients", "expected either to or recipients, got both")
	case len(m.Recipients) > 0 && len(m.Cc)+len(m.Bcc) > 0:
		return Invalid("recipients", "expected no cc and no bcc together with recipients")
	case len(m.To)+len(m.Recipients) == 0:
		return Invalid("to", "expected at least one recipient")
	}
	return nil
}

// checkContent checks that m has content, in one form.
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
		return Invalid(
			"recipients", "expected html or text for every recipient, or for the message",
		)
	}
	return nil
}

func everyoneHasSubject(m *Message) bool {
	return len(m.Recipients) > 0 && !anyOf(
		m.Recipients, func(r *Recipient) bool { return r.Subject == "" },
	)
}

func usesHTML(m *Message) bool {
	return m.HTML != "" || anyOf(m.Recipients, func(r *Recipient) bool { return r.HTML != "" })
}

func usesText(m *Message) bool {
	return m.Text != "" || anyOf(m.Recipients, func(r *Recipient) bool { return r.Text != "" })
}

func anyAttachment(is func(*Attachment) bool) func(*Message) bool {
	return func(m *Message) bool { return anyOf(m.Attachments, is) }
}

func dropAttachments(is func(Attachment) bool) func(*Message) {
	return func(m *Message) { m.Attachments = slices.DeleteFunc(slices.Clone(m.Attachments), is) }
}

// isListUnsubscribe reports whether a header field tells how to unsubscribe (RFC 2369 and 8058).
func isListUnsubscribe(name string) bool {
	return strings.EqualFold(name, "List-Unsubscribe") || strings.EqualFold(name, "List-Unsubscribe-Post")
}

func anyHeader(m *Message, is func(name string) bool) bool {
	for name := range m.Headers {
		if is(name) {
			return true
		}
	}
	return false
}

func dropHeaders(m *Message, is func(name string) bool) {
	m.Headers = maps.Clone(m.Headers)
	maps.DeleteFunc(m.Headers, func(name, _ string) bool { return is(name) })
	if len(m.Headers) == 0 {
		m.Headers = nil
	}
}

// htmlFromText makes an HTML body that shows the text as it is written.
func htmlFromText(m *Message, provider string) (how string, ok bool) {
	filled := false
	m.HTML = mailbody.OfText(m.Text)
	m.Recipients = slices.Clone(m.Recipients)
	for i, r := range m.Recipients {
		m.Recipients[i].HTML = mailbody.OfText(r.Text)
		filled = filled || strings.Contains(r.Text, "{{")
	}
	how = "made from text, which " + provider + " cannot send alone; its tracking of opens and clicks applies to it"
	if filled || strings.Contains(m.Text, "{{") {
		how += "; it holds {{, which " + provider + " may fill in"
	}
	return how, true
}

// linkInBody puts what a List-Unsubscribe field says into the body, as a link at its end. A
// template is the provider's: nothing can be added to it.
func linkInBody(m *Message, provider string) (how string, ok bool) {
	uri := ""
	for name, value := range m.Headers {
		if strings.EqualFold(name, "List-Unsubscribe") {
			uri = mailbody.Way(value)
		}
	}
	if uri == "" || !m.Template.IsZero() {
		return "", false
	}
	dropHeaders(m, isListUnsubscribe)
	link := func(html, text *string) (added bool) {
		if *html != "" {
			*html, added = mailbody.LinkHTML(*html, uri)
		}
		if *text != "" {
			var too bool
			*text, too = mailbody.LinkText(*text, uri)
			added = added || too
		}
		return added
	}
	added := link(&m.HTML, &m.Text)
	m.Recipients = slices.Clone(m.Recipients)
	for i := range m.Recipients {
		added = link(&m.Recipients[i].HTML, &m.Recipients[i].Text) || added
	}
	if !added {
		return provider + " takes no such header field; the body has the link already", true
	}
	return provider + " takes no such header field, so the link stands at the end of the body", true
}

// nameTells reports whether the extension of the file name implies the content
// type, which is then right at a provider that looks at names only.
func nameTells(a *Attachment) bool {
	want, _, err := mime.ParseMediaType(a.ContentType)
	if err != nil {
		return false
	}
	got, _, err := mime.ParseMediaType(mime.TypeByExtension(path.Ext(a.Name)))
	return err == nil && got == want
}

func checkSender(from Address) error {
	if from == (Address{}) {
		return nil // the account or the template has one
	}
	return checkAddress("from", -1, from)
}

func checkTags(m *Message) error {
	for i, tag := range m.Tags {
		err := checkLine("", tag)
		if tag == "" {
			err = Invalid("", "expected a text")
		}
		if err != nil {
			return atField(fmt.Sprintf("tags[%d]", i), err)
		}
	}
	return nil
}

func checkMetadata(m *Message) error {
	for k, v := range m.Metadata {
		if k == "" {
			return Invalid("metadata", "expected a name for every value")
		}
		err := checkLine("", k)
		if err == nil {
			err = checkLine("", v)
		}
		if err == nil && len(k)+len(v) > maxLine {
			err = checkLine("", k+v)
		}
		if err != nil {
			return atField("metadata."+text.Quoted(k), err)
		}
	}
	return nil
}

func checkFileName(a *Attachment) error {
	if a.Name == "" && a.URL == "" {
		return Invalid(".name", "expected a file name")
	}
	if strings.ContainsAny(a.Name, "/\\") || len(a.Name) > 255 || a.Name == "." || a.Name == ".." {
		return Invalid(
			".name", "expected a file name of at most 255 bytes without a path, got %q",
			text.Clip(a.Name),
		)
	}
	return checkLine(".name", a.Name)
}

func checkAttachmentURL(a *Attachment) error {
	if a.URL == "" {
		return nil
	}
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || !utf8.ValidString(a.URL) || strings.ContainsFunc(a.URL, text.ForbiddenInWord) {
		return Invalid(".url", "expected an https URL")
	}
	return nil
}

func checkContentType(a *Attachment) error {
	if a.ContentType == "" {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(a.ContentType); err != nil || strings.Count(kind, "/") != 1 {
		return Invalid(".content_type", "expected a media type like image/png")
	}
	return checkLine(".content_type", a.ContentType)
}

func checkHeaders(m *Message) error {
	var seen map[string]bool
	for name, value := range m.Headers {
		if err := checkHeader(name, value); err != nil {
			return atField("headers."+text.Quoted(name), err)
		}
		if len(m.Headers) == 1 {
			break
		}
		lower := strings.ToLower(name)
		if seen[lower] {
			return Invalid("headers."+name, "this header is given twice, in another spelling")
		}
		if seen == nil {
			seen = make(map[string]bool, len(m.Headers))
		}
		seen[lower] = true
	}
	return nil
}

// convert brings values and names of files into the form in which adapters get them. It
// changes no slice and no map of m.
func (m *Message) convert() []Note {
	var notes []Note
	m.Variables, _ = plainValues(m.Variables)
	cloned := false
	for i, r := range m.Recipients {
		plain, changed := plainValues(r.Variables)
		if changed && !cloned {
			m.Recipients, cloned = slices.Clone(m.Recipients), true
		}
		if changed {
			m.Recipients[i].Variables = plain
		}
	}
	cloned = false
	for i, a := range m.Attachments {
		plain, quotes := mailaddr.FileName(a.Name)
		if plain == a.Name {
			continue
		}
		if !cloned {
			m.Attachments, cloned = slices.Clone(m.Attachments), true
		}
		m.Attachments[i].Name = plain
		if quotes {
			notes = append(notes, Note{
				Field: fmt.Sprintf("attachments[%d].name", i), Action: NoteConverted,
				Why: "a quote would end the name in a header, so ' stands in its place",
			})
		}
	}
	return notes
}

// addressees counts the recipients of m.
func (m *Message) addressees() int {
	return len(m.To) + len(m.Cc) + len(m.Bcc) + len(m.Recipients)
}

// Clone returns a copy that shares no slice or map with m, but for the contents
// of attachments and the values inside variables.
func (m *Message) Clone() *Message { return clone(messageFields, m) }
