package main

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/sandbox"
)

// The commands of the pages run in their own order, against one sandbox.
func TestCommandsOfThePages(t *testing.T) {
	for _, tt := range []struct {
		name string
		page string
		want int // commands that the page has
	}{
		{"the first page", "README.md", 8},
		{"batches", "docs/batches.md", 12},
		{"mailings", "docs/mailing.md", 7},
		{"templates", "docs/templates.md", 2},
		{"the first page in Russian", "README.ru.md", 8},
		{"the first page in Persian", "README.fa.md", 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join("..", "..", tt.page))
			require.NoError(t, err)
			commands := commandsOf(string(page))
			require.Len(t, commands, tt.want, "%v", commands)
			sb, _, err := startSandbox()
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, sb.Close()) })
			t.Chdir(t.TempDir())
			configured := filepath.Join("examples", examples.Config)
			t.Setenv(configfile.Env, configured)
			t.Setenv("UNSUBSCRIBE_SECRET", "made by openssl rand -base64 24")
			require.NoError(t, os.CopyFS("examples", examples.Files))
			config, err := sandboxConfig(hostOf(t, sb))
			require.NoError(t, err)
			require.NoError(t, os.Chmod(filepath.Join("examples", examples.Config), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join("examples", examples.Config), config, 0o600))
			for _, line := range commands {
				stdin := ""
				if before, after, piped := strings.Cut(line, " | "); piped {
					name, ok := strings.CutPrefix(before, "tail -n 1 ")
					require.True(t, ok, "a command that this test does not know: %s", before)
					data, err := os.ReadFile(name)
					require.NoError(t, err)
					lines := strings.Split(strings.TrimSpace(string(data)), "\n")
					stdin, line = lines[len(lines)-1], after
				}
				if strings.HasPrefix(line, "postmux init ") {
					// What it writes would lead to the provider.
					t.Setenv(configfile.Env, "new.yaml")
				}
				r := postmuxWith(t, stdin, words(line)[1:]...)
				assert.Equal(t, exit.Done, r.code, "%s\n%s", line, r.errOut)
				t.Setenv(configfile.Env, configured)
			}
		})
	}
}

// The programs and the commands of the sandbox's page run, against a sandbox of the test.
// A language that is not here is left out.
func TestProgramsOfTheSandboxPage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "sandbox.md"))
	require.NoError(t, err)
	sb := sandbox.New(t, sandbox.Lenient())
	page := strings.ReplaceAll(string(data), examples.Address, hostOf(t, sb))
	for _, row := range []struct{ fence, file, program, flag string }{
		{"sh", "example.sh", "sh", "-e"},
		{"python", "example.py", "python3", ""},
		{"php", "example.php", "php", ""},
		{"js", "example.mjs", "node", ""},
	} {
		t.Run(row.fence, func(t *testing.T) {
			_, rest, ok := strings.Cut(page, "```"+row.fence+"\n")
			require.True(t, ok)
			text, _, ok := strings.Cut(rest, "```")
			require.True(t, ok)
			program, err := exec.LookPath(row.program)
			if err == nil && row.fence == "sh" {
				_, err = exec.LookPath("curl")
			}
			if err != nil {
				t.Skip("there is no " + row.program + " here, or no curl")
			}
			args := []string{file(t, row.file, text)}
			if row.flag != "" {
				args = append([]string{row.flag}, args...)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, args...)
			cmd.Env = append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "PYTHONIOENCODING=utf-8")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Len(t, sb.Messages(), 1)
		})
	}
	postMail(t, sb, http.StatusCreated, brevoMail("Your order", "<p>Hello</p>"))
	ran := 0
	for _, line := range commandsOf(page) {
		args := words(line)[1:]
		if len(args) < 2 || strings.HasPrefix(args[1], "-") || args[1] == ">" {
			continue // a sandbox of its own
		}
		ran++
		r := postmux(t, append(args, "--at", hostOf(t, sb))...)
		assert.Equal(t, exit.Done, r.code, "%s\n%s", line, r.errOut)
	}
	assert.Equal(t, 5, ran)
	assert.Empty(t, sb.Messages(), "the last command resets")
}

// commandsOf are the commands of the tool in the indented blocks of a page.
// words splits a line as a shell does, for words in single quotes and without.
func words(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

func commandsOf(page string) []string {
	var out []string
	for line := range strings.Lines(page) {
		command, ok := strings.CutPrefix(line, "    ")
		if command, _, _ = strings.Cut(command, "  #"); ok &&
			(strings.HasPrefix(command, "postmux ") || strings.Contains(command, "| postmux ")) {
			out = append(out, strings.TrimSpace(command))
		}
	}
	return out
}

// goFile finds the names of files of Go and of the shell in a page.
var goFile = regexp.MustCompile("`([A-Za-z0-9_./]+\\.(?:go|sh))`")

// A page names no file that is gone: a name with a folder is a path from the top of the
// project, one without may be anywhere.
func TestFilesOfThePages(t *testing.T) {
	top := filepath.Join("..", "..")
	names := make(map[string]bool)
	require.NoError(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		names[d.Name()] = true
		return err
	}))
	pages, err := filepath.Glob(filepath.Join(top, "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	found := 0
	for _, page := range append(pages, filepath.Join(top, "README.md")) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range goFile.FindAllStringSubmatch(string(text), -1) {
			found++
			if strings.Contains(m[1], "/") {
				assert.FileExists(t, filepath.Join(top, m[1]), page)
				continue
			}
			assert.True(t, names[m[1]], "%s names %s, which is not there", page, m[1])
		}
	}
	assert.NotZero(t, found)
}
