package providertest

import (
	_ "embed"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

//go:embed testdata/addresses.tsv
var addressTable string

// addressRow is a row of the table.
type addressRow struct {
	address string
	ok      bool
	want    string // the form on the wire, or a part of the error
	why     string
}

var repeatedPart = regexp.MustCompile(`«(.+?)\*(\d+)»`)

// unescape reads an address as the table writes it.
func unescape(text string) (string, error) {
	text = repeatedPart.ReplaceAllStringFunc(text, func(part string) string {
		m := repeatedPart.FindStringSubmatch(part)
		n, _ := strconv.Atoi(m[2])
		return strings.Repeat(m[1], n)
	})
	return strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
}

func addressRows(t *testing.T) []addressRow {
	t.Helper()
	var rows []addressRow
	for line := range strings.Lines(addressTable) {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, cells, 4, line)
		require.Contains(t, []string{"ok", "bad"}, cells[1], line)
		row := addressRow{ok: cells[1] == "ok", want: cells[2], why: cells[3]}
		var err error
		row.address, err = unescape(cells[0])
		require.NoError(t, err, line)
		if row.ok {
			row.want, err = unescape(cells[2])
			require.NoError(t, err, line)
		}
		rows = append(rows, row)
	}
	require.GreaterOrEqual(t, len(rows), 200)
	return rows
}

// addresses: every valid address is on the wire in one form, every invalid one is
// refused with the name of its field. Nothing is sent: dry runs show the requests.
func (h Harness) addresses(t *testing.T) {
	v := h.start(t)
	var shown []provider.WireRequest
	c := v.open(
		t, nil, provider.WithDryRun(func(r provider.WireRequest) { shown = append(shown, r) }),
	)
	for _, row := range addressRows(t) {
		shown = nil
		m := h.baseline()
		m.To = []provider.Address{{Email: row.address}}
		_, err := c.Send(t.Context(), m)
		if row.ok {
			if assert.ErrorIs(t, err, provider.ErrDryRun, "%q: %s", row.address, row.why) && assert.Len(t, shown, 1) {
				assert.True(
					t, carries(shown[0], row.want), "%q: %q is not in the request", row.address,
					row.want,
				)
			}
			h.lookUp(t, c, &shown, row)
			continue
		}
		var e *provider.Error
		if assert.ErrorAs(t, err, &e, "%q: %s", row.address, row.why) {
			assert.Equal(t, provider.ErrInvalid, e.Kind, "%q", row.address)
			assert.Equal(t, "to[0].email", e.Field, "%q", row.address)
			assert.Contains(t, e.Message, row.want, "%q", row.address)
			assert.NotContains(t, err.Error(), "\n")
			assert.Less(t, len(err.Error()), 500)
		}
		if c.Capabilities().Can(feature.ContactsGet) {
			_, err = c.GetContact(t.Context(), row.address)
			assert.ErrorIs(t, err, provider.ErrInvalid, "%q", row.address)
		}
		assert.Empty(t, shown, "%q: a request was made", row.address)
	}
	v.noRequests(t)
}

// lookUp requests the contact: at some vendors the address is a part of the URL.
func (h Harness) lookUp(
	t *testing.T, c *provider.Client, shown *[]provider.WireRequest, row addressRow,
) {
	if !c.Capabilities().Can(feature.ContactsGet) {
		return
	}
	*shown = nil
	_, err := c.GetContact(t.Context(), row.address)
	if assert.ErrorIs(t, err, provider.ErrDryRun, "%q: %s", row.address, row.why) && assert.Len(t, *shown, 1) {
		assert.True(
			t, carries((*shown)[0], row.want), "%q: %q is not in the request %s", row.address,
			row.want, (*shown)[0].URL,
		)
	}
}

// carries reports whether a text of the request equals want: a value of its JSON,
// its form or its query, or a segment of its path.
func carries(r provider.WireRequest, want string) bool {
	for _, f := range slices.Concat(r.Form, r.Parts) {
		if f.Value == want {
			return true
		}
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return false
	}
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		if text, err := url.PathUnescape(segment); err == nil && text == want {
			return true
		}
	}
	for _, values := range u.Query() {
		if slices.Contains(values, want) {
			return true
		}
	}
	return slices.Contains(jsonTexts(r.JSON), want)
}

// identifiers: an id of the caller that a server could read as another path, or
// that no provider uses, is refused before any request.
func (h Harness) identifiers(t *testing.T) {
	v := h.start(t)
	requests := 0
	c := v.open(t, nil, provider.WithDryRun(func(provider.WireRequest) { requests++ }))
	for _, id := range []string{"..", ".", "../..", "a/../b", `..\x`, "a\nb", "a\x00", "\r\n", " ", "a\u202eb", "a\u2028", "\xff", "\x7f", strings.Repeat("a", 2000)} {
		ref := provider.Ref{ID: id}
		for name, call := range map[string]func() error{
			"status": func() error { _, err := c.Status(t.Context(), provider.ReceiptFor("", id)); return err },
			"cancel": func() error { return c.Cancel(t.Context(), provider.ReceiptFor("", id)) },
			"template": func() error {
				m := h.baseline()
				m.HTML, m.Template = "", ref
				_, err := c.Send(t.Context(), m)
				return err
			},
			"contacts": func() error { _, err := c.ListContacts(t.Context(), provider.ContactQuery{List: ref}); return err },
			"upsert": func() error {
				u := h.change()
				u.Lists = []provider.Ref{ref}
				_, err := c.UpsertContact(t.Context(), u)
				return err
			},
			"add":    func() error { _, err := c.AddToList(t.Context(), ref, []string{"a@example.com"}); return err },
			"remove": func() error { _, err := c.RemoveFromList(t.Context(), ref, []string{"a@example.com"}); return err },
			"delete": func() error { return c.DeleteList(t.Context(), ref) },
			"leave": func() error {
				_, err := c.Unsubscribe(t.Context(), "a@example.com", ref, "")
				return err
			},
			"come back": func() error {
				_, err := c.Resubscribe(t.Context(), "a@example.com", ref)
				return err
			},
			"get":        func() error { _, err := c.GetContact(t.Context(), id); return err },
			"drop":       func() error { return c.DeleteContact(t.Context(), id) },
			"cursor":     func() error { _, err := c.ListContacts(t.Context(), provider.ContactQuery{Cursor: id}); return err },
			"lists":      func() error { _, err := c.ListLists(t.Context(), id); return err },
			"suppressed": func() error { _, err := c.ListSuppressions(t.Context(), id); return err },
		} {
			err := call()
			var e *provider.Error
			if assert.ErrorAs(t, err, &e, "%s %q", name, id) {
				assert.True(t, e.Local(), "%s %q: %v", name, id, err)
				assert.NotContains(t, err.Error(), "\n")
			}
		}
	}
	assert.Zero(t, requests, "a request was made")
	v.noRequests(t)
}

// composed: names are on the wire in NFC, and keep the joiners that Persian needs; they
// and subjects keep direction isolates.
func (h Harness) composed(t *testing.T) {
	v := h.start(t)
	var shown []provider.WireRequest
	c := v.open(
		t, nil, provider.WithDryRun(func(r provider.WireRequest) { shown = append(shown, r) }),
	)
	m := h.baseline()
	m.From = provider.Address{Email: "shop@example.com", Name: "Cafe\u0301 می\u200cخواهم \u2068A-1\u2069"}
	m.Subject = "سفارش \u2068A-1\u2069 رسید"
	_, err := c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrDryRun)
	require.Len(t, shown, 1)
	// A name may share a value with the address: "Name <address>".
	for _, want := range []string{"Café می\u200cخواهم \u2068A-1\u2069", m.Subject} {
		assert.True(
			t, carries(shown[0], want) || strings.Contains(string(shown[0].JSON), want), "%s: %s",
			want, shown[0].JSON,
		)
	}
	if !c.Capabilities().Can(feature.ContactsUpsertNames) {
		return
	}
	u := h.change()
	u.FirstName = provider.ChangeTo("Cafe\u0301 می\u200cخواهم \u2068A-1\u2069")
	_, err = v.open(t, nil).UpsertContact(t.Context(), u)
	require.NoError(t, err)
	found := slices.ContainsFunc(
		v.Requests(v.name), func(r sandbox.Request) bool { return onWire(r, "Café می\u200cخواهم \u2068A-1\u2069") },
	)
	assert.True(t, found, "the name of a contact")
}
