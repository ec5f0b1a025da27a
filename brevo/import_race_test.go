package brevo_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Who leaves a list while an import is under way is not put back by its job: whether it is
// before the job, while it waits, or after it. One moment is left, which the capability
// names: after the last look at who has left, and before the job comes to the row.
func TestImportRaces(t *testing.T) {
	const each, rows = 15, 300
	reads := func(r *http.Request) bool { return r.URL.Query().Has("modifiedSince") }
	looks := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/processes/") }
	for _, row := range []struct {
		name string
		at   func(r *http.Request, looked int) bool // before this call they leave
		back bool                                   // the moment that is left
	}{
		{name: "before anything is read", at: func(r *http.Request, _ int) bool { return strings.HasSuffix(r.URL.Path, "/contacts") }},
		{name: "after all was read", at: func(r *http.Request, _ int) bool { return strings.HasSuffix(r.URL.Path, "/contacts/import") }},
		{name: "before the second reading", at: func(r *http.Request, looked int) bool { return looked == 1 && reads(r) }},
		{name: "before the third reading", at: func(r *http.Request, looked int) bool { return looked == 2 && reads(r) }},
		{name: "while the job is queued", at: func(r *http.Request, looked int) bool { return looked == 0 && looks(r) }},
		{name: "while the job runs", at: func(r *http.Request, looked int) bool { return looked == 1 && looks(r) }},
		{name: "after the job", at: func(r *http.Request, looked int) bool { return looked == 3 && reads(r) }},
		{name: "in the moment that is left", at: func(r *http.Request, looked int) bool { return looked == 2 && looks(r) }, back: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			sb := sandbox.New(t)
			put := func(i int, status provider.MembershipStatus) {
				sb.AddContact("brevo", provider.Contact{
					Email: fmt.Sprintf("row%06d@example.com", i), ModifiedAt: time.Now(),
					Memberships: []provider.Membership{{List: "4", Status: status}},
				})
			}
			for i := range rows {
				put(i, provider.StatusSubscribed)
			}
			left, looked := false, 0
			client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if !left && row.at(r, looked) {
					left = true
					for i := range each {
						put(i, provider.StatusUnsubscribed)
					}
				}
				if looks(r) {
					looked++
				}
				return http.DefaultTransport.RoundTrip(r)
			})}
			c, err := provider.Registry{brevo.Driver()}.Open(t.Context(), provider.Config{
				Default: "account", Providers: map[string]provider.AccountConfig{"account": sb.Config().Providers["brevo"]},
			}, provider.WithHTTPClient(client))
			require.NoError(t, err)
			report, results := imported(t, c, changes(rows, nil))
			require.True(t, left)
			assert.Zero(t, report.Unknown)
			back, told, stayed := 0, 0, 0
			for i, r := range results {
				on := contactOf(sb, r.Email).Memberships
				is := len(on) == 1 && on[0].Status == provider.StatusSubscribed
				switch {
				case i >= each && is:
					stayed++
				case i >= each:
				case is:
					back++
				}
				if i < each && (r.Err != nil || r.Receipt != nil && len(r.Receipt.Notes) > 0) {
					told++
				}
			}
			assert.Equal(t, rows-each, stayed, "the others")
			if row.back {
				assert.Equal(t, each, back, "the sandbox does the worst")
				assert.Contains(t, c.Capabilities()["contacts.import"].Note, "except in the moment when the job stores the row")
				return
			}
			assert.Zero(t, back, "put back on the list")
			assert.Equal(t, each, told, "rows that tell it")
		})
	}
}
