package examples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/sandbox"
)

// The programs of the pages compile and run as they stand there; the sandbox stands in for
// the providers. Their configuration is the one of the README.
func TestProgramsOfThePages(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	configs := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, configs, 1)
	config := configs[0][1]
	sb := sandbox.New(t)
	t.Setenv("BREVO_API_KEY", sandbox.Key("brevo"))
	t.Setenv("SP_ID", sandbox.ClientID)
	t.Setenv("SP_SECRET", sandbox.Key("sendpulse"))
	t.Setenv("SANDBOX", sb.BaseURL("brevo"))
	rows := []struct {
		page, name string
		test       bool
		replace    [2]string // in the program
		want       string    // a part of what it prints
	}{
		{
			page: "README.md", name: "with a key", want: "accepted []",
			replace: [2]string{"provider.WithFrom(", "provider.WithHTTPClient(toSandbox()), provider.WithFrom("},
		},
		{page: "README.md", name: "by configuration", want: "anna@example.com Анна"},
		{page: "README.md", name: "a test", test: true, want: "PASS"},
		{page: "docs/cookbook.md", name: "an order mail", want: "accepted <"},
		{page: "docs/cookbook.md", name: "a password reset", want: "Look into your mailbox."},
		{
			page: "docs/migrating.md", name: "instead of an SDK", want: "accepted <",
			replace: [2]string{`brevo.New(os.Getenv("BREVO_API_KEY"))`, `brevo.New(os.Getenv("BREVO_API_KEY"), provider.WithHTTPClient(toSandbox()))`},
		},
	}
	programs := map[string][]string{}
	for _, row := range rows {
		if programs[row.page] == nil {
			programs[row.page] = programsOf(t, row.page)
		}
	}
	// The overlay has the files of all, so that one build makes them; they are not on the disk.
	dir, overlay := t.TempDir(), map[string]string{}
	build := []string{"build", "-ldflags=-s -w", "-overlay", filepath.Join(dir, "overlay"), "-o", dir + string(filepath.Separator)}
	test := []string{"test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay"), "-o", dir + string(filepath.Separator)} // vet wants the folder
	for i, row := range rows {
		require.NotEmpty(t, programs[row.page], "%s: no program %q", row.page, row.name)
		program, name := programs[row.page][0], "program"+strconv.Itoa(i)
		programs[row.page] = programs[row.page][1:]
		write := func(file, text string) {
			inTree, err := filepath.Abs(filepath.Join(name, file))
			require.NoError(t, err)
			overlay[inTree] = filepath.Join(dir, name+"-"+file)
			require.NoError(t, os.WriteFile(overlay[inTree], []byte(text), 0o600))
		}
		if row.replace[0] != "" {
			require.Contains(t, program, row.replace[0])
			program = strings.ReplaceAll(program, row.replace[0], row.replace[1])
			write("sandbox.go", toSandbox)
		}
		if row.test {
			test = append(test, "./"+name)
			write("shop_test.go", program)
		} else {
			build = append(build, "./"+name)
			write("main.go", program)
		}
	}
	for page, left := range programs {
		require.Empty(t, left, "%s has a program that this test does not know", page)
	}
	layer, err := json.Marshal(map[string]any{"Replace": overlay})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay"), layer, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postmux.json"), []byte(atSandbox(t, config, sb)), 0o600))
	for _, args := range [][]string{build, test} {
		out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			binary := filepath.Join(dir, "program"+strconv.Itoa(i))
			if row.test {
				binary += ".test"
			}
			cmd := exec.CommandContext(t.Context(), binary)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Contains(t, string(out), row.want)
		})
	}
}

// programsOf are the whole programs of a page; README has no other Go.
func programsOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(page)))
	require.NoError(t, err)
	var out []string
	for _, b := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		whole := strings.HasPrefix(b[1], "package ")
		if page == "README.md" {
			assert.True(t, whole, "a block that is no whole program: %s", b[1])
		}
		if whole {
			out = append(out, b[1])
		}
	}
	return out
}

// toSandbox is a file of a program that leads its requests to the sandbox.
const toSandbox = `package main

import (
	"net/http"
	"net/url"
	"os"
	"strings"
)

type redirected struct{ to *url.URL }

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = r.to.Scheme, r.to.Host, r.to.Host
	req.URL.Path = r.to.Path + strings.TrimPrefix(req.URL.Path, "/v3")
	return http.DefaultTransport.RoundTrip(req)
}

func toSandbox() *http.Client {
	to, err := url.Parse(os.Getenv("SANDBOX"))
	if err != nil {
		panic(err)
	}
	return &http.Client{Transport: redirected{to}}
}
`

// atSandbox gives the accounts of a configuration the URLs of the sandbox.
func atSandbox(t *testing.T, config string, sb *sandbox.Server) string {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(config), &doc))
	accounts, _ := doc["providers"].(map[string]any)
	require.NotEmpty(t, accounts)
	for _, a := range accounts {
		account := a.(map[string]any)
		account["base_url"] = sb.BaseURL(account["provider"].(string))
	}
	var out bytes.Buffer
	require.NoError(t, json.NewEncoder(&out).Encode(doc))
	return out.String()
}
