package brevo_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/internal/scrub/scrubtest"
	"github.com/postmux/postmux/provider"
)

// answers is a transport that answers by the path of the request.
type answers func(path string) (status int, body string)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	status, body := a(r.URL.Path)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// printedImport imports enough contacts for a job and returns what the rows say.
func printedImport(t *testing.T, a answers) string {
	t.Helper()
	var printed strings.Builder
	synctest.Test(t, func(t *testing.T) {
		c := echoing(t, a)
		_, err := c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
			for i := range 60 {
				change := provider.ContactChange{Email: fmt.Sprintf("a%d@example.com", i), Lists: []provider.Ref{{ID: "1"}}}
				if !yield(change, nil) {
					return
				}
			}
		}, func(r provider.ImportResult) error {
			data, _ := json.Marshal(r)
			fmt.Fprintf(&printed, "%+v %v %s\n", r, r.Err, data)
			return nil
		})
		fmt.Fprintln(&printed, err)
	})
	return printed.String()
}

func echoing(t *testing.T, a answers) *provider.Client {
	t.Helper()
	c, err := brevo.Open(brevo.Config{
		APIKey:          provider.NewSecret(scrubtest.Key),
		AccountSettings: provider.AccountSettings{From: provider.Address{Email: "shop@example.com"}, Tries: 1},
	}, provider.WithHTTPClient(&http.Client{Transport: a}))
	require.NoError(t, err)
	return c
}

// job answers an import whose job ends as failed with the text.
func job(text string) answers {
	return func(path string) (int, string) {
		switch {
		case strings.HasSuffix(path, "/contacts/import"):
			return 202, `{"processId":7}`
		case strings.Contains(path, "/processes/"):
			return 200, `{"id":7,"status":"failed","error":"` + text + `"}`
		case strings.HasSuffix(path, "/contacts"):
			return 200, `{"contacts":[],"count":0}`
		}
		return 404, `{"code":"document_not_found","message":"no"}`
	}
}

// What a job says is one line in the error of each row.
func TestTextOfAJobIsPrintable(t *testing.T) {
	printed := printedImport(t, job(`a\u001b[31m\u0007\n2026-01-01 fake\u009b\u202e\u200fb`))
	assert.Contains(t, printed, "2026-01-01 fake")
	for line := range strings.Lines(printed) {
		line = strings.TrimSuffix(line, "\n")
		assert.False(t, strings.ContainsFunc(line, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
		}), "%q", line)
		assert.NotRegexp(t, "^2026", line)
	}
}
