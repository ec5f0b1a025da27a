package provider

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/internal/text"
)

// maxLine is the longest line of a mail, in bytes.
const maxLine = 998

// checkLine refuses characters that end a header line or hide text.
func checkLine(field, line string) error {
	return checkLineWithout(field, line, text.ForbiddenInLine)
}

// checkShown is checkLine for a subject or a name, in which direction isolates may stand
// that are closed: texts that mix scripts need them, and software that fills in templates
// puts them around each value.
func checkShown(field, line string) error {
	if err := checkLineWithout(field, line, text.ForbiddenInShownLine); err != nil {
		return err
	}
	if !text.IsolatesClosed(line) {
		return Invalid(field, "expected each direction isolate (U+2066 to U+2068) to be closed by one U+2069")
	}
	return nil
}

func checkLineWithout(field, line string, forbidden func(rune) bool) error {
	if plainLine(line) {
		return nil
	}
	switch {
	case !utf8.ValidString(line):
		return Invalid(field, "expected UTF-8 text")
	case strings.ContainsAny(line, "\r\n"):
		return Invalid(field, "expected one line, got a line break")
	case strings.ContainsFunc(line, forbidden):
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

// maxDepth is the deepest nesting of the values of variables; deeper is a value
// that contains itself.
const maxDepth = 100

func checkVariables(field string, variables map[string]any) error {
	if len(variables) == 0 {
		return nil
	}
	return checkValue(field, variables, maxDepth)
}

func checkValue(field string, v any, depth int) error {
	if depth == 0 {
		return Invalid(
			field, "expected values nested at most %d deep, got more, or a value that holds itself",
			maxDepth,
		)
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
				return atField(field+"."+text.Quoted(k), err)
			}
			if err := checkValue(field, x, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownedHeaders are written from fields of the Message, or by the provider, as are
// all that begin with content- or dkim-.
var ownedHeaders = []string{
	"from", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "idempotencykey",
	"idempotency-key", "x-mailin-custom",
}

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
	if slices.Contains(ownedHeaders, lower) || strings.HasPrefix(lower, "content-") || strings.HasPrefix(lower, "dkim-") {
		return Invalid(
			"", "this header is written from another field of the message, or by the provider",
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
