package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

var update = flag.Bool("update", false, "write the golden files")

// TestMain keeps the configuration of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	if os.Getenv(toolEnv) != "" {
		if at := os.Getenv(killEnv); at != "" {
			os.Exit(run(killAt(at), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		}
		main()
	}
	testscript.Main(isolated{m}, map[string]func(){"postmux": scripted})
}

// isolated runs tests with no configuration but their own.
type isolated struct{ *testing.M }

func (i isolated) Run() int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "postmux")
	if err != nil {
		panic(err)
	}
	for name, value := range map[string]string{configfile.Env: "", "XDG_CONFIG_HOME": dir, "HOME": dir} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	code := i.M.Run()
	_ = os.RemoveAll(dir)
	return code
}

// result is what a run of the tool gave.
type result struct {
	code        int
	out, errOut string
}

func (r result) json(t *testing.T, out any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(r.out), out), r.out)
}

func postmux(t *testing.T, args ...string) result { return postmuxWith(t, "", args...) }

func postmuxWith(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return postmuxIn(t.Context(), stdin, args...)
}

func postmuxIn(ctx context.Context, stdin string, args ...string) result {
	var out, errOut bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &out, &errOut)
	return result{code, out.String(), errOut.String()}
}

// account starts a sandbox and writes a configuration with one account at
// Brevo, called main.
func account(t *testing.T, settings ...string) (*sandbox.Server, string) {
	t.Helper()
	sb := sandbox.New(t)
	text := fmt.Sprintf(`
default: main
providers:
  main:
    provider: brevo
    base_url: %s
    api_key: %s
    from: {email: shop@example.com, name: فروشگاه}
%s
aliases:
  lists: {newsletter: {main: "4"}}
`, sb.BaseURL("brevo"), sandbox.Key("brevo"), strings.Join(settings, "\n"))
	return sb, file(t, "postmux.yaml", text)
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// varying is what differs from run to run.
var varying = []struct {
	find *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`), "TIME"},
	{regexp.MustCompile(`<\d[^@<>]*@smtp-relay[^<>]*>`), "<ID@smtp-relay>"},
	{regexp.MustCompile(`"took_ms": \d+`), `"took_ms": 0`},
	{regexp.MustCompile(`"took_ms":\d+`), `"took_ms":0`},
	{regexp.MustCompile(`in \d+ ms`), "in 0 ms"},
	{regexp.MustCompile(`Date: .*`), "Date: DATE"},
	{regexp.MustCompile(`/\S*/(postmux\.yaml)`), "$1"},
}

// golden compares text with testdata/name; -update writes it.
func golden(t *testing.T, name, text string) {
	t.Helper()
	for _, v := range varying {
		if strings.HasPrefix(name, "help/") {
			break // always the same
		}
		text = v.find.ReplaceAllString(text, v.with)
	}
	// What lists the providers stays right when there is one more.
	text = strings.ReplaceAll(text, providerNames(), "NAMES OF ALL PROVIDERS")
	text = strings.ReplaceAll(text, strings.Join(all.Registry().Names(), ", "), "ALL DRIVERS")
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update")
	assert.Equal(t, string(want), text)
}
