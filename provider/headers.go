package provider

import (
	"slices"
	"strings"
)

// ownedHeaders are written from fields of the Message, or by the provider; so
// is everything that begins with content- or dkim-.
var ownedHeaders = []string{"from", "to", "cc", "bcc", "reply-to", "subject", "mime-version", "idempotencykey", "idempotency-key", "x-mailin-custom"}

// maxHeaderName leaves room for the value on the first line of a header.
const maxHeaderName = 76

func checkHeaders(m *Message) error {
	var seen map[string]bool
	for name, value := range m.Headers {
		if err := checkHeader(name, value); err != nil {
			return AtField("headers."+quoted(name), err)
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

func checkHeader(name, value string) error {
	if name == "" || len(name) > maxHeaderName || strings.ContainsFunc(name, noToken) {
		return Invalid("", "expected a header name of letters, digits and -, at most %d bytes", maxHeaderName)
	}
	lower := strings.ToLower(name)
	if slices.Contains(ownedHeaders, lower) || strings.HasPrefix(lower, "content-") || strings.HasPrefix(lower, "dkim-") {
		return Invalid("", "this header is written from another field of the message, or by the provider")
	}
	return checkLine("", value)
}

// noToken is a character that no header name has.
func noToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("()<>@,;:\\\"/[]?={}", r)
}
