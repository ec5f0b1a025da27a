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

	"github.com/postmux/postmux/internal/text"
)

// This file holds what the package knows of each field of a Message and of a
// ContactChange. What a message needs of a provider, what a policy may do, what
// a copy copies, what is checked, what counts as size, and the probes of the
// conformance suite are derived from these tables. TestEveryFieldHasARow fails
// for a field without a row.

// use is a feature that a provider must have for a T.
type use[T any] struct {
	feature Feature
	doc     string
	actions []Action      // that a policy may name
	used    func(*T) bool // reports whether the T asks for the feature
	drop    func(*T)      // removes what asks for it; nil when no policy may
}

// field is a row for one field of T.
type field[T any] struct {
	name string // of the struct's field
	// uses are the features that the field may ask for, in the order of the
	// capability matrix. None means that every provider takes the field, or that
	// the feature in with stands in an earlier row and notices it.
	uses  []use[T]
	with  Feature
	check func(*T) error // nil: any value is valid
	clone func(*T)       // replaces a slice or map by a copy; nil for plain values
	size  func(*T) int   // bytes of memory behind the field; nil: none that counts
}

var (
	mayDrop    = []Action{ActionDrop}
	mayEmulate = []Action{ActionEmulate}
	mayFanOut  = []Action{ActionFanOut}
)

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
		check: func(m *Message) error { return checkLine("subject", m.Subject) },
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
				feature: featureText, doc: "a text body beside the HTML", actions: mayDrop,
				used: func(m *Message) bool { return usesText(m) && usesHTML(m) },
				drop: func(m *Message) {
					m.Text = ""
					for i := range m.Recipients {
						m.Recipients[i].Text = ""
					}
				},
			},
			{
				feature: featureTextOnly, doc: "a text body alone", actions: mayEmulate,
				used: func(m *Message) bool { return usesText(m) && !usesHTML(m) },
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
			return len(m.Variables) > 0 || anyOf(m.Recipients, func(r *Recipient) bool { return len(r.Variables) > 0 })
		}}},
		check: func(m *Message) error { return checkVariables("variables", m.Variables) },
		clone: func(m *Message) { m.Variables = maps.Clone(m.Variables) },
		size:  func(m *Message) int { return sizeOf(m.Variables) },
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
				feature: featureAttachmentType, doc: "a content type that the name does not tell", actions: mayDrop,
				used: anyAttachment(func(a *Attachment) bool { return a.ContentType != "" && !nameTells(a) }),
				drop: func(m *Message) {
					for i := range m.Attachments {
						m.Attachments[i].ContentType = ""
					}
				},
			},
			{
				feature: featureInline, doc: "a file shown inside the HTML", actions: mayDrop,
				used: anyAttachment(func(a *Attachment) bool { return a.Inline || a.ContentID != "" }),
				drop: dropAttachments(func(a Attachment) bool { return a.Inline || a.ContentID != "" }),
			},
		},
		check: func(m *Message) error { return checkParts("attachments", m.Attachments, attachmentFields) },
		clone: func(m *Message) { m.Attachments = slices.Clone(m.Attachments) },
		size:  func(m *Message) int { return sizeOfParts(m.Attachments, attachmentFields) },
	},
	{
		name: "Headers",
		uses: []use[Message]{{
			feature: featureHeaders, doc: "own header fields", actions: mayDrop,
			used: func(m *Message) bool { return len(m.Headers) > 0 },
			drop: func(m *Message) { m.Headers = nil },
		}},
		check: checkHeaders,
		clone: func(m *Message) { m.Headers = maps.Clone(m.Headers) },
		size:  func(m *Message) int { return len(m.Headers) * entrySize },
	},
	{
		name: "Tags",
		uses: []use[Message]{{
			feature: featureTags, doc: "labels for statistics", actions: mayDrop,
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
			feature: featureMetadata, doc: "data that comes back in events", actions: mayDrop,
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
			feature: featureSendAt, doc: "a time to send at", actions: mayDrop,
			used: func(m *Message) bool { return !m.SendAt.IsZero() },
			drop: func(m *Message) { m.SendAt = time.Time{} },
		}},
	},
	{
		name: "TrackOpens",
		uses: []use[Message]{{
			feature: featureTrackOpens, doc: "tracking of opens for this mail", actions: mayDrop,
			used: func(m *Message) bool { return m.TrackOpens != Unset },
			drop: func(m *Message) { m.TrackOpens = Unset },
		}},
	},
	{
		name: "TrackClicks",
		uses: []use[Message]{{
			feature: featureTrackClicks, doc: "tracking of clicks for this mail", actions: mayDrop,
			used: func(m *Message) bool { return m.TrackClicks != Unset },
			drop: func(m *Message) { m.TrackClicks = Unset },
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
			feature: featureRecipients, doc: "a mail of its own for each recipient in one call", actions: mayEmulate,
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
	{name: "Email", check: func(r *Recipient) error { return checkEmail(".email", r.Email) }, size: func(*Recipient) int { return addressSize }},
	{name: "Name", check: func(r *Recipient) error { return checkLine(".name", r.Name) }},
	{
		name: "Variables", with: featureVariables,
		check: func(r *Recipient) error { return checkVariables(".variables", r.Variables) },
		size:  func(r *Recipient) int { return sizeOf(r.Variables) },
	},
	{name: "Subject", check: func(r *Recipient) error { return checkLine(".subject", r.Subject) }, size: func(r *Recipient) int { return len(r.Subject) }},
	{
		name: "HTML", with: featureHTML,
		check: func(r *Recipient) error { return checkText(".html", r.HTML) },
		size:  func(r *Recipient) int { return len(r.HTML) },
	},
	{
		name: "Text", with: featureTextOnly, // or featureText, where there is HTML too
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
	{name: "ContentID", with: featureInline, check: func(a *Attachment) error { return checkLine(".content_id", a.ContentID) }},
}

var changeFields = []field[ContactChange]{
	{name: "Email", check: func(c *ContactChange) error { return checkEmail("email", c.Email) }},
	{
		name: "Phone",
		uses: []use[ContactChange]{{
			feature: featureContactPhone, doc: "the phone of a contact",
			used: func(c *ContactChange) bool { return !c.Phone.IsZero() },
		}},
		check: func(c *ContactChange) error { return checkLine("phone", c.Phone.Value) },
	},
	{
		name: "ExternalID",
		uses: []use[ContactChange]{{
			feature: featureContactExternal, doc: "the caller's own id of a contact",
			used: func(c *ContactChange) bool { return !c.ExternalID.IsZero() },
		}},
		check: func(c *ContactChange) error { return checkLine("external_id", c.ExternalID.Value) },
	},
	{
		name: "FirstName",
		uses: []use[ContactChange]{{
			feature: featureContactNames, doc: "first and last name",
			used: func(c *ContactChange) bool { return !c.FirstName.IsZero() || !c.LastName.IsZero() },
		}},
		check: func(c *ContactChange) error { return checkLine("first_name", c.FirstName.Value) },
	},
	{name: "LastName", with: featureContactNames, check: func(c *ContactChange) error { return checkLine("last_name", c.LastName.Value) }},
	{
		name: "Fields",
		uses: []use[ContactChange]{
			{
				feature: featureContactFields, doc: "further fields",
				used: func(c *ContactChange) bool { return len(c.Fields) > 0 },
			},
			{feature: featureContactClear, doc: "empty a field", used: clears},
		},
		check: checkContactFields,
		clone: func(c *ContactChange) { c.Fields = maps.Clone(c.Fields) },
		size:  func(c *ContactChange) int { return sizeOf(c.Fields) },
	},
	{
		name: "Lists",
		uses: []use[ContactChange]{{
			feature: featureContactNoList, doc: "a contact on no list",
			used: func(c *ContactChange) bool { return len(c.Lists) == 0 },
		}},
		check: func(c *ContactChange) error {
			if slices.ContainsFunc(c.Lists, Ref.IsZero) {
				return Invalid("lists", "expected id or alias")
			}
			return nil
		},
		clone: func(c *ContactChange) { c.Lists = slices.Clone(c.Lists) },
	},
	{
		name: "Status",
		uses: []use[ContactChange]{{
			feature: featureContactStatus, doc: "store as unsubscribed or blocked",
			used: func(c *ContactChange) bool { return c.Status.Terminal() },
		}},
		check: func(c *ContactChange) error {
			switch c.Status {
			case "", Subscribed, Unsubscribed, Blocked:
				return nil
			}
			return Invalid("status", "expected subscribed, unsubscribed or blocked, got %q", text.Clip(string(c.Status)))
		},
	},
}

// featureInfo is a line of the capability matrix.
type featureInfo struct {
	name    Feature
	doc     string
	actions []Action
}

// features is the capability matrix: what the fields use, and the operations.
var features = slices.Concat(
	featuresOf(messageFields),
	[]featureInfo{
		{name: featureBatch, doc: "several messages in one call"},
		{name: featureStatus, doc: "look-up of a mail by its id"},
		{name: featureCancel, doc: "withdraw a scheduled mail"},
		{name: featureSettle, doc: "find a mail whose outcome is unknown"},
		{name: featureContactGet, doc: "one contact by address"},
		{name: featureContactList, doc: "all contacts, page by page"},
		{name: featureContactListOf, doc: "the members of a list"},
		{name: featureContactSince, doc: "contacts changed since a time"},
		{name: featureContactUpsert, doc: "create or change a contact"},
	},
	featuresOf(changeFields),
	[]featureInfo{
		{name: featureContactDelete, doc: "delete a contact"},
		{name: featureUnsubscribe, doc: "unsubscribe from all mail"},
		{name: featureUnsubscribeList, doc: "unsubscribe from one list"},
		{name: featureContactImport, doc: "import of many contacts"},
		{name: featureLists, doc: "the lists"},
		{name: featureListAdd, doc: "put contacts on a list"},
		{name: featureListRemove, doc: "take contacts off a list"},
		{name: featureListCreate, doc: "make a list"},
		{name: featureListDelete, doc: "remove a list"},
		{name: featureResubscribe, doc: "undo an unsubscription"},
		{name: featureSuppressions, doc: "addresses that get no mail"},
		{name: featureSuppressionAdd, doc: "keep mail from an address"},
		{name: featureSuppressionRemove, doc: "let mail to an address through again"},
		{name: featureCheck, doc: "check of the credentials"},
		{name: featureCheckSenders, doc: "the senders and whether they are verified"},
		{name: featureCheckQuota, doc: "what is left of credits or quota"},
	},
)

func featuresOf[T any](rows []field[T]) []featureInfo {
	var out []featureInfo
	for _, row := range rows {
		for _, u := range row.uses {
			out = append(out, featureInfo{u.feature, u.doc, u.actions})
		}
	}
	return out
}

// featureRoom is enough for the features of one message.
const featureRoom = 24

// needs are the features that v uses, in the order of the matrix, behind out.
func needs[T any](rows []field[T], v *T, out []Feature) []Feature {
	for i := range rows {
		for j := range rows[i].uses {
			if u := &rows[i].uses[j]; u.used(v) {
				out = append(out, u.feature)
			}
		}
	}
	return out
}

// needs are the features that m uses, behind out.
func (m *Message) needs(out []Feature) []Feature { return needs(messageFields, m, out) }

// drop removes what asks for f from m, which the caller owns.
func (m *Message) drop(f Feature) {
	for _, row := range messageFields {
		for _, u := range row.uses {
			if u.feature == f && u.drop != nil {
				u.drop(m)
			}
		}
	}
}

// Clone returns a copy that shares no slice or map with m, but for the contents
// of attachments and the values inside variables.
func (m *Message) Clone() *Message { return clone(messageFields, m) }

func clone[T any](rows []field[T], v *T) *T {
	c := *v
	for i := range rows {
		if rows[i].clone != nil {
			rows[i].clone(&c)
		}
	}
	return &c
}

// check returns the first error of a field of v.
func check[T any](rows []field[T], v *T) error {
	for i := range rows {
		if rows[i].check == nil {
			continue
		}
		if err := rows[i].check(v); err != nil {
			return err
		}
	}
	return nil
}

// checkParts checks the elements of a list. The path is put together only for
// an error: this runs for every recipient.
func checkParts[T any](name string, parts []T, rows []field[T]) error {
	for i := range parts {
		if err := check(rows, &parts[i]); err != nil {
			return atField(fmt.Sprintf("%s[%d]", name, i), err)
		}
	}
	return nil
}

func size[T any](rows []field[T], v *T) int {
	n := 0
	for i := range rows {
		if rows[i].size != nil {
			n += rows[i].size(v)
		}
	}
	return n
}

func sizeOfParts[T any](parts []T, rows []field[T]) int {
	n := 0
	for i := range parts {
		n += size(rows, &parts[i])
	}
	return n
}

func anyOf[T any](list []T, is func(*T) bool) bool {
	for i := range list {
		if is(&list[i]) {
			return true
		}
	}
	return false
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
	return func(m *Message) { m.Attachments = slices.DeleteFunc(m.Attachments, is) }
}

// nameTells reports whether the file name's extension already says the content
// type, so that a provider which looks at names only needs no more.
func nameTells(a *Attachment) bool {
	want, _, err := mime.ParseMediaType(a.ContentType)
	if err != nil {
		return false
	}
	got, _, err := mime.ParseMediaType(mime.TypeByExtension(path.Ext(a.Name)))
	return err == nil && got == want
}

// clears reports whether c empties a field.
func clears(c *ContactChange) bool {
	if c.Phone.Clear || c.ExternalID.Clear || c.FirstName.Clear || c.LastName.Clear {
		return true
	}
	for _, v := range c.Fields {
		if v == nil {
			return true
		}
	}
	return false
}

func checkSender(from Address) error {
	if from == (Address{}) {
		return nil // the account has one, or the template
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
		if err := checkLine("", k+v); err != nil {
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
		return Invalid(".name", "expected a file name of at most 255 bytes without a path, got %q", text.Clip(a.Name))
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

// checkContactFields checks names and values of the further fields of a contact.
func checkContactFields(c *ContactChange) error {
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if name == "" {
			return Invalid("fields", "expected a name for every field")
		}
		err := checkLine("", name)
		if err == nil {
			err = checkFieldValue(c.Fields[name])
		}
		if err != nil {
			return atField("fields."+text.Quoted(name), err)
		}
	}
	return nil
}
