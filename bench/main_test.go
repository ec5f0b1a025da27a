package main

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary stand in for the command's other processes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		exit(child(os.Args[1], os.Args[2:]))
	}
	os.Exit(m.Run())
}

// TestEveryPeerSendsTheMail compares what arrives: a row that sends less than
// the others would be faster for nothing.
func TestEveryPeerSendsTheMail(t *testing.T) {
	m := mailOf(2 << 10)
	for _, p := range peers() {
		t.Run(p.name, func(t *testing.T) {
			var got []string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var err error
				got, err = texts(r)
				assert.NoError(t, err)
				answering(p.status, p.answer).ServeHTTP(w, r)
			}))
			defer srv.Close()
			send, err := p.open(target{base: srv.URL})
			require.NoError(t, err)
			require.NoError(t, send(t.Context(), m))
			assert.Contains(t, got, m.html)
			assert.Contains(t, got, m.subject)
			assert.Contains(t, got, m.tag)
			all := strings.Join(got, "\n")
			for _, part := range []string{m.from, m.fromName, m.to, m.toName} {
				assert.Contains(t, all, part)
			}
		})
	}
}

// texts are all texts in the body of a request.
func texts(r *http.Request) ([]string, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if kind != "multipart/form-data" {
		var body any
		err := json.NewDecoder(r.Body).Decode(&body)
		return textsIn(body), err
	}
	form, err := multipart.NewReader(r.Body, params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, values := range form.Value {
		out = append(out, values...)
	}
	return out, nil
}

func textsIn(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, item := range v {
			out = append(out, textsIn(item)...)
		}
	case map[string]any:
		for _, item := range v {
			out = append(out, textsIn(item)...)
		}
	}
	return out
}

// TestEveryPeerSeesARefusal: a row that ignores the status is no client.
func TestEveryPeerSeesARefusal(t *testing.T) {
	srv := httptest.NewServer(answering(http.StatusBadRequest, `{"message":"no"}`))
	defer srv.Close()
	for _, p := range peers() {
		send, err := p.open(target{base: srv.URL})
		require.NoError(t, err)
		assert.Error(t, send(t.Context(), mailOf(100)), p.name)
	}
}

// TestAllSections runs the command, with its other processes, and looks for
// every section in the document.
func TestAllSections(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	doc := t.TempDir() + "/doc.md"
	text, names := "", []string{}
	for _, s := range sections {
		names = append(names, s.name)
		text += "<!-- bench:" + s.name + " -->\nold\n<!-- end:" + s.name + " -->\n"
	}
	require.NoError(t, os.WriteFile(doc, []byte(text), 0o600))
	r := &run{settings: shortest(), log: io.Discard}
	require.NoError(t, r.all(t.Context(), names, doc))
	data, err := os.ReadFile(doc)
	require.NoError(t, err)
	assert.NotContains(t, string(data), "old")
	assert.Equal(t, len(sections), strings.Count(string(data), "<!-- end:"))
	for _, row := range []string{"| postmux |", "| resend-go |", "| 20,000 |", "at least 50,000 rows a second"} {
		assert.Contains(t, string(data), row)
	}
}

func TestReplace(t *testing.T) {
	got, err := replace("a\n<!-- bench:x -->\nold\n<!-- end:x -->\nb\n", "x", "new\n\n")
	require.NoError(t, err)
	assert.Equal(t, "a\n<!-- bench:x -->\nnew\n<!-- end:x -->\nb\n", got)
	_, err = replace("<!-- end:x --><!-- bench:x -->", "x", "new")
	assert.Error(t, err)
}

func TestFigures(t *testing.T) {
	assert.Equal(t, []string{"0", "999", "1,000", "1,234,567"}, []string{thousands(0), thousands(999), thousands(1000), thousands(1234567)})
	assert.Equal(t, []string{"21", "1.50", "0.049"}, []string{ratio(21, 1), ratio(3, 2), ratio(49, 1000)})
	kb, err := highWater("Name:\tbench\nVmHWM:\t   19532 kB\nVmRSS:\t 100 kB\n")
	require.NoError(t, err)
	assert.EqualValues(t, 19532, kb)
	_, err = highWater("Name:\tbench\n")
	assert.Error(t, err)
}

// TestInTurn: every row comes once a round, and the order turns round.
func TestInTurn(t *testing.T) {
	var order []int
	require.NoError(t, inTurn(2, 3, func(i int) error { order = append(order, i); return nil }))
	assert.Equal(t, []int{0, 1, 2, 2, 1, 0}, order)
}

// TestFloodStopsAtAnError: a figure of failed calls would be a good one.
func TestFloodStopsAtAnError(t *testing.T) {
	_, err := flood(t.Context(), 4, 1, func(context.Context) error { return io.ErrUnexpectedEOF })
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
