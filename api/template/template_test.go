// Package template holds the client template of the generator and its test.
package template

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// The generator calls overriding its templates unstable, so the output for
// every shape that our specs use is pinned. When this fails after a new version
// of the generator, read the difference before updating.
func TestTemplate(t *testing.T) {
	got := generate(t, "shapes.yaml", nil)
	golden := filepath.Join("testdata", "shapes.gen.go.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run go test ./api/template -update when the change is wanted")
}

// fields.tmpl writes structs anew for the sake of their comments. What it
// writes beside them must stay what the generator would write.
func TestTypes(t *testing.T) {
	ours := types(t, generate(t, "shapes.yaml", nil))
	stock := types(t, generate(t, "shapes.yaml", []string{"typedef.tmpl", "param-types.tmpl"}))
	require.NotEmpty(t, ours)
	assert.Equal(t, "Refused = Sent", stock["Refused"])
	delete(stock, "Refused") // an alias that typedef.tmpl leaves out
	assert.Equal(t, stock, ours)
}

// A new vendor's first spec may need nothing of the overlay. It is generated all
// the same, and what comes out compiles.
func TestPlainSpec(t *testing.T) {
	got := generate(t, "plain.yaml", nil)
	assert.Equal(t, "Mail struct { To *string `json:\"to,omitempty\"` }", types(t, got)["Mail"])
	dir, err := os.MkdirTemp(".", "plain-") // in the module, so that its imports are found
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "openapi.gen.go"), got, 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "vet", "./"+dir).CombinedOutput()
	require.NoError(t, err, string(out))
}

// generate runs the generator on a spec in testdata with the settings of a
// provider, but for the templates named in without.
func generate(t *testing.T, spec string, without []string) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles the generator")
	}
	settings, err := os.ReadFile("../brevo/oapi-codegen.yaml")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("..", "shapes-") // the settings' paths are relative to a folder beside this one
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := string(settings)
	replace := [][2]string{{"package: brevoapi", "package: shapesapi"}, {"../../api/template/", "../template/"}}
	for _, name := range without {
		replace = append(replace, [2]string{"    " + name + ": ../template/" + name + "\n", ""})
	}
	for _, r := range replace {
		require.Contains(t, config, r[0])
		config = strings.ReplaceAll(config, r[0], r[1])
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(config), 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "run", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen", "-config", "config.yaml", "../template/testdata/"+spec)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	got, err := os.ReadFile(filepath.Join(dir, "openapi.gen.go"))
	require.NoError(t, err)
	return got
}

// types gives the code of each type without comments and blanks.
func types(t *testing.T, source []byte) map[string]string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "openapi.gen.go", source, 0)
	require.NoError(t, err)
	out := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			var code bytes.Buffer
			require.NoError(t, printer.Fprint(&code, files, spec))
			out[spec.Name.Name] = strings.Join(strings.Fields(code.String()), " ")
		}
		return true
	})
	return out
}
