package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
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

// A page of help is at most 80 columns wide, examples and usage too.
func TestHelpFits(t *testing.T) {
	pages, err := filepath.Glob("testdata/help/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for i, line := range strings.Split(string(text), "\n") {
			assert.LessOrEqual(t, uniseg.StringWidth(line), helpWidth, "%s:%d: %s", page, i+1, line)
		}
	}
}

// The matrix of capabilities fits a terminal of 80 columns, and no name or level in it is
// broken, but a feature behind a dot.
func TestCapabilitiesFit(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	r := postmux(t, "capabilities")
	require.Equal(t, exit.Done, r.code)
	table, _, _ := strings.Cut(r.out, "\n\n")
	words := strings.Fields(table)
	for line := range strings.Lines(r.out) {
		assert.LessOrEqual(t, uniseg.StringWidth(strings.TrimSuffix(line, "\n")), 80, line)
	}
	known := []string{"FEATURE", "native", "limited", "emulated", "account", "-"}
	for _, m := range newMatrix(all.Registry()) {
		known = append(known, m.name)
	}
	for _, word := range words {
		whole := slices.Contains(known, word) || slices.ContainsFunc(provider.Features(), func(f provider.Feature) bool {
			return strings.HasPrefix(string(f), word) && strings.HasSuffix(word, ".") || string(f) == word || strings.HasSuffix(string(f), "."+word)
		})
		assert.True(t, whole, "%q is broken", word)
	}
}
