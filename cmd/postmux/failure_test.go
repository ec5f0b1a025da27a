package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// nothingOnce asserts that text says what was not done, at its end and only there.
func nothingOnce(t *testing.T, want, text string) {
	t.Helper()
	assert.True(t, strings.HasSuffix(text, want+"\n"), text)
	assert.Equal(t, 1, strings.Count(text, "nothing was")+strings.Count(text, "no request was made"), text)
}

// nothingFor are the words of the command that args name.
func nothingFor(args []string) string {
	cmd, _, _ := newRoot(&app{registry: all.Registry()}).Find(args)
	return nothingOf(cmd)
}

func TestLocalStops(t *testing.T) {
	sb, cfg := account(t)
	for _, args := range [][]string{
		{"--provider", "nobody", "lists"},
		{"--config", "/nonexistent/postmux.yaml", "lists"},
		{"send", "/nonexistent.json"},
		{"send", "--to", "a@example.com", "--subject", "x", "--text-file", "/nonexistent.txt"},
		{"send", "--to", "a@example.com", "--subject", "x", "--html", "y", "--track-opens"},
		{"contacts", "get", "not-an-address"},
		{"contacts", "upsert", "--email", "not-an-address"},
		{"contacts", "delete", "not-an-address", "--yes"},
		{"contacts", "import", "/nonexistent.csv"},
		{"contacts", "import", file(t, "quote.csv", "email\n\"a\n\n")},
		{"contacts", "import", file(t, "header.csv", "\"email\n")},
		{"lists", "add", "nolist", "a@example.com"},
		{"suppressions", "add", "a@example.com"},
		{"status", "--receipt", "/nonexistent.json"},
		{"status", "--receipt", "/nonexistent.json", "--settle"},
		{"cancel", "--receipt", "/nonexistent.json"},
		{"capabilities", "--provider", "pigeon"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			r := postmux(t, append([]string{"--config", cfg}, args...)...)
			assert.Equal(t, exit.Local, r.code, r.errOut)
			assert.Empty(t, r.out)
			nothingOnce(t, nothingFor(args), r.errOut)
		})
	}
	assert.Empty(t, sb.Requests("brevo"))

	r := postmux(t, "--config", cfg, "contacts", "import", file(t, "bad.csv", "email\nx\ny\n"))
	assert.Equal(t, exit.Local, r.code)
	assert.True(t, strings.HasSuffix(r.errOut, "postmux: 2 of 2 rows failed; nothing was changed\n"), r.errOut)
}

// A redirect is an outage of a kind: it had no effect, and another time it may be gone.
func TestRedirectIsAnOutage(t *testing.T) {
	sb, cfg := account(t)
	sb.Fail("brevo", sandbox.Fault{Status: 302, Times: 99})
	for _, args := range [][]string{{"send", "--to", "a@example.com", "--subject", "x", "--html", "y"}, {"lists"}} {
		r := postmux(t, append([]string{"--config", cfg}, args...)...)
		assert.Equal(t, exit.Later, r.code, r.errOut)
	}
}

// Every line of a stream is a document of its own, the error too.
func TestStreamFails(t *testing.T) {
	for _, args := range [][]string{
		{"contacts", "list"},
		{"lists"},
		{"suppressions", "list"},
		{"contacts", "import", file(t, "a.csv", "email\na@example.com\nb@example.com\nc@example.com\n")},
		{"batch", file(t, "a.jsonl", messages(3))},
	} {
		t.Run(args[0], func(t *testing.T) {
			sb, cfg := account(t, "    concurrency: 1")
			sb.Fail("brevo", sandbox.Fault{Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`, Times: 99})
			r := postmux(t, append([]string{"--config", cfg, "--json"}, args...)...)
			assert.Equal(t, exit.Credentials, r.code, r.errOut)
			reasons := 0
			for line := range strings.Lines(r.out) {
				var doc struct{ Error *provider.Error }
				require.NoError(t, json.Unmarshal([]byte(line), &doc))
				if doc.Error != nil && doc.Error.Kind == provider.ErrUnauthorized {
					reasons++
				}
			}
			assert.Equal(t, 1, reasons, r.out)
			golden(t, "fail/stream-"+strings.ReplaceAll(strings.Join(slices.DeleteFunc(slices.Clone(args), filepath.IsAbs), "-"), "/", "")+".ndjson", tried(r.out))

			r = postmux(t, append([]string{"--config", cfg}, args...)...)
			assert.Equal(t, exit.Credentials, r.code, r.errOut)
			if args[len(args)-1] == "list" || args[0] == "lists" {
				assert.Empty(t, r.out, "no head of a table before a failure")
			}
			for _, more := range [][]string{{"--nope"}, {"--config", "/nonexistent"}} {
				r = postmux(t, append(append([]string{"--json"}, args...), more...)...)
				assert.Equal(t, exit.Local, r.code)
				assert.Equal(t, 1, strings.Count(r.out, "\n"), r.out)
			}
		})
	}
}

// A table without rows has its head, and a failure after rows keeps them.
func TestTableHead(t *testing.T) {
	_, cfg := account(t)
	for _, args := range [][]string{{"contacts", "list"}, {"suppressions", "list"}} {
		r := postmux(t, append([]string{"--config", cfg}, args...)...)
		assert.Equal(t, exit.Done, r.code, r.errOut)
		assert.True(t, strings.HasPrefix(r.out, "EMAIL "), r.out)
		assert.Equal(t, 1, strings.Count(r.out, "\n"))
	}
}

func TestProblems(t *testing.T) {
	cfg := file(t, "postmux.yaml", "default: nobody\nproviders:\n  a: {provider: pigeon}\n  b: {provider: brevo}\n")
	r := postmux(t, "--config", cfg, "--json", "check")
	assert.Equal(t, exit.Local, r.code)
	var doc struct {
		Error struct {
			Kind, Message string
			Problems      []exit.Problem
		}
	}
	r.json(t, &doc)
	require.Len(t, doc.Error.Problems, 3, r.out)
	fields := make([]string, 3)
	for i, p := range doc.Error.Problems {
		fields[i] = p.Field
		assert.NotEmpty(t, p.Message)
		assert.Contains(t, doc.Error.Message, p.Field+": "+p.Message)
	}
	assert.Equal(t, []string{"default", "providers.a.provider", "providers.b.api_key"}, fields)
	assert.Equal(t, strings.TrimSpace(doc.Error.Message), doc.Error.Message)
	nothingOnce(t, notAsked, r.errOut)
	golden(t, "config/problems.json", strings.ReplaceAll(r.out, filepath.Dir(cfg)+"/", ""))

	one := postmux(t, "--config", file(t, "one.yaml", "providers: {a: {provider: brevo}}"), "--json", "check")
	assert.Equal(t, exit.Local, one.code)
	assert.NotContains(t, one.out, "problems", "a single one is the error itself")
}

// tried leaves out the lines of items that were not tried: how many were read before the
// first answer came is a matter of luck.
func tried(out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "not tried after the error before") {
			b.WriteString(line)
		}
	}
	return b.String()
}
