package httpx

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/postmux/postmux/provider"
)

// redacted stands where a credential was, or would be.
const redacted = "REDACTED"

// minCredential is the length from which a credential is looked for in texts. A
// shorter one would be found in words that have nothing to do with it.
const minCredential = 4

// redactor takes the credential out of errors: some vendors echo it.
type redactor struct{ linked }

func (l *redactor) do(ctx context.Context, x exchange) (*Answer, *failure) {
	a, f := l.next.do(ctx, x)
	if f != nil {
		scrub(f.err, x.credential)
	}
	return a, f
}

func scrub(e *provider.Error, credential string) {
	if len(credential) < minCredential {
		return
	}
	e.Message = scrubText(e.Message, credential)
	e.Code = scrubText(e.Code, credential)
	e.RequestID = scrubText(e.RequestID, credential)
	if e.Err != nil && scrubText(e.Err.Error(), credential) != e.Err.Error() {
		e.Err = nil
	}
}

// scrubText replaces the credential in every spelling in which an answer may
// hold it: as it is, escaped for a URL, and inside JSON, where PHP escapes the slash.
func scrubText(text, credential string) string {
	if len(credential) < minCredential {
		return text
	}
	quoted, _ := json.Marshal(credential)
	inJSON := string(quoted[1 : len(quoted)-1])
	for _, form := range []string{credential, url.QueryEscape(credential), inJSON, strings.ReplaceAll(inJSON, "/", `\/`)} {
		text = strings.ReplaceAll(text, form, redacted)
	}
	return text
}
