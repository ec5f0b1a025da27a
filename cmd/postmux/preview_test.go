package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

// postmuxTalking runs the tool for a person at a terminal, who answers.
func postmuxTalking(t *testing.T, answer string, args ...string) result {
	t.Helper()
	var out, errOut bytes.Buffer
	a := &app{registry: all.Registry(), out: terminal.NewOutput(&out), errOut: terminal.NewTalk(&errOut), talks: true}
	code := a.run(t.Context(), args, strings.NewReader(answer))
	return result{code, out.String(), errOut.String()}
}

// The preview of a file fits a terminal of 80 columns, and nothing is done before a yes.
func TestPreview(t *testing.T) {
	sb, cfg := shapeLab(t)
	for _, tc := range []struct {
		file string
		args []string
	}{
		{file: "subscribed_members_export_0a1b.csv", args: []string{"--list", "newsletter"}},
		{file: "mailwizz.csv"},
		{file: "persian.csv", args: []string{"--list", "newsletter"}},
		{file: "cp1251.csv", args: []string{"--map", "Город=field.CITY"}},
		{file: "google-old.csv"},
		{file: "unsubscribed_members_export_0a1b.csv"},
		{file: "extra.csv"},
		{file: "bad-rows.csv"},
		{file: "sheet.xlsx"},
		{file: "whole.jsonl"},
	} {
		for _, vendor := range []string{"brevo", "sendpulse"} {
			args := append([]string{"--config", cfg, "--provider", vendor, "contacts", "import", filepath.Join("testdata", "shapes", tc.file)}, tc.args...)
			r := postmuxTalking(t, "n\n", args...)
			assert.Equal(t, exit.Local, r.code, tc.file)
			for line := range strings.Lines(strings.TrimSuffix(r.errOut[:strings.LastIndex(r.errOut, "postmux: ")], "\n")) {
				if !strings.Contains(line, "[y/N]") {
					assert.LessOrEqual(t, uniseg.StringWidth(strings.TrimSuffix(line, "\n")), 80, line)
				}
			}
			golden(t, "preview/"+vendor+"-"+tc.file+".txt", r.errOut)
		}
	}
	assert.Empty(t, sb.Requests("brevo"))
	assert.Empty(t, sb.Requests("sendpulse"))
}

// On a terminal a person answers for what is guessed; --yes answers for the preview alone.
// Elsewhere what is guessed needs its flag.
func TestImportAsks(t *testing.T) {
	sb, cfg := shapeLab(t)
	certain, guessed := file(t, "a.csv", "email\na@example.com\n"), filepath.Join("testdata", "shapes", "koi8-r.csv")
	for _, tc := range []struct {
		name, file, answer string
		talks              bool
		args               []string
		code, stored       int
		says               string
	}{
		{name: "no", file: certain, talks: true, answer: "n\n", code: exit.Local, says: "the answer was no; nothing was changed"},
		{name: "no answer", file: certain, talks: true, code: exit.Local, says: "Import 1 row at brevo? [y/N]"},
		{name: "guessed, not said", file: guessed, code: exit.Local, says: "--encoding koi8-r; nothing was changed"},
		{name: "guessed, accepted in advance", file: guessed, talks: true, args: []string{"--yes"}, code: exit.Local, says: "--encoding koi8-r; nothing was changed"},
		{name: "yes", file: certain, talks: true, answer: "y\n", stored: 1},
		{name: "yes in advance", file: file(t, "b.csv", "email\nb@example.com\n"), talks: true, args: []string{"--yes"}, stored: 2},
		{name: "nobody to ask", file: file(t, "c.csv", "email\nc@example.com\n"), stored: 3},
		{name: "guessed, yes", file: guessed, talks: true, answer: "да\n", code: exit.Partly, stored: 5, says: "Is the guess right, and import 3 rows at brevo? [y/N]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			args := append([]string{"--config", cfg, "contacts", "import", tc.file}, tc.args...)
			var r result
			if tc.talks {
				r = postmuxTalking(t, tc.answer, args...)
			} else {
				r = postmux(t, args...)
			}
			assert.Equal(t, tc.code, r.code, r.errOut)
			assert.Contains(t, r.errOut, tc.says)
			assert.Len(t, sb.Contacts("brevo"), tc.stored)
		})
	}
}

// A dry run says what the run says, for the whole file: what is asked, the refused rows, and
// the exit code.
func TestImportDryRunIsTheRun(t *testing.T) {
	sb, cfg := shapeLab(t)
	for _, s := range shapes {
		for _, said := range []bool{false, true} {
			args := []string{"--config", cfg, "contacts", "import", filepath.Join("testdata", "shapes", s.file)}
			if said {
				args = append(args, s.args...)
			}
			before := len(sb.Requests("brevo"))
			dry := postmux(t, append(args, "--dry-run")...)
			require.Len(t, sb.Requests("brevo"), before)
			real := postmux(t, args...)
			assert.Equal(t, real.code, dry.code, "%s: %s%s", s.file, dry.errOut, real.errOut)
			if real.code == exit.Local && !strings.Contains(real.errOut, "rows failed") {
				last := func(text string) string { return text[strings.LastIndex(text, "postmux: "):] }
				assert.Equal(t, last(real.errOut), last(dry.errOut), s.file)
			}
		}
	}
}

// A spreadsheet begins a file of CSV with a mark where it is to know letters; the import
// reads it as it was.
func TestExportWithMark(t *testing.T) {
	sb, cfg := crowd(t)
	target := filepath.Join(t.TempDir(), "a.csv")
	r := postmux(t, "--config", cfg, "contacts", "export", target, "--bom")
	require.Equal(t, exit.Done, r.code, r.errOut)
	data, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(data, []byte("\xef\xbb\xbfemail,")), "%q", data[:20])
	n := len(sb.Contacts("brevo"))
	r = postmux(t, "--config", cfg, "contacts", "import", target)
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Len(t, sb.Contacts("brevo"), n)
}

// A whole contact is imported with its stops one by one; what the provider cannot keep is
// refused by name, and the others are stored.
func TestImportOfStops(t *testing.T) {
	sb, cfg := shapeLab(t)
	text := `{"email":"sms@example.com","phone":"+375291234567","memberships":[{"list":"newsletter","status":"subscribed"}],"suppressed":[{"channel":"sms","scope":"marketing","reason":"unsubscribed"}]}
{"email":"both@example.com","memberships":[{"list":"newsletter","status":"subscribed"}],"suppressed":[{"channel":"email","scope":"marketing","reason":"unsubscribed"},{"channel":"email","scope":"transactional","reason":"blocked"}]}
{"email":"left@example.com","memberships":[{"list":"newsletter","status":"unsubscribed"},{"list":"id:5","status":"subscribed"}],"suppressed":[]}
`
	report := filepath.Join(t.TempDir(), "told.jsonl")
	r := postmux(t, "--config", cfg, "contacts", "import", file(t, "a.jsonl", text), "--report", report)
	assert.Equal(t, exit.Partly, r.code, r.errOut)
	told := must1(os.ReadFile(report))
	assert.Contains(t, told, `"line":2,"email":"both@example.com","state":"refused"`)
	assert.Contains(t, told, "the other stops were stored, this one was not")
	assert.Contains(t, told, `"row":{"email":"both@example.com"`)
	stops := make(map[string][]provider.Suppression)
	lists := make(map[string][]provider.Membership)
	for _, c := range sb.Contacts("brevo") {
		stops[c.Email], lists[c.Email] = c.Suppressed, c.Memberships
	}
	require.Len(t, stops["sms@example.com"], 1)
	assert.Equal(t, provider.ChannelSMS, stops["sms@example.com"][0].Channel)
	require.Len(t, stops["both@example.com"], 1)
	assert.Equal(t, provider.ScopeMarketing, stops["both@example.com"][0].Scope)
	for _, m := range lists["left@example.com"] {
		assert.NotEqual(t, "4", m.List, "who left a list is not on it")
	}
}
