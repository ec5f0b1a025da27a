package provider

import (
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Validate checks m by the rules that hold at every provider and returns an
// *Error of kind ErrInvalid that names the field, or nil. Client.Send calls it
// before anything else.
func (m *Message) Validate() error {
	for _, check := range []func(*Message) error{checkPeople, checkContent, checkTexts, checkAttachments, checkHeaders} {
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
	for i, tag := range m.Tags {
		if tag == "" {
			return Invalid(fmt.Sprintf("tags[%d]", i), "expected a text")
		}
		if err := checkLine("", tag); err != nil {
			return AtField(fmt.Sprintf("tags[%d]", i), err)
		}
	}
	for k, v := range m.Metadata {
		if k == "" {
			return Invalid("metadata", "expected a name for every value")
		}
		if err := checkLine("", k+v); err != nil {
			return AtField("metadata."+quoted(k), err)
		}
	}
	return checkLine("idempotency_key", m.IdempotencyKey)
}

// checkTexts refuses texts that JSON cannot carry unchanged: its encoder would
// write other characters in place of broken UTF-8 without saying so.
func checkTexts(m *Message) error {
	if err := checkText("html", m.HTML); err != nil {
		return err
	}
	if err := checkText("text", m.Text); err != nil {
		return err
	}
	if err := checkVariables("variables", m.Variables); err != nil {
		return err
	}
	for i, r := range m.Recipients {
		if err := checkText(".html", r.HTML); err != nil {
			return AtField(fmt.Sprintf("recipients[%d]", i), err)
		}
		if err := checkText(".text", r.Text); err != nil {
			return AtField(fmt.Sprintf("recipients[%d]", i), err)
		}
		if len(r.Variables) == 0 {
			continue
		}
		if err := checkVariables(fmt.Sprintf("recipients[%d].variables", i), r.Variables); err != nil {
			return err
		}
	}
	return nil
}

// maxDepth is how deep the values of variables may be nested; deeper is a value
// that holds itself.
const maxDepth = 100

func checkVariables(field string, v any) error { return checkValue(field, v, maxDepth) }

func checkValue(field string, v any, depth int) error {
	if depth == 0 {
		return Invalid(field, "expected values nested at most %d deep, got more, or a value that holds itself", maxDepth)
	}
	switch v := v.(type) {
	case string:
		return checkText(field, v)
	case []any:
		for _, x := range v {
			if err := checkValue(field, x, depth-1); err != nil {
				return err
			}
		}
	case map[string]any:
		for k, x := range v {
			if err := checkLine("", k); err != nil {
				return AtField(field+"."+quoted(k), err)
			}
			if err := checkValue(field, x, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
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
			u, err := url.Parse(a.URL)
			if err != nil || u.Scheme != "https" || u.Hostname() == "" || !utf8.ValidString(a.URL) || strings.ContainsFunc(a.URL, forbiddenRune) {
				return Invalid(field+".url", "expected an https URL")
			}
		}
		if err := checkFileName(field+".name", a.Name); err != nil {
			return err
		}
		if err := checkContentType(field+".content_type", a.ContentType); err != nil {
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

func checkContentType(field, text string) error {
	if text == "" {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(text); err != nil || strings.Count(kind, "/") != 1 {
		return Invalid(field, "expected a media type like image/png")
	}
	return checkLine(field, text)
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

// maxLine is the longest line of a mail, in bytes.
const maxLine = 998

// checkLine refuses what could break out of a header line or hide text.
func checkLine(field, text string) error {
	if plainLine(text) {
		return nil
	}
	switch {
	case !utf8.ValidString(text):
		return Invalid(field, "expected UTF-8 text")
	case strings.ContainsAny(text, "\r\n"):
		return Invalid(field, "expected one line, got a line break")
	case strings.ContainsFunc(text, forbiddenInLine):
		return Invalid(field, "expected text without control and direction characters")
	case len(text) > maxLine:
		return Invalid(field, "expected at most %d bytes, got %d", maxLine, len(text))
	}
	return nil
}

// plainLine reports whether text is a short line of visible ASCII and spaces,
// as most lines are.
func plainLine(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return len(text) <= maxLine
}

// forbiddenRune is a space, or what forbiddenInLine says.
func forbiddenRune(r rune) bool { return unicode.IsSpace(r) || forbiddenInLine(r) }

// forbiddenInLine is a control, a line or paragraph separator, or one of the
// characters that turn the direction of text and hide what is written. The
// joiners U+200C and U+200D are fine: Persian needs them.
func forbiddenInLine(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// quoted is a name from outside as part of a field's path: short, and with
// escapes in place of what could break a line of a log.
func quoted(name string) string {
	name = clip(name)
	if utf8.ValidString(name) && !strings.ContainsFunc(name, forbiddenInLine) {
		return name
	}
	return strings.Trim(strconv.QuoteToASCII(name), `"`)
}
