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

// The programs of the README compile and run as they stand there; the sandbox stands in for
// the providers.
func TestProgramsOfTheReadme(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```(go|json)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	var programs []string
	config := ""
	for _, b := range blocks {
		if b[1] == "json" {
			config = b[2]
			continue
		}
		assert.True(t, strings.HasPrefix(b[2], "package "), "a block that is no whole program: %s", b[2])
		programs = append(programs, b[2])
	}
	sb := sandbox.New(t)
	t.Setenv("BREVO_API_KEY", sandbox.Key("brevo"))
	t.Setenv("SP_ID", sandbox.ClientID)
	t.Setenv("SP_SECRET", sandbox.Key("sendpulse"))
	t.Setenv("SANDBOX", sb.BaseURL("brevo"))
	rows := []struct {
		name, file, command string
		replace             [2]string // in the program
		want                string    // a part of what it prints
	}{
		{
			name: "with a key", file: "main.go", command: "run", want: "accepted []",
			replace: [2]string{"provider.WithFrom(", "provider.WithHTTPClient(toSandbox()), provider.WithFrom("},
		},
		{name: "by configuration", file: "main.go", command: "run", want: "anna@example.com Анна"},
		{name: "a test", file: "shop_test.go", command: "test", want: "PASS"},
	}
	require.Len(t, programs, len(rows))
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			inTree, err := filepath.Abs("program") // not on the disk: the overlay has its files
			require.NoError(t, err)
			overlay := map[string]string{}
			write := func(name, text string) {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
				overlay[filepath.Join(inTree, name)] = filepath.Join(dir, name)
			}
			program := programs[i]
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
