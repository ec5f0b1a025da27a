package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// crowd is a sandbox with accounts at Brevo (main) and SendPulse (sp), lists and fields.
func crowd(t *testing.T) (*sandbox.Server, string) {
	t.Helper()
	sb := sandbox.New(t)
	sb.AddList("brevo", "4", "newsletter")
	sb.AddList("brevo", "7", "offers")
	sb.AddField("brevo", "NOTE", "text")
	sb.AddField("brevo", "POINTS", "float")
	sb.AddList("sendpulse", "103", "newsletter")
	sb.AddList("sendpulse", "107", "offers")
	return sb, file(t, "postmux.yaml", fmt.Sprintf(`
default: main
providers:
  main: {provider: brevo, concurrency: 1, base_url: %q, api_key: %q, from: {email: shop@example.com}}
  sp: {provider: sendpulse, concurrency: 1, base_url: %q, client_id: %q, client_secret: %q, from: {email: shop@example.com}}
aliases:
  lists: {newsletter: {main: "4", sp: "103"}}
`, sb.BaseURL("brevo"), sandbox.Key("brevo"), sb.BaseURL("sendpulse"), sandbox.ClientID, sandbox.Key("sendpulse")))
}

var people = []provider.Contact{
	{
		Email: "anna@example.by", FirstName: "Анна", LastName: "Иванова, ст.", Fields: map[string]any{"NOTE": "=cmd|' /C calc'!A0", "POINTS": 12.5},
		Memberships: []provider.Membership{{List: "4", Status: provider.StatusSubscribed}, {List: "7", Status: provider.StatusSubscribed}},
	},
	{Email: "sara@example.ir", FirstName: "سارا", Fields: map[string]any{"NOTE": "line\nbreak; \"quoted\", '=x"}, Memberships: []provider.Membership{{List: "4", Status: provider.StatusSubscribed}}},
	{Email: "bob@example.com", Fields: map[string]any{"NOTE": "-1+1"}},
	{
		Email: "gone@example.com", Memberships: []provider.Membership{{List: "4", Status: provider.StatusBlocked}},
		Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "blocklisted"}},
	},
}

// Who gets no mail before an export and an import gets none after it, and the
// others are as they were.
func TestExportRoundTrip(t *testing.T) {
	from, cfg := crowd(t)
	for _, c := range people {
		from.AddContact("brevo", c)
	}
	first := filepath.Join(t.TempDir(), "first.csv")
	require.Equal(t, exit.Done, postmux(t, "--config", cfg, "contacts", "export", first).code)
	for _, name := range []string{"contacts.csv", "contacts.jsonl"} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), name)
			r := postmux(t, "--config", cfg, "contacts", "export", target)
			require.Equal(t, exit.Done, r.code, r.errOut)
			assert.Equal(t, "4 contacts exported to "+target+"\n", r.out)
			assert.Empty(t, r.errOut)
			text, err := os.ReadFile(target)
			require.NoError(t, err)
			golden(t, "export/"+name, string(text))
			left, err := os.ReadDir(filepath.Dir(target))
			require.NoError(t, err)
			assert.Len(t, left, 1, "nothing else stays behind")

			to, other := crowd(t)
			r = postmux(t, "--config", other, "contacts", "import", target)
			require.Equal(t, exit.Done, r.code, r.errOut)
			again := filepath.Join(t.TempDir(), "again.csv")
			r = postmux(t, "--config", other, "contacts", "export", again)
			require.Equal(t, exit.Done, r.code, r.errOut)
			assert.Equal(t, sortedLines(t, first), sortedLines(t, again), "an export of what was imported is the same")
			for _, c := range to.Contacts("brevo") {
				assert.Equal(t, c.Email == "gone@example.com", len(c.Suppressed) > 0, c.Email)
			}

			// The other vendor has no second list of that number, and no block of an account: who is
			// blocked is kept as one who has left.
			r = postmux(t, "--config", other, "--provider", "sp", "contacts", "import", target)
			assert.NotEqual(t, exit.Done, r.code, r.errOut)
			for _, c := range to.Contacts("sendpulse") {
				if c.Email == "gone@example.com" {
					assert.Equal(t, []provider.Membership{{List: "103", Status: provider.StatusUnsubscribed}}, c.Memberships)
				}
			}
		})
	}
}

func sortedLines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return slices.Sorted(strings.Lines(string(text)))
}

// contactTexts are contacts without what no export carries.
func contactTexts(list []provider.Contact) []string {
	var out []string
	for _, c := range list {
		out = append(out, fmt.Sprintf("%s %s %s %v %v %v", c.Email, c.FirstName, c.LastName, c.Fields, c.Memberships, c.Suppressed))
	}
	return out
}

// SendPulse lists contacts list by list, and says of each list whether it was left.
func TestExportSendPulse(t *testing.T) {
	sb, cfg := crowd(t)
	sb.AddContact("sendpulse", provider.Contact{Email: "anna@example.by", FirstName: "Анна", Memberships: []provider.Membership{{List: "103", Status: provider.StatusSubscribed}, {List: "107", Status: provider.StatusSubscribed}}})
	sb.AddContact("sendpulse", provider.Contact{Email: "left@example.by", Memberships: []provider.Membership{{List: "103", Status: provider.StatusUnsubscribed}}})
	target := filepath.Join(t.TempDir(), "contacts.csv")
	r := postmux(t, "--config", cfg, "--provider", "sp", "contacts", "export", target)
	require.Equal(t, exit.Done, r.code, r.errOut)
	text, err := os.ReadFile(target)
	require.NoError(t, err)
	golden(t, "export/sendpulse.csv", string(text))

	to, other := crowd(t)
	r = postmux(t, "--config", other, "--provider", "sp", "contacts", "import", target, "--report", filepath.Join(t.TempDir(), "refused.csv"))
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.ElementsMatch(t, contactTexts(sb.Contacts("sendpulse")), contactTexts(to.Contacts("sendpulse")))

	// Brevo keeps whoever left as blocked. The list without an alias has another
	// id there, so that it is refused rather than guessed.
	r = postmux(t, "--config", other, "contacts", "import", target)
	assert.Equal(t, exit.Partly, r.code)
	var left *provider.Contact
	for _, c := range to.Contacts("brevo") {
		if c.Email == "left@example.by" {
			left = &c
		}
	}
	require.NotNil(t, left)
	assert.NotEmpty(t, left.Suppressed)
}

// What a person gets no mail of never becomes a subscription.
func TestConsent(t *testing.T) {
	stop := func(channel provider.Channel, scope provider.Scope, sender string, reason provider.Reason) provider.Suppression {
		return provider.Suppression{Channel: channel, Scope: scope, Sender: sender, Reason: reason}
	}
	on := func(list string, s provider.MembershipStatus) provider.Membership {
		return provider.Membership{List: list, Status: s}
	}
	for name, tc := range map[string]struct {
		c      provider.Contact
		status provider.MembershipStatus
		lists  string
		lost   contactrows.Lost
	}{
		"free":                {provider.Contact{Memberships: []provider.Membership{on("a", provider.StatusSubscribed)}}, "", "a", contactrows.Lost{}},
		"left one of two":     {provider.Contact{Memberships: []provider.Membership{on("a", provider.StatusSubscribed), on("b", provider.StatusUnsubscribed)}}, "", "a", contactrows.Lost{Memberships: 1}},
		"left all":            {provider.Contact{Memberships: []provider.Membership{on("a", provider.StatusBounced), on("b", provider.StatusUnsubscribed)}}, provider.StatusUnsubscribed, "a b", contactrows.Lost{}},
		"pending":             {provider.Contact{Memberships: []provider.Membership{on("a", provider.StatusPending)}}, "", "", contactrows.Lost{Memberships: 1}},
		"blocked":             {provider.Contact{Memberships: []provider.Membership{on("a", provider.StatusBlocked), on("b", provider.StatusUnsubscribed)}, Suppressed: []provider.Suppression{stop("email", "marketing", "", "x")}}, provider.StatusBlocked, "a", contactrows.Lost{Memberships: 1}},
		"unsubscribed":        {provider.Contact{Memberships: []provider.Membership{on("a", provider.StatusUnsubscribed)}, Suppressed: []provider.Suppression{stop("email", "all", "", "unsubscribed")}}, provider.StatusUnsubscribed, "a", contactrows.Lost{}},
		"sms only":            {provider.Contact{Suppressed: []provider.Suppression{stop("sms", "marketing", "", "x")}}, "", "", contactrows.Lost{Suppressions: 1}},
		"transactional only":  {provider.Contact{Suppressed: []provider.Suppression{stop("email", "transactional", "", "x")}}, "", "", contactrows.Lost{Suppressions: 1}},
		"one sender only":     {provider.Contact{Suppressed: []provider.Suppression{stop("email", "all", "a@example.com", "x")}}, "", "", contactrows.Lost{Suppressions: 1}},
		"suppressed and free": {provider.Contact{Memberships: []provider.Membership{on("a", provider.StatusSubscribed)}, Suppressed: []provider.Suppression{stop("email", "marketing", "", "")}}, provider.StatusBlocked, "a", contactrows.Lost{}},
	} {
		status, lists, out := contactrows.Consent(&tc.c)
		assert.Equal(t, tc.status, status, name)
		assert.Equal(t, tc.lists, strings.Join(lists, " "), name)
		assert.Equal(t, tc.lost, out, name)
	}
}

func TestExportToStdout(t *testing.T) {
	sb, cfg := crowd(t)
	for _, c := range people {
		sb.AddContact("brevo", c)
	}
	r := postmux(t, "--config", cfg, "contacts", "export", "-", "--format", "csv", "--fields", "NOTE", "--raw")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "export/stdout.csv", r.out)
	assert.Equal(t, "4 contacts exported\n", r.errOut)
	r = postmux(t, "--config", cfg, "contacts", "export", "-", "--format", "csv", "--fields", "NOTE,NOTES")
	assert.Contains(t, r.errOut, "no contact has the field NOTES\n")
	assert.NotContains(t, r.errOut, "field NOTE\n")
	r = postmux(t, "--config", cfg, "contacts", "export", "-", "--list", "newsletter")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, 2, strings.Count(r.out, "\n"), r.out)
	assert.Contains(t, r.out, `"list":"newsletter"`)
	r = postmux(t, "--config", cfg, "--json", "contacts", "export", filepath.Join(t.TempDir(), "a.csv"))
	assert.Contains(t, r.out, `"contacts": 4`)
}

func TestExportUsage(t *testing.T) {
	sb, cfg := crowd(t)
	dir := t.TempDir()
	for _, tc := range []struct{ args, want string }{
		{"x.txt", "FILE: expected a name that ends in .csv"},
		{"-  --format xml", "--format: expected csv or jsonl"},
		{"- --resume", "--resume: expected a file"},
		{"a.jsonl --raw", "--raw, --bom and --fields are for csv"},
		{dir + "/none.csv --resume", "--resume: no export to go on with"},
		{dir + "/a.csv --list nolist", "nolist"},
		{dir + "/no/such.csv", "FILE: cannot write the file"},
		{dir + " --format csv", "is not a regular file"},
		{"a.csv --list id:", "--list: expected an alias"},
	} {
		r := postmux(t, append([]string{"--config", cfg, "contacts", "export"}, strings.Fields(tc.args)...)...)
		assert.Equal(t, exit.Local, r.code, r.errOut)
		assert.Contains(t, r.errOut, tc.want)
	}
	assert.Empty(t, sb.Requests("brevo"))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "a failure before the first page leaves no file")
}

// pagesOf is a vendor with three pages of a thousand contacts. before is called
// with the offset of each that is asked for, and says whether it is given.
func pagesOf(t *testing.T, before func(w http.ResponseWriter, offset string) bool) string {
	return fake(t, func(w http.ResponseWriter, r *http.Request) {
		offset := r.URL.Query().Get("offset")
		if !before(w, offset) {
			return
		}
		var n int
		_, _ = fmt.Sscan(offset, &n)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"contacts":[`)
		for i := range 1000 {
			if i > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, `{"email":"u%d@example.com","id":%d,"emailBlacklisted":false,"smsBlacklisted":false,"createdAt":"2026-01-01T00:00:00Z","modifiedAt":"2026-01-01T00:00:00Z","listIds":[4],"attributes":{}}`, n+i, n+i+1)
		}
		fmt.Fprint(w, `],"count":3000}`)
	})
}

// An export that fails leaves nothing under the final name, and what it had is
// not fetched again.
func TestExportResumes(t *testing.T) {
	down := true
	var asked []string
	cfg := pagesOf(t, func(w http.ResponseWriter, offset string) bool {
		asked = append(asked, offset)
		if down && offset == "2000" {
			w.WriteHeader(http.StatusUnauthorized)
			return false
		}
		return true
	})
	target := filepath.Join(t.TempDir(), "contacts.csv")
	require.NoError(t, os.WriteFile(target, []byte("old\n"), 0o600))
	r := postmux(t, "--config", cfg, "contacts", "export", target)
	assert.Equal(t, exit.Credentials, r.code, r.errOut)
	assert.Contains(t, r.errOut, "contacts.csv.part holds 2000 contacts; --resume goes on from there")
	text, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, "old\n", string(text))

	// Who forgets --resume loses nothing of it.
	had := must1(os.ReadFile(target + ".part"))
	r = postmux(t, "--config", cfg, "contacts", "export", target)
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "contacts.csv.part is of an export that did not end; --resume goes on with it, and to begin anew remove it first")
	assert.Equal(t, had, must1(os.ReadFile(target+".part")))

	// A crash in the middle of a line is no harm.
	part, err := os.OpenFile(target+".part", os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = part.WriteString(`{"email":"u2000@exam`)
	require.NoError(t, err)
	require.NoError(t, part.Close())
	r = postmux(t, "--config", cfg, "contacts", "export", target, "--resume", "--modified-since", "2026-01-01")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "is of an export of another account, list or time")

	down, asked = false, nil
	r = postmux(t, "--config", cfg, "contacts", "export", target, "--resume")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, []string{"2000"}, asked)
	text, err = os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, 3001, strings.Count(string(text), "\n"))
	assert.Contains(t, string(text), "\nu2999@example.com,")
	assert.NoFileExists(t, target+".part")
}

func TestExportInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := pagesOf(t, func(_ http.ResponseWriter, offset string) bool {
		if offset == "1000" {
			cancel()
		}
		return true
	})
	target := filepath.Join(t.TempDir(), "contacts.jsonl")
	r := postmuxIn(ctx, "", "--config", cfg, "contacts", "export", target)
	assert.NotEqual(t, exit.Done, r.code)
	assert.NoFileExists(t, target)
	assert.FileExists(t, target+".part")
}

// samePage gives one page for ever.
type samePage struct{ calls int }

func (*samePage) Capabilities() provider.Capabilities {
	return provider.Capabilities{feature.ContactsList: {Level: provider.LevelNative, Basis: "document"}}
}

func (*samePage) Send(context.Context, *provider.Message) (*provider.Receipt, error) {
	return nil, errors.ErrUnsupported
}

func (s *samePage) ListContacts(context.Context, provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	s.calls++
	return &provider.Page[provider.Contact]{Items: people[:1], Next: "again"}, nil
}

// A provider that ignores the cursor makes no endless listing.
func TestSamePageAgain(t *testing.T) {
	endless := new(samePage)
	c, err := provider.NewClient(endless, "endless", provider.AccountSettings{}, provider.DriverEnv{Account: "main"})
	require.NoError(t, err)
	a := &app{out: terminal.NewOutput(io.Discard)}
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	err = a.listContacts(cmd, c, provider.ContactQuery{}, 0)
	assert.EqualError(t, err, "main (endless): contacts.list: bad response: the provider gives the same page again")
	assert.Equal(t, 2, endless.calls)
}
