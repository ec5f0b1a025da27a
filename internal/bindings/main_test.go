package main

import (
	"os"
	"path/filepath"
	"testing"

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
