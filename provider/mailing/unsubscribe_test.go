package mailing_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/mailing"
)

// linkOf is the link to unsubscribe in the mail to an address.
func linkOf(t *testing.T, c mailing.Config, email string) string {
	m, err := mailing.New(c)
	require.NoError(t, err)
	msg, _, err := m.Message(provider.Contact{Email: email})
	require.NoError(t, err)
	return strings.Trim(msg.Headers["List-Unsubscribe"], "<>")
}

func TestHandler(t *testing.T) {
	link := linkOf(t, config(), "o'hara&co@example.com")
	inPath := config()
	inPath.Unsubscribe.Link = "https://example.com/leave/{token}"
	other := config()
	other.Unsubscribe.Secret = provider.NewSecret("another secret of the program")
	multipart := "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, method, url, kind, body string
		fails                         bool // what unsubscribes
		status                        int
		unsubscribed                  int
		page                          string
	}{
		{name: "one click", method: "POST", url: link, kind: form, body: "List-Unsubscribe=One-Click", status: 200, unsubscribed: 1, page: "is unsubscribed"},
		{name: "one click in the other encoding", method: "POST", url: link, kind: "multipart/form-data; boundary=x", body: multipart, status: 200, unsubscribed: 1},
		{name: "the token in the path", method: "POST", url: linkOf(t, inPath, "a@example.com"), kind: form, body: "List-Unsubscribe=One-Click", status: 200, unsubscribed: 1},
		{name: "a page", method: "GET", url: link, status: 200, page: `<form method="post">`},
		{name: "the head of a page", method: "HEAD", url: link, status: 200},
		{name: "a program that follows links with more in the URL", method: "GET", url: link + "&List-Unsubscribe=One-Click", status: 200, page: "<form"},
		{name: "a post that says nothing", method: "POST", url: link, kind: form, status: 400},
		{name: "a post that says it in the URL", method: "POST", url: link + "&List-Unsubscribe=One-Click", kind: form, status: 400},
		{name: "a post that is no form", method: "POST", url: link, kind: "application/json", body: `{"List-Unsubscribe":"One-Click"}`, status: 400},
		{name: "a post without end", method: "POST", url: link, kind: form, body: strings.Repeat("x", 1<<20) + "&List-Unsubscribe=One-Click", status: 400},
		{name: "another verb", method: "DELETE", url: link, status: 405},
		{name: "no token", method: "POST", url: "https://example.com/leave", kind: form, body: "List-Unsubscribe=One-Click", status: 403},
		{name: "a token that was changed", method: "POST", url: strings.Replace(link, "t=", "t=A", 1), kind: form, body: "List-Unsubscribe=One-Click", status: 403},
		{name: "a token that was cut", method: "POST", url: link[:len(link)-2], kind: form, body: "List-Unsubscribe=One-Click", status: 403},
		{name: "a token of somebody else", method: "POST", url: linkOf(t, other, "a@example.com"), kind: form, body: "List-Unsubscribe=One-Click", status: 403},
		{name: "it cannot be done now", method: "POST", url: link, kind: form, body: "List-Unsubscribe=One-Click", fails: true, status: 503, page: "try again later"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []mailing.Subscription
			h := mailing.Handler(func(_ context.Context, s mailing.Subscription) error {
				if tt.fails {
					return errors.New("down")
				}
				got = append(got, s)
				return nil
			}, provider.NewSecret("a newer secret of 2027"), secret)
			r := httptest.NewRequest(tt.method, tt.url, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.kind)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			assert.Equal(t, tt.status, w.Code, w.Body)
			require.Len(t, got, tt.unsubscribed)
			assert.Contains(t, w.Body.String(), tt.page)
			assert.NotContains(t, w.Body.String(), "o'hara&co", "escaped")
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.Empty(t, w.Header().Get("Set-Cookie"))
			if strings.HasPrefix(tt.url, link) && tt.unsubscribed > 0 {
				assert.Equal(t, mailing.Subscription{Email: "o'hara&co@example.com", List: provider.Ref{ID: "4"}, Mailing: "spring"}, got[0])
			}
		})
	}
}

// A secret that is too short signs nothing, also not the empty one of a configuration that
// lacks it.
func TestHandlerWithoutSecret(t *testing.T) {
	h := mailing.Handler(func(context.Context, mailing.Subscription) error { return nil }, provider.Secret{})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, linkOf(t, config(), "a@example.com"), nil))
	assert.Equal(t, http.StatusForbidden, w.Code)
}

func FuzzToken(f *testing.F) {
	link := "https://example.com/leave?t="
	f.Add(strings.TrimPrefix(linkOf(&testing.T{}, config(), "a@example.com"), link))
	f.Add("")
	f.Add(".")
	f.Fuzz(func(t *testing.T, token string) {
		genuine := strings.TrimPrefix(linkOf(t, config(), "a@example.com"), link)
		h := mailing.Handler(func(_ context.Context, s mailing.Subscription) error {
			assert.Equal(t, genuine, strings.NewReplacer("\r", "", "\n", "").Replace(token), "%v", s)
			return nil
		}, secret)
		r := httptest.NewRequest(http.MethodPost, link, strings.NewReader("List-Unsubscribe=One-Click"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q := r.URL.Query()
		q.Set("t", token)
		r.URL.RawQuery = q.Encode()
		h.ServeHTTP(httptest.NewRecorder(), r)
	})
}
