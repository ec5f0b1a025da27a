package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func TestVerbUsage(t *testing.T) {
	for args, want := range map[string]string{
		"cancel":                         "expected the ID of a message",
		"cancel 1 --receipt x":           "--receipt: expected either ID or --receipt",
		"suppressions lst":               "did you mean list?",
		"suppressions add":               "EMAIL: missing",
		"contacts resubscribe a --list=": "--list: expected an alias or id:ID",
		"lists delete id:":               "LIST: expected an alias or id:ID",
	} {
		r := postmux(t, strings.Fields(args)...)
		assert.Equal(t, exit.Local, r.code, args)
		assert.Contains(t, r.errOut, want, args)
	}
}

func TestVerbDryRun(t *testing.T) {
	sb, cfg := account(t, "    folder_id: 1")
	for name, args := range map[string][]string{
		"cancel":      {"cancel", "<1@smtp-relay.mailin.fr>"},
		"unsuppress":  {"suppressions", "remove", "anna@example.com"},
		"resubscribe": {"contacts", "resubscribe", "anna@example.com", "--list", "newsletter"},
		"create-list": {"lists", "create", "خبرنامه"},
		"delete-list": {"lists", "delete", "newsletter"},
	} {
		r := postmux(t, append([]string{"--config", cfg}, append(args, "--dry-run")...)...)
		assert.Equal(t, exit.Done, r.code, r.errOut)
		assert.NotContains(t, r.out, sandbox.Key("brevo"))
		golden(t, "dryrun/"+name+".json", r.out)
	}
	assert.Empty(t, sb.Requests("brevo"))
}

func TestCancel(t *testing.T) {
	sb, cfg := account(t)
	send := func(at string) (string, provider.Receipt) {
		sent := postmux(t, "--config", cfg, "--json", "send", example(t, examples.Message), "--send-at", at)
		require.Equal(t, exit.Done, sent.code, sent.errOut)
		var r provider.Receipt
		sent.json(t, &r)
		return sent.out, r
	}
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	saved, first := send(later)
	r := postmux(t, "--config", cfg, "--json", "cancel", "--receipt", file(t, "receipt.json", saved))
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.JSONEq(t, `{"provider":"brevo","account":"main","message_id":"`+first.MessageID+`","withdrawn":true}`, r.out)
	assert.True(t, sb.Messages()[0].Withdrawn)

	_, second := send(later)
	r = postmux(t, "--config", cfg, "cancel", second.MessageID)
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "withdrawn")
	r = postmux(t, "--config", cfg, "cancel", second.MessageID)
	assert.Equal(t, exit.Refused, r.code)
	assert.Contains(t, r.errOut, "nothing was withdrawn")

	_, third := send(later)
	several := `{"account":"main","message_id":"","recipients":[{"message_id":"` + third.MessageID + `"},{"message_id":"gone"}]}`
	r = postmuxWith(t, several, "--config", cfg, "--json", "cancel", "--receipt", "-")
	assert.Equal(t, exit.Partly, r.code)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	require.Len(t, lines, 2)
	assert.Contains(t, lines[0], `"index":0`)
	assert.Contains(t, lines[0], `"withdrawn":true`)
	assert.Contains(t, lines[1], `"withdrawn":false,"error":{"kind":"not_found"`)
	r = postmuxWith(t, several, "--config", cfg, "cancel", "--receipt", "-")
	assert.Equal(t, exit.Refused, r.code)
	assert.Equal(t, 3, strings.Count(r.errOut, "\n"), r.errOut)
}

func TestSuppressions(t *testing.T) {
	sb, cfg := account(t)
	sb.AddSuppression("brevo", "bounce@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeAll, Reason: "bounced"})
	sb.AddSuppression("brevo", "anna@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Sender: "shop@example.com", Reason: "blocked"})
	r := postmux(t, "--config", cfg, "suppressions", "list")
	require.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "suppressions/list.txt", aligned(r.out))
	r = postmux(t, "--config", cfg, "--json", "suppressions", "list")
	require.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "suppressions/list.ndjson", r.out)
	r = postmux(t, "--config", cfg, "--json", "suppressions", "remove", "anna@example.com", "--yes")
	require.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "suppressions/remove.json", r.out)
	r = postmux(t, "--config", cfg, "suppressions", "remove", "anna@example.com", "--yes")
	assert.Equal(t, exit.Refused, r.code)
	before := len(sb.Requests("brevo"))
	r = postmux(t, "--config", cfg, "suppressions", "add", "anna@example.com", "--reason", "asked")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "suppressions.add is not supported")
	assert.Len(t, sb.Requests("brevo"), before, "refused here")
	sb.Fail("brevo", sandbox.Fault{Status: 401, Body: `{"code":"unauthorized"}`})
	r = postmux(t, "--config", cfg, "suppressions", "list")
	assert.Equal(t, exit.Credentials, r.code)
}

// aligned hides the width of columns, which hangs on times that are replaced.
func aligned(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, strings.Join(strings.Fields(line), " ")+"\n")
	}
	return strings.Join(out, "")
}

func TestResubscribeAndLists(t *testing.T) {
	sb, cfg := account(t, "    folder_id: 1")
	sb.AddContact("brevo", provider.Contact{
		Email: "anna@example.com", Memberships: []provider.Membership{{List: "4", Status: provider.StatusUnsubscribed}},
		Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing}},
	})
	r := postmux(t, "--config", cfg, "contacts", "resubscribe", "anna@example.com", "--list", "newsletter")
	require.Equal(t, exit.Done, r.code, r.errOut)
	golden(t, "contacts/resubscribe.txt", r.out)
	assert.Equal(t, provider.StatusSubscribed, sb.Contacts("brevo")[0].Memberships[0].Status)
	assert.NotEmpty(t, sb.Contacts("brevo")[0].Suppressed)
	r = postmux(t, "--config", cfg, "contacts", "resubscribe", "anna@example.com")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Empty(t, sb.Contacts("brevo")[0].Suppressed)
	r = postmux(t, "--config", cfg, "contacts", "resubscribe", "nobody@example.com")
	assert.Equal(t, exit.Refused, r.code)

	r = postmux(t, "--config", cfg, "--json", "lists", "create", "خبرنامه")
	require.Equal(t, exit.Done, r.code, r.errOut)
	var l provider.List
	r.json(t, &l)
	assert.Equal(t, "خبرنامه", l.Name)
	r = postmux(t, "--config", cfg, "lists", "create", "Another")
	assert.Equal(t, exit.Done, r.code)
	assert.Contains(t, r.out, "Another")
	r = postmux(t, "--config", cfg, "--json", "lists", "delete", "id:"+l.ID, "--yes")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.JSONEq(t, `{"provider":"brevo","account":"main","list":{"id":"`+l.ID+`"},"state":"done"}`, r.out)
	r = postmux(t, "--config", cfg, "lists", "delete", "newsletter", "--yes")
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "newsletter")
	r = postmux(t, "--config", cfg, "lists", "delete", "newsletter", "--yes")
	assert.Equal(t, exit.Refused, r.code)

	_, cfg = account(t)
	r = postmux(t, "--config", cfg, "lists", "create", "x")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "providers.main.folder_id: a list of this provider is in a folder")
}

// A test system mails nobody but the address of redirect_to, and says so.
func TestRedirectTo(t *testing.T) {
	sb, cfg := account(t, "    redirect_to: dev@test.example", "    allow_domains: [example.net]")
	r := postmux(t, "--config", cfg, "--json", "send", "--to", "anna@example.com", "--cc", "boris@example.net", "--subject", "x", "--html", "y")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "1 recipient is replaced by dev@test.example: anna@example.com")
	got := sb.Messages()[0]
	assert.Equal(t, "dev@test.example", got.To[0].Email)
	assert.Equal(t, "boris@example.net", got.Cc[0].Email)
}

// What destroys something asks a person, and needs --yes where nobody can be asked.
func TestDestroyingVerbsAsk(t *testing.T) {
	for _, tc := range []struct {
		name, question string
		args           []string
	}{
		{name: "a list", args: []string{"lists", "delete", "id:4"}, question: "Delete the list id:4 at main (brevo)? [y/N] "},
		{name: "a contact", args: []string{"contacts", "delete", "anna@example.com"}, question: "Delete anna@example.com at main (brevo)? [y/N] "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sb, cfg := account(t)
			args := append([]string{"--config", cfg}, tc.args...)
			sent := func() int { return len(sb.Requests("brevo")) }
			r := postmux(t, args...)
			assert.Equal(t, exit.Local, r.code)
			assert.Contains(t, r.errOut, "--yes: delete needs it where nobody can be asked")
			assert.Zero(t, sent())
			r = postmuxTalking(t, "n\n", args...)
			assert.Equal(t, exit.Local, r.code)
			assert.Contains(t, r.errOut, tc.question)
			assert.Contains(t, r.errOut, "the answer was no")
			assert.Zero(t, sent())
			postmuxTalking(t, "y\n", args...)
			assert.NotZero(t, sent())
			postmux(t, append(args, "--dry-run")...)
		})
	}
}
