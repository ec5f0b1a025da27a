package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
)

// The shell completes from the configuration and from what was printed, and asks no provider.
func TestCompletion(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	sb, cfg := account(t)
	complete := func(words ...string) string {
		return postmux(t, append([]string{"__complete", "--config", cfg}, words...)...).out
	}
	for _, tc := range []struct {
		name  string
		words []string
		want  string
	}{
		{name: "accounts", words: []string{"--provider", ""}, want: "main\n"},
		{name: "aliases of lists", words: []string{"contacts", "list", "--list", ""}, want: "newsletter\n"},
		{name: "a list as argument", words: []string{"lists", "delete", ""}, want: "newsletter\n"},
		{name: "accounts and providers", words: []string{"capabilities", "--diff", "brevo", ""}, want: "main\npakat\npakatv3\n"},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Contains(t, complete(tc.words...), tc.want) })
	}
	before := len(sb.Requests("brevo"))
	assert.NotContains(t, complete("lists", "delete", ""), "id:")
	assert.Len(t, sb.Requests("brevo"), before)
	require.Equal(t, exit.Done, postmux(t, "--config", cfg, "lists").code)
	asked := len(sb.Requests("brevo"))
	assert.Contains(t, complete("lists", "delete", ""), "newsletter\nid:4\tNewsletter\n")
	assert.Len(t, sb.Requests("brevo"), asked, "a completion asks no provider")
}

// There is a manual page for each command.
func TestManualPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	require.Equal(t, exit.Done, postmux(t, "man", dir).code)
	pages, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Greater(t, len(pages), 30)
	page, err := os.ReadFile(filepath.Join(dir, "postmux-send.1"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "--send-at")
	assert.Equal(t, exit.Local, postmux(t, "man", filepath.Join(dir, "postmux-send.1", "x")).code)
}

// A page of help is at most 80 columns wide, but for examples and usage.
func TestHelpFits(t *testing.T) {
	pages, err := filepath.Glob("testdata/help/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for i, line := range strings.Split(string(text), "\n") {
			command := strings.HasPrefix(line, "  postmux") || strings.HasPrefix(line, "  p ")
			assert.True(t, command || len([]rune(line)) <= helpWidth, "%s:%d: %s", page, i+1, line)
		}
	}
}
