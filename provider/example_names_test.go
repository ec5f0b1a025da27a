package provider_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// withoutExample are the methods of Client, and the constructors as package.Name, that
// need no Example, and the reason.
var withoutExample = map[string]string{
	"Account":              "returns a name",
	"Call":                 "for packages such as events",
	"Provider":             "returns a name",
	"String":               "fmt calls it",
	"GoString":             "fmt calls it",
	"provider.Invalid":     "for adapters",
	"provider.Unsupported": "for adapters",
}

// TestEveryMethodHasAnExample fails for a method of Client without an Example whose
// output is compared.
func TestEveryMethodHasAnExample(t *testing.T) {
	_, shown := parsePackage(t, ".")
	for m := range reflect.TypeFor[*provider.Client]().Methods() {
		_, excepted := withoutExample[m.Name]
		assert.NotEqual(t, excepted, shown["Client_"+m.Name], "%s: expected an Example with output, or a line in withoutExample", m.Name)
	}
}

// TestEveryConstructorHasAnExample fails for an exported function that returns a
// pointer, such as a *Client, and has no Example whose output is compared.
func TestEveryConstructorHasAnExample(t *testing.T) {
	for _, dir := range []string{
		".", "all", "guard", "memory", "route", "../brevo", "../pakat", "../sandbox", "../sendpulse", "../smsby",
	} {
		files, shown := parsePackage(t, dir)
		constructors := 0
		for _, f := range files {
			for _, decl := range f.Decls {
				d, ok := decl.(*ast.FuncDecl)
				if !ok || d.Recv != nil || !d.Name.IsExported() || d.Type.Results == nil {
					continue
				}
				if _, pointer := d.Type.Results.List[0].Type.(*ast.StarExpr); !pointer {
					continue
				}
				constructors++
				name := f.Name.Name + "." + d.Name.Name
				_, excepted := withoutExample[name]
				assert.NotEqual(t, excepted, shown[d.Name.Name], "%s: expected an Example with output, or a line in withoutExample", name)
			}
		}
		assert.Positive(t, constructors, dir)
	}
}

// parsePackage returns the files of a package without its tests, and the names of its
// Examples whose output is compared.
func parsePackage(t *testing.T, dir string) (files []*ast.File, shown map[string]bool) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var tests []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		if strings.HasSuffix(name, "_test.go") {
			tests = append(tests, f)
		} else {
			files = append(files, f)
		}
	}
	shown = map[string]bool{}
	for _, x := range doc.Examples(tests...) {
		shown[x.Name] = x.Output != ""
	}
	return files, shown
}
