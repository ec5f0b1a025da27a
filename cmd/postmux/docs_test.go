package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/examples"
)

// The commands of the pages run in their own order, against one sandbox.
func TestCommandsOfThePages(t *testing.T) {
	for _, tt := range []struct {
		name string
		page string
		want int // commands that the page has
	}{
		{"the first page", "README.md", 8},
		{"batches", "docs/batches.md", 9},
		{"templates", "docs/templates.md", 2},
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
