package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// members puts n contacts on list 4 of Brevo's fake.
func members(sb *sandbox.Server, n int) {
	for i := range n {
		sb.AddContact("brevo", provider.Contact{Email: fmt.Sprintf("u%d@example.com", i), Memberships: []provider.Membership{{List: "4", Status: provider.StatusSubscribed}}})
	}
}

// The verbs that change addresses take them from any file that the import reads, tell each
// row, and give the refused ones back.
func TestAddressesOfAFile(t *testing.T) {
	addresses := "u0@example.com\nu1@example.com\nnone\nu2@example.com\n"
	for _, tc := range []struct {
		name, text string
		args       []string
		code       int
		done       int
		check      func(c *provider.Contact) bool
	}{
		{name: "delete", text: addresses, args: []string{"contacts", "delete", "--yes"}, code: exit.Partly, done: 3, check: func(c *provider.Contact) bool { return c == nil }},
		{name: "unsubscribe", text: addresses, args: []string{"contacts", "unsubscribe"}, code: exit.Partly, done: 3, check: func(c *provider.Contact) bool { return len(c.Suppressed) > 0 }},
		{name: "unsubscribe from a list", text: "Mail;Grund\nu0@example.com;x\nu1@example.com;y\n", args: []string{"contacts", "unsubscribe", "--list", "newsletter", "--map", "Mail=email"}, done: 2, check: func(c *provider.Contact) bool { return len(c.Memberships) == 0 }},
		{name: "add", text: "Email,Status,City\nu0@example.com,subscribed,x\nu1@example.com,unsubscribed,x\nu2@example.com,gold,x\n", args: []string{"lists", "add", "newsletter"}, code: exit.Partly, done: 1, check: func(c *provider.Contact) bool { return len(c.Memberships) == 1 }},
		{name: "remove", text: "\ufeffE-mail\tName\nu0@example.com\tA\nu1@example.com\tB\n", args: []string{"lists", "remove", "newsletter"}, done: 2, check: func(c *provider.Contact) bool { return len(c.Memberships) == 0 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sb, cfg := account(t)
			members(sb, 4)
			input, report := file(t, "in.txt", tc.text), filepath.Join(t.TempDir(), "told.csv")
			r := postmux(t, append(append([]string{"--config", cfg, "--json"}, tc.args...), "--file", input, "--report", report)...)
			assert.Equal(t, tc.code, r.code, r.errOut)
			done, rows := 0, 0
			for line := range strings.Lines(r.out) {
				var row importedRow
				require.NoError(t, json.Unmarshal([]byte(line), &row))
				assert.Equal(t, rows, row.Index)
				if rows++; row.Error != nil {
					assert.NotEmpty(t, row.Error.Message)
					continue
				}
				done++
				var found *provider.Contact
				for _, c := range sb.Contacts("brevo") {
					if c.Email == row.Email {
						found = &c
					}
				}
				assert.True(t, tc.check(found), "%s: %+v", row.Email, found)
			}
			assert.Equal(t, tc.done, done)
			told := must1(os.ReadFile(report))
			assert.Equal(t, 1+rows-done, strings.Count(told, "\n"), told)
		})
	}
}

// A run over a file that stopped goes on where it ended, and one that ended says so.
func TestAddressesResume(t *testing.T) {
	sb, cfg := account(t)
	members(sb, 30)
	state := filepath.Join(t.TempDir(), "state")
	run := func(n int, more ...string) result {
		return postmux(t, append([]string{"--config", cfg, "contacts", "unsubscribe", "--file", file(t, "in.txt", addressLines(n)), "--results", state}, more...)...)
	}
	stopped := func() int {
		n := 0
		for _, c := range sb.Contacts("brevo") {
			if len(c.Suppressed) > 0 {
				n++
			}
		}
		return n
	}
	r := run(12)
	require.Equal(t, exit.Done, r.code, r.errOut)
	require.Equal(t, 12, stopped())
	sb.Fail("brevo", sandbox.Fault{Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`, Times: 99})
	r = run(30, "--resume")
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.errOut, "stopped after ")
	assert.Equal(t, 12, stopped())
	sb.Faults("brevo")
	r = run(30, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, "30 rows: 12 done before, 18 done\n", r.out)
	assert.Equal(t, 30, stopped())
	before := len(sb.Requests("brevo"))
	r = run(30, "--resume")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, "nothing was left to do; 30 rows: 30 done before\n", r.out)
	assert.Len(t, sb.Requests("brevo"), before)

	// What one verb has done, or for one list, another has not.
	for _, verb := range [][]string{{"contacts", "delete", "--yes"}, {"contacts", "unsubscribe", "--list", "newsletter"}} {
		r = postmux(t, append(append([]string{"--config", cfg}, verb...), "--file", file(t, "in.txt", addressLines(30)), "--results", state, "--resume")...)
		assert.Equal(t, exit.Local, r.code, r.errOut)
		assert.Contains(t, r.errOut, "the input has changed, or it is read or used in another way")
	}
	assert.Len(t, sb.Requests("brevo"), before)
}

// addressLines are the first n members, one a line.
func addressLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "u%d@example.com\n", i)
	}
	return b.String()
}

func TestAddressesUsage(t *testing.T) {
	sb, cfg := account(t)
	input := file(t, "a.txt", "a@example.com\n")
	for _, tc := range []struct {
		args string
		says string
	}{
		{args: "contacts delete --file " + input, says: "--yes: delete needs it where nobody can be asked"},
		{args: "suppressions remove --file " + input, says: "--yes: let mail through to needs it"},
		{args: "contacts delete a@example.com --file " + input, says: "expected either addresses or --file, got both"},
		{args: "contacts delete a@example.com --report x.csv", says: "--file: expected with --report"},
		{args: "contacts delete --yes --resume --file " + input, says: "--resume: expected --results FILE"},
		{args: "lists add --file " + input, says: "LIST: missing"},
		{args: "contacts delete", says: "EMAIL: missing"},
		{args: "lists add newsletter --file " + file(t, "unsubscribed.txt", "a@example.com\n"), says: "--status unsubscribed"},
		{args: "lists add newsletter --file " + file(t, "a.csv", "name\nx\n"), says: "no column is one of mail addresses: --map NAME=email"},
	} {
		r := postmux(t, append([]string{"--config", cfg}, strings.Fields(tc.args)...)...)
		assert.Equal(t, exit.Local, r.code, "%s: %s", tc.args, r.errOut)
		assert.Contains(t, r.errOut, tc.says)
		nothingOnce(t, notChanged, r.errOut)
	}
	assert.Empty(t, sb.Requests("brevo"))

	r := postmux(t, "--config", cfg, "contacts", "unsubscribe", "--dry-run", "--file", file(t, "b.txt", "a@example.com\nb@example.com\nc\n"))
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	assert.Contains(t, r.out, `"then": "1 further row`)
	assert.Contains(t, r.errOut, "1 row would be refused")
	assert.Empty(t, sb.Requests("brevo"))

	r = postmuxTalking(t, "n\n", "--config", cfg, "contacts", "delete", "--file", input)
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "Delete 1 row at main (brevo)? [y/N]")
}
