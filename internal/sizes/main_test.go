package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
)

var root = filepath.Join("..", "..")

// No generated package is so long that it slows down whoever links it.
func TestLines(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(root, "gen", "*api"))
	require.NoError(t, err)
	var listed []string
	for _, v := range api.Vendors() {
		listed = append(listed, filepath.Join(root, "gen", v.Package()))
		lines, err := Lines(root, v)
		require.NoError(t, err)
		assert.Positive(t, lines)
		assert.Less(t, lines, 20_000, v.Spec)
	}
	assert.ElementsMatch(t, listed, found, "every generated package has a row in api/vendors.tsv")
}

// The page has a row for every spec, with the operations that it has now.
func TestPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "generated.md"))
	require.NoError(t, err)
	for _, v := range api.Vendors() {
		operations, _, err := counts(v.Spec)
		require.NoError(t, err)
		row := "| " + v.Spec + " | " + thousands(int64(operations)) + " |"
		assert.True(t, strings.Contains(string(page), row), "docs/generated.md has no row that begins with %s: run make sizes", row)
	}
}

func TestSimplestCall(t *testing.T) {
	for spec, want := range map[string]string{
		"brevo":        "GetAccount(ctx)",
		"brevotracker": "Identify(ctx, *new(brevotrackerapi.IdentifyRequest))",
	} {
		got, err := simplestCall(root, api.Vendor{Spec: spec})
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	gen := filepath.Join(t.TempDir(), "gen", "xapi")
	require.NoError(t, os.MkdirAll(gen, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(gen, "openapi.gen.go"), []byte(`package xapi

func (c *Client) Raw(ctx context.Context, opts ...rest.Option) {}
func (s Set) Each(ctx context.Context, opts ...rest.Option) {}
func (c *Client) Upload(ctx context.Context, file rest.File, opts ...rest.Option) {}
`), 0o600))
	_, err := simplestCall(filepath.Join(gen, "..", ".."), api.Vendor{Spec: "x"})
	assert.ErrorContains(t, err, "has no method that can be called with zero values")
}

func TestReplace(t *testing.T) {
	got, err := replace("a\n"+begin+"old\n"+end+"z\n", "new\n")
	require.NoError(t, err)
	assert.Equal(t, "a\n"+begin+"new\n"+end+"z\n", got)
	_, err = replace("a\n"+begin+"old\n", "new\n")
	assert.Error(t, err)
}

func TestThousands(t *testing.T) {
	assert.Equal(t, "0 999 1,000 -12,345,678 −1 +1,000", strings.Join([]string{thousands(0), thousands(999), thousands(1000), thousands(-12345678), growth(-1), growth(1000)}, " "))
}
