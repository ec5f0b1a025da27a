package provider

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/internal/text"
)

// maxLine is the longest line of a mail, in bytes.
const maxLine = 998

// checkLine refuses characters that end a header line or hide text.
func checkLine(field, line string) error {
	if plainLine(line) {
		return nil
	}
	return checkSigns(field, line, strings.ContainsFunc(line, text.ForbiddenInLine))
}

// checkProse is checkLine for what a person reads, a subject or a name. It may hold
// isolates of direction, each with its end.
func checkProse(field, line string) error {
	if plainLine(line) {
		return nil
	}
	return checkSigns(field, line, text.ForbiddenInProse(line))
}

func checkSigns(field, line string, forbidden bool) error {
	switch {
	case !utf8.ValidString(line):
		return Invalid(field, "expected UTF-8 text")
	case strings.ContainsAny(line, "\r\n"):
		return Invalid(field, "expected one line, got a line break")
	case forbidden:
		return Invalid(field, "expected text without control and direction characters")
	case len(line) > maxLine:
		return Invalid(field, "expected at most %d bytes, got %d", maxLine, len(line))
	}
	return nil
}

// plainLine reports whether line is short and only visible ASCII and spaces, which
// is the usual case.
func plainLine(line string) bool {
	for i := range len(line) {
		if c := line[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return len(line) <= maxLine
}

// checkText refuses texts that JSON cannot carry unchanged: its encoder replaces
// broken UTF-8 without an error.
func checkText(field, s string) error {
	switch {
	case fastpath.Clean(s):
		return nil
	case strings.IndexByte(s, 0) >= 0 && utf8.ValidString(s):
		return Invalid(field, "expected text without NUL characters")
	}
	return Invalid(field, "expected UTF-8 text")
}

func checkVariables(field string, variables map[string]any) error {
	if len(variables) == 0 {
		return nil
	}
	v, _, err := exact.Of(variables)
	if err != nil {
		return Invalid(field+err.Path, "%s", err.Message)
	}
	return checkValue(field, v)
}

// checkValue checks the texts in a value that exact.Of returned.
func checkValue(field string, v any) error {
	switch v := v.(type) {
	case string:
		return checkText(field, v)
	case []string:
		for _, x := range v {
			if err := checkText(field, x); err != nil {
				return err
			}
		}
	case []any:
		for _, x := range v {
			if err := checkValue(field, x); err != nil {
				return err
			}
		}
	case map[string]any:
		for k, x := range v {
			if err := checkLine("", k); err != nil {
				return atField(field+"."+text.Quoted(k), err)
			}
			if err := checkValue("", x); err != nil {
				return atField(field+"."+text.Quoted(k), err)
			}
		}
	}
	return nil
}

// plainValues returns variables in the types that JSON has, and whether that are others
// than before. What has none stays, for checkVariables to refuse.
func plainValues(variables map[string]any) (map[string]any, bool) {
	if len(variables) == 0 {
		return variables, false
	}
	v, changed, err := exact.Of(variables)
	if plain, ok := v.(map[string]any); ok && changed && err == nil {
		return plain, true
	}
	return variables, false
}

// ownedHeaders are written from fields of the Message, by the provider, or by the servers
// on the way, as are all that begin with one of ownedPrefixes.
var (
	ownedHeaders = []string{
		"from", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "idempotencykey",
		"idempotency-key", "x-mailin-custom", "date", "sender", "return-path", "received",
		"received-spf", "delivered-to", "authentication-results", "domainkey-signature",
	}
	ownedPrefixes = []string{"content-", "dkim-", "arc-", "resent-"}
)

// maxHeaderName leaves room for the value on the first line of a header.
const maxHeaderName = 76

// checkHeader checks a header field that a message adds.
func checkHeader(name, value string) error {
	if name == "" || len(name) > maxHeaderName || strings.ContainsFunc(name, notInToken) {
		return Invalid(
			"", "expected a header name of letters, digits and -, at most %d bytes", maxHeaderName,
		)
	}
	lower := strings.ToLower(name)
	if slices.Contains(ownedHeaders, lower) || slices.ContainsFunc(ownedPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) }) {
		return Invalid(
			"", "this header is written from another field of the message, by the provider, or by a server on the way",
		)
	}
	return checkLine("", value)
}

// notInToken reports whether a header name may not contain r.
func notInToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", r)
}

// checkID refuses ids that no provider uses: empty ones, and those that a server or
// a proxy could read as another path.
func checkID(field, id string) error {
	if strings.TrimSpace(id) == "" {
		return Invalid(field, "expected an id")
	}
	if err := checkLine(field, id); err != nil {
		return err
	}
	for part := range strings.FieldsFuncSeq(id, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return Invalid(
				field, "expected an id, got %q, which is a path through folders", text.Clip(id),
			)
		}
	}
	return nil
}

// checkCursor refuses a text that is no cursor.
func checkCursor(cursor string) error { return checkLine("cursor", cursor) }
