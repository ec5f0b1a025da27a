package main

import (
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// mark is a comment before a block of commands. It says why the block is not run, or how
// it is run:
//
//	<!-- not run: REASON -->
//	<!-- run: exit=7 lose=pakatv3:sendEmail -->
//
// exit is the exit code that is expected, lose makes the provider carry the next request of
// an operation out and lose the answer, down makes it refuse the next ten of any operation.
var mark = regexp.MustCompile(`^<!-- (not run|run): (.*) -->$`)

// command is how a line begins that is typed in a shell.
var command = regexp.MustCompile(`^(postmux|make|go (get|install|run|build|test|doc|vet)|git|export|cd|docker|kubectl|systemctl|crontab|curl|sha256sum|cosign|gh|jq|cat|cp|tail|head|printf|echo|sh|bash|npm) `)

// block is a block of commands in a page.
type block struct {
	line   int // of the page, from 1
	kind   string
	mark   string // what the comment before it says
	text   string
	fenced bool
}

// blocksOf are the blocks of commands of a page: those with fences that are called sh, and
// indented ones that begin with a command.
func blocksOf(page string) []block {
	var out []block
	lines := strings.Split(page, "\n")
	kind, said := "", ""
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if m := mark.FindStringSubmatch(line); m != nil {
			kind, said = m[1], m[2]
			continue
		}
		start := i
		var text []string
		switch {
		case strings.HasPrefix(line, "```"):
			for i++; i < len(lines) && lines[i] != "```"; i++ {
				text = append(text, lines[i])
			}
			if line != "```sh" {
				kind = ""
				continue
			}
		case strings.HasPrefix(line, "    ") && (i == 0 || lines[i-1] == ""):
			for ; i < len(lines) && strings.HasPrefix(lines[i], "    "); i++ {
				text = append(text, strings.TrimPrefix(lines[i], "    "))
			}
			if !command.MatchString(text[0]) {
				continue
			}
		case line == "":
			continue
		default:
			kind, said = "", ""
			continue
		}
		out = append(out, block{start + 1, kind, said, strings.Join(text, "\n"), line == "```sh"})
		kind, said = "", ""
	}
	return out
}

// pages are README and its translations, and the pages of docs.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for _, pattern := range []string{"README*.md", "docs/*.md"} {
		names, err := filepath.Glob(filepath.Join("..", "..", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			out[strings.TrimPrefix(filepath.ToSlash(name), "../../")] = string(text)
		}
	}
	return out
}

// Each block of commands runs in a test, or says why it does not; few do not.
func TestBlocksThatDoNotRun(t *testing.T) {
	indented, err := os.ReadFile("docs_test.go")
	require.NoError(t, err)
	unmarked := 0
	for name, page := range pages(t) {
		for _, b := range blocksOf(page) {
			switch {
			case b.kind == "not run":
				unmarked++
			case ownTests[name]:
			case b.fenced:
				assert.Contains(t, shellPages, name, "line %d: no test runs the blocks of this page", b.line)
			default:
				assert.Regexp(t, `(?m)^(tail .*\| )?postmux `, b.text, "%s line %d: no test runs this block; say why in a comment before it", name, b.line)
				assert.Contains(t, string(indented), strconv.Quote(name), "line %d: no test runs the commands of this page", b.line)
			}
		}
	}
	assert.LessOrEqual(t, unmarked, 12, "blocks that are not run")
}

// ownTests are the pages whose commands run in a test of their own, for the sandbox's page
// TestProgramsOfTheSandboxPage, for events TestEventsPage.
var ownTests = map[string]bool{"docs/sandbox.md": true, "docs/events.md": true}

// shellPages are the pages whose blocks are run by bash, and how many they have.
var shellPages = map[string]int{
	"docs/cookbook.md":        14,
	"docs/migrating.md":       1,
	"docs/outbox.md":          7,
	"docs/troubleshooting.md": 1,
}

// The blocks of commands of a page run by bash, in the order of the page, in one folder
// with the example files, against one sandbox.
func TestBlocksOfThePages(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the commands of the pages are for a Unix shell")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	bin := t.TempDir()
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "postmux")))
	for name, want := range shellPages {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			page, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
			require.NoError(t, err)
			dir := t.TempDir()
			sb := sandbox.New(t, sandbox.Lenient())
			require.NoError(t, os.CopyFS(filepath.Join(dir, "examples"), examples.Files))
			config, err := sandboxConfig(hostOf(t, sb))
			require.NoError(t, err)
			require.NoError(t, os.Chmod(filepath.Join(dir, "examples", examples.Config), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "examples", examples.Config), config, 0o600))
			require.NoError(t, writeFilesOf(dir, string(page), hostOf(t, sb)))
			ran := 0
			for _, b := range blocksOf(string(page)) {
				if b.kind == "not run" {
					continue
				}
				ran++
				if _, err := exec.LookPath("jq"); err != nil && strings.Contains(b.text, "jq ") {
					t.Logf("line %d is not run: there is no jq", b.line)
					continue
				}
				code := 0
				for _, word := range strings.Fields(b.mark) {
					key, value, _ := strings.Cut(word, "=")
					vendor, operation, _ := strings.Cut(value, ":")
					switch key {
					case "exit":
						code, err = strconv.Atoi(value)
						require.NoError(t, err)
					case "lose":
						sb.Fail(vendor, sandbox.Fault{Operation: operation, Status: 502, After: true})
					case "down":
						sb.Fail(vendor, sandbox.Fault{Operation: operation, Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`})
					default:
						require.Fail(t, "a comment that this test does not know", "%s line %d: %s", name, b.line, b.mark)
					}
				}
				cmd := exec.CommandContext(t.Context(), bash, "-euo", "pipefail", "-c", b.text)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), toolEnv+"=1", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
					configfile.Env+"="+filepath.Join("examples", examples.Config), "TMPDIR="+dir)
				out, err := cmd.CombinedOutput()
				if err != nil {
					require.ErrorAs(t, err, new(*exec.ExitError))
				}
				assert.Equal(t, code, cmd.ProcessState.ExitCode(), "%s line %d:\n%s\n%s", name, b.line, b.text, out)
			}
			assert.Equal(t, want, ran, "blocks of commands")
		})
	}
}

// fileOf finds a file that a page shows: its name in a comment before the block.
var fileOf = regexp.MustCompile("(?ms)^<!-- file: (\\S+) -->\n```[a-z]*\n(.*?)^```$")

// writeFilesOf writes the files that a page shows, with the URLs of the sandbox.
func writeFilesOf(dir, page, host string) error {
	for _, m := range fileOf.FindAllStringSubmatch(page, -1) {
		text := strings.ReplaceAll(m[2], examples.Address, host)
		if err := os.WriteFile(filepath.Join(dir, m[1]), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// columns is how wide the prose of a page is at most.
const columns = 100

// The prose of the pages is wrapped: all but tables, code, and lines of one word, as URLs.
// With -update the test wraps what is too long.
func TestPagesAreWrapped(t *testing.T) {
	for name, page := range pages(t) {
		wrapped := wrapPage(page)
		if *update && wrapped != page {
			require.NoError(t, os.WriteFile(filepath.Join("..", "..", filepath.FromSlash(name)), []byte(wrapped), 0o644))
			continue
		}
		if wrapped == page {
			continue
		}
		for i, line := range strings.Split(page, "\n") {
			if utf8.RuneCountInString(line) > columns && !strings.HasPrefix(line, "|") && !strings.Contains(wrapped, "\n"+line+"\n") {
				t.Errorf("%s line %d has more than %d columns; run this test with -update", name, i+1, columns)
			}
		}
	}
}

// The first page stays short: what is long has a page of its own.
func TestFirstPageIsShort(t *testing.T) {
	assert.LessOrEqual(t, strings.Count(pages(t)["README.md"], "\n"), 200, "lines of README.md")
}

// listItem is how a line of a list begins.
var listItem = regexp.MustCompile(`^ *(?:[*-] |\d+\. )`)

// span is code in a line; a short one is not broken.
var span = regexp.MustCompile("`[^`]*`")

// wrapPage wraps the paragraphs and items of a page that have a line which is too long.
func wrapPage(page string) string {
	var out, block []string
	code, comment := false, false
	flush := func() {
		out = append(out, wrapBlock(block)...)
		block = nil
	}
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		fence := strings.HasPrefix(trimmed, "```")
		indented := strings.HasPrefix(line, "    ") && block == nil && (i == 0 || lines[i-1] == "" || strings.HasPrefix(lines[i-1], "    ") || strings.HasPrefix(lines[i-1], "<!--"))
		comment = comment || strings.HasPrefix(line, "<!--")
		switch {
		case fence, code, comment, trimmed == "", indented, strings.HasPrefix(line, "|"), strings.HasPrefix(line, "#"), strings.HasPrefix(line, "<"):
			flush()
			out = append(out, line)
		default:
			if listItem.MatchString(line) {
				flush()
			}
			block = append(block, line)
		}
		code = code != fence
		comment = comment && !strings.Contains(line, "-->")
	}
	flush()
	return strings.Join(out, "\n")
}

// wrapBlock wraps one paragraph or item, when one of its lines is too long.
func wrapBlock(block []string) []string {
	if !slices.ContainsFunc(block, func(l string) bool { return utf8.RuneCountInString(l) > columns }) {
		return block
	}
	begin := listItem.FindString(block[0])
	if begin == "" {
		begin = block[0][:len(block[0])-len(strings.TrimLeft(block[0], " "))]
	}
	text := strings.Join(strings.Fields(strings.Join(block, " ")[len(begin):]), " ")
	text = span.ReplaceAllStringFunc(text, func(s string) string {
		if len(s) > columns/2 {
			return s
		}
		return strings.ReplaceAll(s, " ", "\x00")
	})
	var out []string
	for i, line := range wrap(text, columns-len(begin)) {
		if i > 0 {
			begin = strings.Repeat(" ", len(begin))
		}
		out = append(out, begin+strings.ReplaceAll(line, "\x00", " "))
	}
	return out
}

// configuration finds the configurations in YAML that a page shows.
var configuration = regexp.MustCompile("(?s)```yaml\n((?:name|default|providers|aliases):.*?)```")

// Each configuration that a page shows is a right one; one without a default is a part.
func TestConfigurationsOfThePages(t *testing.T) {
	found := 0
	for name, page := range pages(t) {
		for _, m := range configuration.FindAllStringSubmatch(page, -1) {
			text := m[1]
			if !strings.Contains(text, "providers:") {
				continue // aliases alone, of accounts that the page does not show
			}
			found++
			cfg, err := configfile.Parse("postmux.yaml", []byte(text))
			if assert.NoError(t, err, "%s:\n%s", name, text) {
				assert.NoError(t, all.Registry().Check(cfg), "%s:\n%s", name, text)
			}
		}
	}
	assert.Greater(t, found, 8)
}

// told finds the messages of docs/troubleshooting.md: headings that are code, and code in
// the first cell of a table.
var told = regexp.MustCompile("(?m)^(?:#{3} |\\| )(`[^|\n]*`)")

// Each message of the page on troubles is one that is really printed: its parts between …
// stand in texts of the library, of the tool, or of Go's packages for the network.
func TestMessagesOfThePage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "troubleshooting.md"))
	require.NoError(t, err)
	messages, _, ok := strings.Cut(string(page), "\n## In a program\n")
	require.True(t, ok, "the last part of the page is about symptoms, not messages")
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	var code strings.Builder
	read := func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "gen"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			data, err := os.ReadFile(path)
			code.Write(data)
			return err
		}
		return nil
	}
	require.NoError(t, filepath.WalkDir(filepath.Join("..", ".."), read))
	for _, name := range []string{"net", "syscall", "crypto/x509", "internal/poll"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(strings.TrimSpace(string(root)), "src", name), read))
	}
	texts := strings.ReplaceAll(regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(code.String(), ""), `\"`, `"`)
	found := 0
	for _, m := range told.FindAllStringSubmatch(messages, -1) {
		for i, message := range strings.Split(m[1], "`") {
			if i%2 == 0 {
				continue // between two messages
			}
			found++
			for _, part := range strings.Split(message, "…") {
				part = strings.TrimSpace(part)
				assert.GreaterOrEqual(t, len(part), 4, "%q is too short to be found", part)
				assert.True(t, strings.Contains(texts, part), "%s: no code has %q", message, part)
			}
		}
	}
	assert.Greater(t, found, 30)
}

// What the page says of networks is what a run prints.
func TestMessagesOfTheNetwork(t *testing.T) {
	page := pages(t)["docs/troubleshooting.md"]
	answer := func(status int, text string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", "https://filter.example/")
			rw.Header().Set("Content-Type", "text/html")
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(text))
		}
	}
	for _, tc := range []struct {
		name    string
		start   func(*httptest.Server)
		handler http.HandlerFunc
		closed  bool
		want    string
		code    int
	}{
		{name: "nobody listens", start: (*httptest.Server).Start, closed: true, want: "connection refused", code: exit.Later},
		{name: "another certificate", start: (*httptest.Server).StartTLS, handler: answer(200, ""), want: "certificate signed by unknown authority", code: exit.Later},
		{name: "a page of a filter", start: (*httptest.Server).Start, handler: answer(403, "<html>no</html>"), want: "the response is a page of HTML and not the provider's", code: exit.Later},
		{name: "a redirect", start: (*httptest.Server).Start, handler: answer(302, ""), want: "the answer is a redirect, which is never followed; check base_url", code: exit.Later},
		{name: "a login page", start: (*httptest.Server).Start, handler: answer(200, "<html>log in</html>"), want: "no usable answer: status", code: exit.Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(tc.handler)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			tc.start(server)
			defer server.Close()
			if tc.closed {
				server.Close()
			}
			t.Chdir(t.TempDir()) // a receipt of an unknown mail is written here
			config := file(t, "postmux.yaml", `{default: main, providers: {main: {provider: pakatv3, api_key: key-of-a-test, from: shop@example.com, tries: 1, base_url: "`+server.URL+`/v3"}}}`)
			r := postmux(t, "--config", config, "send", "--to", "anna@example.com", "--subject", "x", "--text", "y")
			assert.Equal(t, tc.code, r.code, r.errOut)
			assert.Contains(t, r.errOut, tc.want)
			assert.Contains(t, page, tc.want)
		})
	}
}
