package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
)

// The table in api is the one that its specs give.
func TestTable(t *testing.T) {
	got, err := table(api.Vendors(), filepath.Join("..", "..", "gen"))
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join("..", "..", "api", output))
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run make generate")
}

func TestTableRefuses(t *testing.T) {
	brevo := []api.Vendor{{Spec: "brevo"}}
	_, err := table([]api.Vendor{{Spec: "nobody"}}, t.TempDir())
	assert.ErrorContains(t, err, "api/nobody: ")
	gen := t.TempDir()
	_, err = table(brevo, gen)
	assert.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.Mkdir(filepath.Join(gen, "brevoapi"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(gen, "brevoapi", "openapi.gen.go"), []byte("package brevoapi\n\ntype SendTestError struct{}\n"), 0o600))
	_, err = table(brevo, gen)
	assert.ErrorContains(t, err, "gen/brevoapi has no type for the schema Error of its errors")
}

// The package comments in gen are those that the specs give.
func TestPackageDocs(t *testing.T) {
	for _, v := range api.Vendors() {
		got, err := packageDoc(v)
		require.NoError(t, err)
		want, err := os.ReadFile(filepath.Join("..", "..", "gen", v.Package(), docFile))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "run make generate")
		for line := range strings.Lines(string(got)) {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), docColumns, line)
		}
	}
	_, err := packageDoc(api.Vendor{Spec: "nobody"})
	assert.Error(t, err)
}

func TestBlocks(t *testing.T) {
	assert.Equal(t, []string{"one two", "", "three", "", "- four five", "- six"},
		blocks("\none\ntwo\n\nthree\n\n- four\n  five\n- six\n"))
}

func TestWrap(t *testing.T) {
	word := strings.Repeat("ж", 47)
	for _, tt := range []struct{ name, block, want string }{
		{name: "an empty block", block: "", want: "//\n"},
		{name: "a line of 100 columns", block: word + " " + word + "ab", want: "// " + word + " " + word + "ab\n"},
		{name: "a line of 101 columns", block: word + " " + word + "abc", want: "// " + word + "\n//  " + word + "abc\n"},
		{name: "a word of 141 columns", block: "a " + word + word + word, want: "// a\n//  " + word + word + word + "\n"},
	} {
		assert.Equal(t, tt.want, wrap(tt.block, "// ", "//  "), tt.name)
	}
}

func TestRun(t *testing.T) {
	gen := t.TempDir()
	tracker := []api.Vendor{{Spec: "brevotracker"}}
	require.ErrorIs(t, run(tracker, gen, gen), os.ErrNotExist, "no package")
	folder := filepath.Join(gen, "brevotrackerapi")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.ErrorIs(t, run(tracker, gen, gen), os.ErrNotExist, "no client")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "openapi.gen.go"), []byte("package brevotrackerapi\n\ntype Error struct{}\n"), 0o600))
	require.NoError(t, run(tracker, gen, gen))
	for _, name := range []string{filepath.Join(folder, docFile), filepath.Join(gen, output)} {
		assert.FileExists(t, name)
	}
	assert.ErrorContains(t, run([]api.Vendor{{Spec: "nobody"}}, gen, gen), "api/nobody: ")
}
