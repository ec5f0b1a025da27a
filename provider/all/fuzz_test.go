package all_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

const plantedKey = "PLANTED-4711-KEY"

// canned answers every request alike, without a network.
type canned struct {
	status int
	header http.Header
	body   []byte
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: c.status, Header: c.header, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}, nil
}

// clients opens one client for each vendor; all get the answers of c.
func clients(tb testing.TB, c *canned) []*provider.Client {
	tb.Helper()
	var out []*provider.Client
	for _, v := range vendors() {
		s := provider.Section{Provider: v.Driver, Settings: oneSecret(tb, v.Driver, plantedKey)}
		s.BaseURL, s.From = "http://127.0.0.1:1", provider.Address{Email: "shop@example.com", Name: "Shop"}
		s.Attempts = 1
		client, err := all.Registry().Open(context.Background(), provider.Config{Providers: map[string]provider.Section{v.Driver: s}},
			provider.WithHTTPClient(&http.Client{Transport: c}))
		require.NoError(tb, err)
		out = append(out, client)
	}
	return out
}

func mail() *provider.Message {
	return &provider.Message{To: []provider.Address{{Email: "anna@example.com", Name: "Anna"}}, Subject: "x", HTML: "<p>x</p>"}
}

// checkReceipt demands what holds for every Send after which a request left.
func checkReceipt(t *testing.T, c *provider.Client, r *provider.Receipt, err error) {
	t.Helper()
	require.NotNil(t, r, "%s: %v", c.Provider(), err)
	require.Len(t, r.Attempts, 1)
	require.Len(t, r.Recipients, 1)
	if err == nil {
		assert.Contains(t, []provider.State{provider.StateAccepted, provider.StateScheduled}, r.State)
		return
	}
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	switch e.Outcome {
	case provider.NotSent:
		assert.Equal(t, provider.StateRefused, r.State)
	case provider.MaybeSent:
		assert.Equal(t, provider.StateUnknown, r.State)
	default:
		t.Fatalf("%s: outcome %q beside an error: %v", c.Provider(), e.Outcome, err)
	}
	checkText(t, err)
}

// checkText demands that an error is one short line without the key.
func checkText(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	assert.NotContains(t, text, plantedKey)
	assert.Less(t, len(text), 4000)
	if strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e
	}) {
		t.Fatalf("%q", text)
	}
}

// An error answer of any vendor is an error, a server fault is never called
// unsent, and what the vendor wrote cannot break a log or carry the key.
func FuzzErrorAnswers(f *testing.F) {
	answer := &canned{}
	every := clients(f, answer)
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		answer.status = 300 + int(status)%300
		answer.header = http.Header{"Content-Type": {"application/json"}}
		answer.body = bytes.ReplaceAll(body, []byte("$KEY"), []byte(plantedKey))
		for _, c := range every {
			r, err := c.Send(t.Context(), mail())
			checkReceipt(t, c, r, err)
			if err == nil {
				require.Contains(t, strings.ToLower(string(body)), "idempotency", "%s: accepted at status %d", c.Provider(), answer.status)
				continue
			}
			var e *provider.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, answer.status, e.Status)
			if answer.status >= 500 && answer.status != http.StatusNotImplemented {
				assert.Equal(t, provider.MaybeSent, e.Outcome, "%s: status %d", c.Provider(), answer.status)
			}
			_, err = c.GetContact(t.Context(), "anna@example.com")
			require.Error(t, err, c.Provider())
			checkText(t, err)
		}
	})
}

// A 2xx answer of any form makes a receipt that says accepted, or an error that
// says why not; reads end in data or an error, and what they return is whole.
func FuzzAnswers(f *testing.F) {
	answer := &canned{status: http.StatusOK}
	every := clients(f, answer)
	f.Fuzz(func(t *testing.T, body []byte) {
		answer.header = http.Header{"Content-Type": {"application/json"}}
		answer.body = bytes.ReplaceAll(body, []byte("$KEY"), []byte(plantedKey))
		for _, c := range every {
			r, err := c.Send(t.Context(), mail())
			checkReceipt(t, c, r, err)
			if contact, err := c.GetContact(t.Context(), "anna@example.com"); err == nil {
				require.NotNil(t, contact)
			} else {
				checkText(t, err)
			}
			if page, err := c.ListContacts(t.Context(), provider.ContactQuery{}); err == nil {
				require.NotNil(t, page)
				for _, contact := range page.Contacts {
					assert.NotEmpty(t, contact.Email, "contacts without an address are left out")
				}
			}
			if page, err := c.ListLists(t.Context(), ""); err == nil {
				require.NotNil(t, page)
			} else if !errors.Is(err, errors.ErrUnsupported) {
				checkText(t, err)
			}
			if r, err := c.Status(t.Context(), "bulk:1"); err == nil {
				require.NotNil(t, r)
				assert.NotEmpty(t, r.State)
			}
		}
	})
}
