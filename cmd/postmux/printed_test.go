package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/scrub/scrubtest"
)

// vendorSays starts a server that answers every request with status and body, and writes a
// configuration with an account at it.
func vendorSays(t *testing.T, key string, status func() int, body func() string) (cfg string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status())
		_, _ = io.WriteString(w, body())
	}))
	t.Cleanup(srv.Close)
	return file(t, "postmux.yaml", fmt.Sprintf("providers:\n  main:\n    provider: brevo\n    base_url: %s\n    api_key: %q\n    tries: 1\n    from: {email: shop@example.com}\n",
		srv.URL, key))
}

// talkative are commands whose answers and errors are printed; OUT is a new file.
var talkative = [][]string{
	{"send", "--to", "a@example.com", "--subject", "s", "--html", "h"},
	{"batch", "IN.jsonl", "--results", "OUT"},
	{"mailing", "run", "IN.json", "--list", "id:1", "--results", "OUT", "--max-recipients", "9", "--yes"},
	{"mailing", "run", "IN.json", "--contacts", "IN.csv", "--dry-run"},
	{"status", "1"},
	{"cancel", "1"},
	{"check"},
	{"check", "--all"},
	{"contacts", "get", "a@example.com"},
	{"contacts", "list"},
	{"contacts", "upsert", "a@example.com", "--first-name", "A"},
	{"contacts", "unsubscribe", "a@example.com"},
	{"contacts", "delete", "a@example.com", "--yes"},
	{"contacts", "import", "IN.csv", "--report", "OUT"},
	{"contacts", "export", "OUT.csv"},
	{"contacts", "export", "OUT.jsonl"},
	{"lists"},
	{"lists", "create", "x"},
	{"lists", "add", "id:1", "a@example.com"},
	{"suppressions"},
}

// everything runs commands, in text and JSON, with --debug, and returns what was printed
// and what was written into files of results.
func everything(t *testing.T, cfg string, commands [][]string) (printed, written string) {
	t.Helper()
	var b, w strings.Builder
	for i, args := range commands {
		dir := t.TempDir()
		in := map[string]string{
			"IN.jsonl": `{"to":[{"email":"a@example.com"}],"subject":"s","html":"h"}` + "\n" + `{"to":[{"email":"b@example.com"}],"subject":"s","html":"h"}` + "\n",
			"IN.csv":   "email\na@example.com\nb@example.com\n",
			"IN.json":  mailingFile,
		}
		for name, text := range in {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		args = slices.Clone(args)
		for k, arg := range args {
			if strings.HasPrefix(arg, "IN.") || strings.HasPrefix(arg, "OUT") {
				args[k] = filepath.Join(dir, arg)
			}
		}
		global := []string{"--config", cfg, "--debug"}
		if i%2 == 0 {
			global = append(global, "--json")
		}
		r := postmux(t, append(global, args...)...)
		b.WriteString(r.out + "\n" + r.errOut + "\n")
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasPrefix(d.Name(), "OUT") {
				data, _ := os.ReadFile(path)
				w.Write(data)
			}
			return err
		}))
	}
	return b.String(), w.String()
}

// keyPlaces are the ways on which a key might come into what the tool prints; those of
// the library are in package all. text is the inside of a text of JSON.
var keyPlaces = []struct {
	name   string
	status int
	body   func(text string) string
}{
	{"refused", 400, func(s string) string { return `{"code":"` + s + `","message":"` + s + `"}` }},
	{"refused with 200", 200, func(s string) string { return `{"code":"` + s + `","message":"` + s + `"}` }},
	{"a fault", 503, func(s string) string { return "<title>" + s + "</title>" }},
	{"accepted", 201, func(s string) string { return `{"messageId":"` + s + `","id":7,"batchId":"` + s + `"}` }},
	{"contacts", 200, func(s string) string {
		return `{"email":"a@example.com","id":1,"attributes":{"` + s + `":"` + s + `"},"count":1,"contacts":[{"email":"a@example.com","id":1,"attributes":{"` + s + `":"` + s +
			`"}}],"lists":[{"id":1,"name":"` + s + `"}],"plan":[{"type":"` + s + `"}]}`
	}},
}

func TestNoKeyIsPrinted(t *testing.T) {
	forms, runs := scrubtest.Forms(scrubtest.Key), 0
	if raceEnabled {
		forms = forms[:2] // a race does not depend on the form, and the detector is slow
	}
	for _, row := range keyPlaces {
		t.Run(row.name, func(t *testing.T) {
			var form string
			cfg := vendorSays(t, scrubtest.Key, func() int { return row.status }, func() string { return row.body(form) })
			for i, f := range forms {
				form = f.Text
				some := talkative
				if i > 0 { // what the others print differs in little
					some = append(talkative[:3:3], talkative[3+i%(len(talkative)-3)])
				}
				printed, written := everything(t, cfg, some)
				runs += len(some)
				scrubtest.NoneIn(t, scrubtest.Key, printed+written)
				require.Contains(t, printed, "REDACTED")
				require.False(t, t.Failed(), f.Name)
			}
		})
	}
	t.Logf("%d answers in %d forms, %d runs of commands", len(keyPlaces), len(forms), runs)
}

// A configuration in which a key stands in the wrong place does not print it.
func TestNoKeyOfAConfigurationIsPrinted(t *testing.T) {
	const key = "xkeysib-0123456789abcdef0123456789abcdef-AbCdEfGhIjKlMnOp"
	for _, row := range []struct{ name, yaml string }{
		{"a variable", "providers: {main: {provider: brevo, api_key: 'env:KEY'}}"},
		{"a file", "providers: {main: {provider: brevo, api_key: 'file:KEY'}}"},
		{"a file, with folders", "providers: {main: {provider: brevo, api_key: 'file:/KEY/KEY'}}"},
		{"an account", "providers: {KEY: {provider: brevo, api_key: KEY, timeout: soon}}"},
		{"an account of a route", "providers: {main: {provider: failover, members: [KEY]}}"},
		{"the default", "default: KEY\nproviders: {main: {provider: brevo, api_key: KEY}}"},
		{"a provider", "providers: {main: {provider: KEY}}"},
		{"a duration", "providers: {main: {provider: brevo, timeout: KEY}}"},
		{"a name", "providers: {main: {provider: brevo, KEY: x}}"},
		{"a name at the top", "KEY: x\nproviders: {main: {provider: brevo}}"},
		{"a number as name", "providers: {main: {provider: brevo, 01234567890123456789: x}}"},
		{"an anchor", "providers: {main: {provider: brevo, api_key: *KEY}}"},
		{"a tag", "providers: {main: {provider: brevo, api_key: !KEY x}}"},
		{"a tag of a map", "providers: {main: {provider: brevo, api_key: !KEY {a: b}}}"},
		{"a list", "providers: {main: {provider: brevo, api_key: [KEY]}}"},
		{"no YAML", "providers: {main: {provider: brevo, api_key: KEY"},
		{"no YAML, a colon", "providers: {main: {provider: brevo, api_key: KEY: x}}"},
		{"no YAML, an escape", `providers: {main: {provider: brevo, api_key: "KEY\z"}}`},
		{"no YAML, a percent sign", "providers:\n  main: {provider: brevo}\n%KEY x"},
		{"a proxy", "providers: {main: {provider: brevo, api_key: x, proxy: 'ftp://user:KEY@proxy.example.com'}}"},
		{"a proxy that is no URL", "providers: {main: {provider: brevo, api_key: x, proxy: 'http://user:%zzKEY@proxy.example.com'}}"},
		{"a URL", "providers: {main: {provider: brevo, api_key: x, base_url: 'https://KEY@api.example.com'}}"},
		{"an alias", "providers: {main: {provider: brevo, api_key: x}}\naliases: {lists: {KEY: {KEY: KEY}}}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := file(t, "postmux.yaml", strings.ReplaceAll(row.yaml, "KEY", key))
			for _, args := range [][]string{{"check"}, {"check", "--all"}, {"--json", "check", "--all"}, {"send", "--to", "a@example.com", "--subject", "s", "--html", "h"}} {
				r := postmux(t, append([]string{"--config", cfg}, args...)...)
				assert.NotZero(t, r.code)
				for i := range len(key) - 12 {
					require.NotContains(t, r.out+r.errOut, key[i:i+12])
				}
				assert.NotContains(t, r.out+r.errOut, "01234567890123")
			}
		})
	}
}

// hostileText has what a terminal may obey and a line that looks like one of a log.
const hostileText = "a\x1b]0;x\x07\x1b[2J\r\n2026-01-01 FAKE\t\u009b31m\x7f\u202eb\u2066c\u061c\u200e\u200f\u2028d"

// Nothing that a vendor, a file name or an argument holds gives orders to a terminal or
// makes a line of its own.
func TestNothingHostileIsPrinted(t *testing.T) {
	inJSON := strings.Trim(strconv.QuoteToASCII(hostileText), `"`)
	inJSON = strings.NewReplacer(`\x`, `\u00`, `\a`, `\u0007`).Replace(inJSON)
	check := func(t *testing.T, printed string) {
		t.Helper()
		for line := range strings.SplitSeq(printed, "\n") {
			assert.False(t, strings.ContainsFunc(line, func(r rune) bool {
				return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
			}), "%q", line)
			assert.False(t, strings.HasPrefix(line, "2026-01-01 FAKE"), "%q", line)
		}
	}
	for _, row := range keyPlaces {
		t.Run(row.name, func(t *testing.T) {
			cfg := vendorSays(t, "a-key-of-the-provider", func() int { return row.status }, func() string { return row.body(inJSON) })
			printed, _ := everything(t, cfg, talkative)
			check(t, printed)
			assert.Contains(t, printed, "2026-01-01 FAKE", "the text is told")
		})
	}
	_, cfg := account(t)
	t.Chdir(t.TempDir()) // an export makes a file of that name
	for _, args := range [][]string{
		{hostileText},
		{"--" + hostileText},
		{"status", hostileText},
		{"send", hostileText},
		{"batch", hostileText},
		{"contacts", "import", hostileText},
		{"contacts", "get", hostileText},
		{"contacts", "export", hostileText + ".csv"},
		{"--provider", hostileText, "check"},
		{"settings", hostileText},
		{"contacts", "export", "-", "--fields", hostileText, "--format", "csv"},
		{"send", "--to", "a@example.com", "--subject", hostileText, "--html", "x"},
		{"send", "--to", hostileText + "@example.com", "--subject", "s", "--html", "x"},
		{"send", "--header", hostileText + "=x"},
		{"sandbox", "--listen", hostileText},
		{"help", hostileText},
		{"completion", hostileText},
		{"contacts", hostileText},
	} {
		for _, global := range [][]string{{"--config", cfg}, {"--config", cfg, "--json"}, {"--config", hostileText}} {
			r := postmux(t, append(slices.Clone(global), args...)...)
			check(t, r.errOut)
			if !slices.Contains(args, "-") { // else stdout is a file
				check(t, r.out)
			}
		}
	}
	for _, yaml := range []string{
		"%[1]s: x",
		"default: %[1]s\nproviders: {main: {provider: brevo}}",
		"providers: {%[1]s: {provider: brevo}}",
		"providers: {main: {provider: %[1]s, x: y}}",
		"providers: {main: {provider: brevo, api_key: %[1]s, %[1]s: x}}",
		"aliases: {lists: {%[1]s: {%[1]s: %[1]s}}}",
	} {
		cfg := file(t, "postmux.json", "")
		require.NoError(t, os.Rename(cfg, strings.TrimSuffix(cfg, "json")+"yaml"))
		cfg = strings.TrimSuffix(cfg, "json") + "yaml"
		quoted := `"` + inJSON + `"`
		require.NoError(t, os.WriteFile(cfg, []byte(strings.ReplaceAll(yaml, "%[1]s", quoted)), 0o600))
		for _, args := range [][]string{{"check"}, {"--json", "check", "--all"}} {
			r := postmux(t, append([]string{"--config", cfg}, args...)...)
			check(t, r.out+"\n"+r.errOut)
		}
	}
}

// Everything is printed by package terminal: stdout and stderr are named in main alone,
// and no other way leads there.
func TestOnePlacePrints(t *testing.T) {
	elsewhere := regexp.MustCompile(`^(os\.(Stdout|Stderr)|fmt\.(Print|Printf|Println)|log\..*|.*\.(SetOut|SetErr|SetOutput|OutOrStdout|OutOrStderr))$`)
	files := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "main.go" {
			return err
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				x, _ := n.X.(*ast.Ident)
				name := "." + n.Sel.Name
				if x != nil {
					name = x.Name + name
				}
				assert.NotRegexp(t, elsewhere, name, "%s: print with a method of terminal.Output or terminal.Talk", path)
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok {
					assert.NotContains(t, []string{"print", "println"}, f.Name, path)
				}
			}
			return true
		})
		return nil
	}))
	assert.Greater(t, files, 40)
}
