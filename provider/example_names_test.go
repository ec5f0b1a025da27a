package provider_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// withoutExample are the methods of Client that need no Example, and why.
var withoutExample = map[string]string{
	"Account":  "returns a name",
	"Provider": "returns a name",
	"String":   "fmt calls it",
	"GoString": "fmt calls it",
	"Settle":   "needs a send whose response was lost; settle_test.go has such sends",
}

// TestEveryMethodHasAnExample fails for a method of Client without an Example whose
// output is compared.
func TestEveryMethodHasAnExample(t *testing.T) {
	names, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
	}
	shown := map[string]bool{}
	for _, x := range doc.Examples(files...) {
		shown[x.Name] = x.Output != ""
	}
	for m := range reflect.TypeFor[*provider.Client]().Methods() {
		_, excepted := withoutExample[m.Name]
		assert.NotEqual(t, excepted, shown["Client_"+m.Name], "%s: expected an Example with output, or a line in withoutExample", m.Name)
	}
}
