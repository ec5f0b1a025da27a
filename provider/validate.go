package provider

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Validate checks m by the rules that hold at every provider and returns an
// *Error of kind ErrInvalid that names the field, or nil. Client.Send calls it
// before anything else.
func (m *Message) Validate() error {
	for _, check := range []func(*Message) error{checkPeople, checkContent, checkAttachments, checkHeaders} {
		if err := check(m); err != nil {
			return err
		}
	}
	return nil
}

func checkPeople(m *Message) error {
	if m.From.Email != "" || m.From.Name != "" {
		if err := checkAddress("from", -1, m.From); err != nil {
			return err
		}
	}
	for _, field := range []struct {
		name string
		list []Address
	}{{"to", m.To}, {"cc", m.Cc}, {"bcc", m.Bcc}, {"reply_to", m.ReplyTo}} {
		for i, a := range field.list {
			if err := checkAddress(field.name, i, a); err != nil {
				return err
			}
		}
	}
	for i, r := range m.Recipients {
		if err := checkAddress("recipients", i, Address{Email: r.Email, Name: r.Name}); err != nil {
			return err
		}
		if err := checkLine("", r.Subject); err != nil {
			return AtField(fmt.Sprintf("recipients[%d].subject", i), err)
		}
	}
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

func checkContent(m *Message) error {
	if err := checkLine("subject", m.Subject); err != nil {
		return err
	}
	own := m.HTML != "" || m.Text != "" || slices.ContainsFunc(m.Recipients, func(r Recipient) bool { return r.HTML != "" || r.Text != "" })
	switch {
	case !m.Template.IsZero() && own:
		return Invalid("template", "expected either a template or html and text, got both")
	case m.Template.ID != "" && m.Template.Alias != "":
		return Invalid("template", "expected either id or alias, got both")
	case m.Template.IsZero() && !own:
		return Invalid("html", "expected html, text or a template")
	case m.Template.IsZero() && m.Subject == "" && !everyoneHasSubject(m):
		return Invalid("subject", "expected a subject")
	case m.Template.IsZero() && m.HTML == "" && m.Text == "" && slices.ContainsFunc(m.Recipients, func(r Recipient) bool { return r.HTML == "" && r.Text == "" }):
		return Invalid("recipients", "expected html or text for every recipient, or for the message")
	}
	for _, tag := range m.Tags {
		if err := checkLine("tags", tag); err != nil {
			return err
		}
	}
	for k, v := range m.Metadata {
		if err := checkLine("metadata."+k, k+v); err != nil {
			return err
		}
	}
	return checkLine("idempotency_key", m.IdempotencyKey)
}

func everyoneHasSubject(m *Message) bool {
	return len(m.Recipients) > 0 && !slices.ContainsFunc(m.Recipients, func(r Recipient) bool { return r.Subject == "" })
}

func checkAttachments(m *Message) error {
	for i, a := range m.Attachments {
		field := fmt.Sprintf("attachments[%d]", i)
		switch {
		case a.URL != "" && len(a.Content) > 0:
			return Invalid(field, "expected either content or url, got both")
		case a.URL == "" && len(a.Content) == 0:
			return Invalid(field+".content", "expected content (base64) or url")
		case a.Name == "" && a.URL == "":
			return Invalid(field+".name", "expected a file name")
		}
		if a.URL != "" {
			if u, err := url.Parse(a.URL); err != nil || u.Scheme != "https" || u.Host == "" {
				return Invalid(field+".url", "expected an https URL")
			}
		}
		if err := checkFileName(field+".name", a.Name); err != nil {
			return err
		}
		if err := checkLine(field+".content_type", a.ContentType); err != nil {
			return err
		}
		if err := checkLine(field+".content_id", a.ContentID); err != nil {
			return err
		}
	}
	return nil
}

func checkFileName(field, name string) error {
	if strings.ContainsAny(name, "/\\") || len(name) > 255 || name == "." || name == ".." {
		return Invalid(field, "expected a file name of at most 255 bytes without a path, got %q", clip(name))
	}
	return checkLine(field, name)
}

// ownedHeaders are written from fields of the Message, or by the provider.
var ownedHeaders = []string{"from", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "dkim-signature", "idempotencykey", "idempotency-key", "x-mailin-custom"}

func checkHeaders(m *Message) error {
	for name, value := range m.Headers {
		field := "headers." + clip(name)
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", r) }) {
			return Invalid(field, "expected a header name of letters, digits and -")
		}
		lower := strings.ToLower(name)
		if slices.Contains(ownedHeaders, lower) || strings.HasPrefix(lower, "content-") {
			return Invalid(field, "this header is written from another field of the message")
		}
		if err := checkLine(field, value); err != nil {
			return err
		}
	}
	return nil
}

// checkAddress checks an address of a list, or of a single field when index is
// -1. The path is put together only for an error: this runs for every recipient.
func checkAddress(field string, index int, a Address) error {
	place := func() string {
		if index < 0 {
			return field
		}
		return fmt.Sprintf("%s[%d]", field, index)
	}
	if err := CheckEmail(a.Email); err != nil {
		return Invalid(place()+".email", "%s", err.Error())
	}
	if a.Name == "" {
		return nil
	}
	if err := checkLine("", a.Name); err != nil {
		return AtField(place()+".name", err)
	}
	return nil
}

// CheckEmail refuses what is not exactly one mail address: user@domain with a
// dot in the domain, at most 254 bytes, 64 before the @, no control and no
// direction characters. Domains and local parts may be in any script. The
// error is plain text without the address.
func CheckEmail(email string) error {
	at := strings.LastIndexByte(email, '@')
	if email == "" {
		return fmt.Errorf("expected one address like user@example.com, got nothing")
	}
	bad := func(why string) error {
		return fmt.Errorf("expected one address like user@example.com, got %q: %s", clip(email), why)
	}
	if at <= 0 || at == len(email)-1 {
		return bad("it has no @ with text on both sides")
	}
	local, domain := email[:at], email[at+1:]
	switch {
	case len(email) > 254:
		return bad("it is over 254 bytes")
	case len(local) > 64:
		return bad("the part before the @ is over 64 bytes")
	case plainLocal(local):
		return checkDomain(domain, bad) // by far the commonest; the parser costs more than all other checks
	case !utf8.ValidString(email):
		return bad("it is not UTF-8")
	case strings.ContainsFunc(email, forbiddenRune):
		return bad("it holds a space, control or direction character")
	case strings.ContainsFunc(local, isJoiner):
		return bad("it holds an invisible character before the @")
	}
	if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email || parsed.Name != "" {
		return bad("it cannot be parsed")
	}
	return checkDomain(domain, bad)
}

// plainLocal reports whether local is ASCII words with single dots between them.
func plainLocal(local string) bool {
	for i := range len(local) {
		c := local[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0:
		case c == '.' && i > 0 && i < len(local)-1 && local[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

func checkDomain(domain string, bad func(string) error) error {
	if !utf8.ValidString(domain) || strings.ContainsFunc(domain, forbiddenRune) {
		return bad("it holds a space, control or direction character")
	}
	if strings.IndexByte(domain, '.') < 0 || strings.HasSuffix(domain, ".") {
		return bad("the domain has no dot")
	}
	for rest := domain; rest != ""; {
		var label string
		label, rest, _ = strings.Cut(rest, ".")
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return bad("a part of the domain is empty, too long or begins or ends with -")
		}
		for i := range len(label) {
			c := label[i]
			if c < utf8.RuneSelf && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return bad("the domain holds a character that no domain has")
			}
		}
	}
	return nil
}

// forbiddenRune is a control, a line or paragraph separator, a space, or one of
// the characters that turn the direction of text and hide what is written.
// U+200C and U+200D are fine: Persian needs them.
func forbiddenRune(r rune) bool {
	return r == ' ' || forbiddenInLine(r)
}

func forbiddenInLine(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func isJoiner(r rune) bool { return r >= 0x200b && r <= 0x200f || r == 0xfeff }

// checkLine refuses what could break out of a header line or hide text.
func checkLine(field, text string) error {
	switch {
	case !utf8.ValidString(text):
		return Invalid(field, "expected UTF-8 text")
	case strings.ContainsAny(text, "\r\n"):
		return Invalid(field, "expected one line, got a line break")
	case strings.ContainsFunc(text, forbiddenInLine):
		return Invalid(field, "expected text without control and direction characters")
	case len(text) > 998:
		return Invalid(field, "expected at most 998 bytes, got %d", len(text))
	}
	return nil
}
