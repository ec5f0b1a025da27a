package main

import (
	"encoding/json"
	"go/build"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
)

// zakaz is a Russian word as windows-1251 writes it.
const zakaz = "\xc7\xe0\xea\xe0\xe7"

// Text in another encoding is refused with its field or line, and nothing is sent:
// encoding/json would put U+FFFD in its place.
func TestOtherEncodings(t *testing.T) {
	sb, cfg := account(t)
	const good = `{"to":[{"email":"a@example.com"}],"subject":"x","html":"y"}`
	bad := `{"to":[{"email":"a@example.com"}],"subject":"` + zakaz + `","html":"y"}`
	half := `{"to":[{"email":"a@example.com"}],"subject":"\ud83d","html":"y"}`
	for _, row := range []struct {
		name, stdin string
		args        []string
		says        string
	}{
		{"message", bad, []string{"send", "-"}, "subject: expected UTF-8 text"},
		{"half a character", half, []string{"send", "-"}, "subject: expected whole characters"},
		{"flag", "", []string{"send", "--to", "a@example.com", "--html", "y", "--subject", zakaz}, "subject: expected UTF-8 text"},
		{"value of a flag", "", []string{"send", "--to", "a@example.com", "--html", "y", "--subject", "x", "--var", `a:="` + zakaz + `"`}, "--var"},
		{"UTF-16", "\xff\xfe{\x00}\x00", []string{"send", "-"}, "got UTF-16"},
		{"batch", bad + "\n", []string{"batch", "-"}, "subject: expected UTF-8 text"},
		{"contact", `{"email":"a@example.com","first_name":"` + zakaz + `"}`, []string{"contacts", "upsert", "-"}, "first_name: expected UTF-8 text"},
		{"lines of JSON", `{"email":"a@example.com","first_name":"` + zakaz + `"}` + "\n", []string{"contacts", "import", "-"}, "looks like windows-1251: --encoding windows-1251"},
		{"whole contacts", `{"email":"a@example.com","first_name":"` + zakaz + `","suppressed":[]}` + "\n", []string{"contacts", "import", "-"}, "looks like windows-1251: --encoding windows-1251"},
		{"CSV", "email,first_name\na@example.com," + zakaz + "\n", []string{"contacts", "import", "-"}, "looks like windows-1251: --encoding windows-1251"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := postmuxWith(t, row.stdin, append([]string{"--config", cfg}, row.args...)...)
			assert.Equal(t, exit.Local, r.code, r.errOut)
			assert.Contains(t, r.out+r.errOut, row.says)
			assert.NotContains(t, r.out+r.errOut, "\xc7")
		})
	}
	assert.Empty(t, sb.Messages("brevo"))
	assert.Empty(t, sb.Contacts("brevo"))

	r := postmuxWith(t, "\ufeff"+good+"\n"+bad+"\n"+good+"\n", "--config", cfg, "batch", "-")
	assert.Equal(t, exit.Partly, r.code)
	assert.Contains(t, r.out, "line 2  refused  main (brevo): send: subject: expected UTF-8 text")
	assert.Len(t, sb.Messages("brevo"), 2)
}

// Numbers keep their digits from a file or a flag to the wire, and back to a file.
func TestDigits(t *testing.T) {
	sb, cfg := account(t)
	sb.AddField("brevo", "POINTS", "float")
	variables := func() map[string]any { m := sb.Messages("brevo"); return m[len(m)-1].Variables }
	want := map[string]any{"order": json.Number("9007199254740993"), "price": json.Number("10.10"), "n": 7.0}
	r := postmuxWith(t, `{"to":[{"email":"a@example.com"}],"subject":"x","html":"y","variables":{"order":9007199254740993,"price":10.10,"n":7}}`, "--config", cfg, "send", "-")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, want, variables())
	r = postmux(t, "--config", cfg, "send", "--to", "a@example.com", "--subject", "x", "--html", "y", "--var", "order:=9007199254740993", "--var", "price:=10.10", "--var", "n:=7")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Equal(t, want, variables())

	for name, rows := range map[string]string{
		"a.csv":   "email,lists,field.POINTS\na@example.com,newsletter,6274129005473742112\n",
		"b.jsonl": `{"email":"b@example.com","lists":[{"alias":"newsletter"}],"fields":{"POINTS":6274129005473742112}}`,
		"c.jsonl": `{"email":"c@example.com","memberships":[{"list":"newsletter","status":"subscribed"}],"fields":{"POINTS":6274129005473742112},"suppressed":[]}`,
	} {
		r = postmux(t, "--config", cfg, "contacts", "import", file(t, name, rows))
		require.Equal(t, exit.Done, r.code, r.errOut)
		assert.Contains(t, r.errOut, "may round")
	}
	kept := func() {
		for _, c := range sb.Contacts("brevo") {
			assert.Equal(t, json.Number("6274129005473742112"), c.Fields["POINTS"], c.Email)
		}
	}
	kept()
	for _, name := range []string{"out.csv", "out.jsonl"} {
		to := filepath.Join(t.TempDir(), name)
		r = postmux(t, "--config", cfg, "contacts", "export", to)
		require.Equal(t, exit.Done, r.code, r.errOut)
		data, err := os.ReadFile(to)
		require.NoError(t, err)
		assert.Equal(t, 3, strings.Count(string(data), "6274129005473742112"), name)
		// The lists of an export are those of the provider.
		r = postmux(t, "--config", cfg, "contacts", "import", file(t, name, strings.NewReplacer(",4,", ",id:4,", `"list":"4"`, `"list":"id:4"`).Replace(string(data))))
		require.Equal(t, exit.Done, r.code, r.errOut)
		kept()
	}
}

// The tool has the zones of the world in it.
func TestZones(t *testing.T) {
	t.Setenv("ZONEINFO", t.TempDir())
	r := postmux(t, "--config", file(t, "postmux.yaml", "providers:\n  by: {provider: smsby, token: abc, time_zone: Nowhere/Town}\n"), "check")
	assert.Equal(t, exit.Local, r.code)
	assert.Contains(t, r.errOut, "time_zone: expected the name of a time zone, like Europe/Minsk: unknown time zone Nowhere/Town")
	tool, err := build.ImportDir(".", 0)
	require.NoError(t, err)
	assert.Contains(t, tool.Imports, "time/tzdata", "a system without zones is not at hand")
}
