package api_test

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/internal/specrules"
)

// specs are the folders beside this file that hold a spec.
func specs(t *testing.T) map[string]*openapi3.T {
	t.Helper()
	files, err := filepath.Glob("*/openapi.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	out := make(map[string]*openapi3.T, len(files))
	for _, f := range files {
		name := filepath.Dir(f)
		data, err := api.Spec(name)
		require.NoError(t, err)
		onDisk, err := os.ReadFile(f)
		require.NoError(t, err)
		require.True(t, bytes.Equal(onDisk, data), "%s is not what is embedded", f) // Equal would print both
		doc, err := openapi3.NewLoader().LoadFromData(data)
		require.NoError(t, err, f)
		out[name] = doc
	}
	return out
}

type operation struct {
	path, method string
	*openapi3.Operation
}

// operations are those of a spec, sorted.
func operations(_ string, doc *openapi3.T) []operation {
	var out []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			out = append(out, operation{path, method, op})
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method)) })
	return out
}

// TestRules runs the rules of README.md over all specs and settings, as "make
// generate" does.
func TestRules(t *testing.T) {
	problems, err := specrules.Check("..", specrules.VendorPhrases())
	require.NoError(t, err)
	for _, p := range problems {
		t.Error(p)
	}
	for name := range specs(t) {
		bindingOf(t, name)
	}
}
