package brevo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/provider"
)

// recorder keeps the bodies of requests and answers with a page of contacts, or as a
// mail is answered.
type recorder struct{ bodies []string }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet {
		return tells(pageOf(50)).RoundTrip(req)
	}
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.bodies = append(r.bodies, req.URL.String()+" "+string(data))
	req.Body = io.NopCloser(bytes.NewReader(data))
	return instant{}.RoundTrip(req)
}

// Without each piece of the fast path, and without all, the same bytes go on the wire
// and the same contacts are read.
func TestFastPathChangesNothing(t *testing.T) {
	observe := func() (bodies []string, contacts string) {
		r := new(recorder)
		c := open(t, provider.AccountSettings{}, provider.WithHTTPClient(&http.Client{Transport: r}))
		m := mailOf(2 << 10)
		m.IdempotencyKey = "3f1c8c1e-6c1d-4a5e-9a53-3f2a7d0c1e44"
		m.Text = "a\u2028\u200c\t\\ 日本語 😀"
		m.Variables = map[string]any{"deep": []any{map[string]any{"n": 1.5, "x": nil}}, "strange": json.Number("12"), "list": []string{"<"}}
		m.Attachments = []provider.Attachment{{Name: "a.txt", Content: []byte("\x00\xff")}}
		m.Headers = map[string]string{"X-B": "b", "X-A": "a"}
		_, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		page, err := c.ListContacts(t.Context(), provider.ContactQuery{})
		require.NoError(t, err)
		require.Len(t, page.Items, 50)
		text, err := json.Marshal(page)
		require.NoError(t, err)
		return r.bodies, string(text)
	}
	bodies, contacts := observe()
	require.Len(t, bodies, 1)
	for _, off := range append([][]*fastpath.Piece{fastpath.Pieces()}, each(fastpath.Pieces())...) {
		for _, p := range off {
			p.Turn(true)
		}
		without, read := observe()
		for _, p := range off {
			p.Turn(false)
		}
		assert.Equal(t, bodies, without, off[0].Name)
		assert.Equal(t, contacts, read, off[0].Name)
	}
}

func each[T any](list []T) (out [][]T) {
	for _, x := range list {
		out = append(out, []T{x})
	}
	return out
}
