package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var root = filepath.Join("..", "..")

// No generated package is so long that it slows down whoever links it.
func TestLines(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(root, "gen", "*api"))
	require.NoError(t, err)
	require.Len(t, found, len(vendors), "every generated package has a row")
	for _, v := range vendors {
		lines, err := Lines(root, v.name)
		require.NoError(t, err)
		assert.Positive(t, lines)
		assert.Less(t, lines, 20_000, v.name)
	}
}

// The page has a row for every spec, with the operations that it has now.
func TestPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "generated.md"))
	require.NoError(t, err)
	for _, v := range vendors {
		operations, _, err := counts(v.name)
		require.NoError(t, err)
		assert.Contains(t, string(page), "| "+v.name+" | "+thousands(int64(operations))+" |", "write it anew: make sizes")
	}
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
