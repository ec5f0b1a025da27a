package examples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
		page, name, file, command string
		replace                   [2]string // in the program
		want                      string    // a part of what it prints
	}{
		{
			page: "README.md", name: "with a key", file: "main.go", command: "run", want: "accepted []",
			replace: [2]string{"provider.WithFrom(", "provider.WithHTTPClient(toSandbox()), provider.WithFrom("},
		},
		{page: "README.md", name: "by configuration", file: "main.go", command: "run", want: "anna@example.com Анна"},
		{page: "README.md", name: "a test", file: "shop_test.go", command: "test", want: "PASS"},
		{page: "docs/cookbook.md", name: "an order mail", file: "main.go", command: "run", want: "accepted <"},
		{page: "docs/cookbook.md", name: "a password reset", file: "main.go", command: "run", want: "Look into your mailbox."},
		{page: "docs/migrating.md", name: "instead of an SDK", file: "main.go", command: "run", want: "accepted <"},
	}
	programs := map[string][]string{}
	for _, row := range rows {
		if programs[row.page] == nil {
			programs[row.page] = programsOf(t, row.page)
		}
	}
	for _, row := range rows {
		require.NotEmpty(t, programs[row.page], "%s: no program %q", row.page, row.name)
		program := programs[row.page][0]
		programs[row.page] = programs[row.page][1:]
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			inTree, err := filepath.Abs("program") // not on the disk: the overlay has its files
			require.NoError(t, err)
			overlay := map[string]string{}
			write := func(name, text string) {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
				overlay[filepath.Join(inTree, name)] = filepath.Join(dir, name)
			}
			if row.replace[0] != "" {
				require.Contains(t, program, row.replace[0])
				program = strings.ReplaceAll(program, row.replace[0], row.replace[1])
				write("sandbox.go", toSandbox)
			}
			write(row.file, program)
			write("postmux.json", atSandbox(t, config, sb))
			data, err := json.Marshal(map[string]any{"Replace": overlay})
			require.NoError(t, err)
			layer, binary := filepath.Join(dir, "overlay"), filepath.Join(dir, "program")
			require.NoError(t, os.WriteFile(layer, data, 0o600))
			build := []string{"build", "-overlay", layer, "-o", binary, "./program"}
			if row.command == "test" {
				build = append([]string{"test", "-c", "-vet=off"}, build[1:]...) // vet wants the folder
			}
			out, err := exec.CommandContext(t.Context(), "go", build...).CombinedOutput()
			require.NoError(t, err, "%s", out)
			cmd := exec.CommandContext(t.Context(), binary)
			cmd.Dir = dir
			out, err = cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Contains(t, string(out), row.want)
		})
	}
	for page, left := range programs {
		assert.Empty(t, left, "%s has a program that this test does not know", page)
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
