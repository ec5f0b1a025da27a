package specrules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const goodSettings = `package: NAMEapi
output: openapi.gen.go
generate: {models: true, client: true}
compatibility: {always-prefix-enum-values: true}
output-options:
  name-normalizer: ToCamelCaseWithInitialisms
  additional-initialisms: [IDs, SMS]
  nullable-type: true
  prefer-skip-optional-pointer-on-container-types: true
  skip-enum-validate: true
  overlay: {path: ../../api/template/answers.overlay.yaml, strict: false}
  user-templates:
    client.tmpl: ../../api/template/client.tmpl
    client-with-responses.tmpl: ../../api/template/client-with-responses.tmpl
    fields.tmpl: ../../api/template/fields.tmpl
    imports.tmpl: ../../api/template/imports.tmpl
    param-types.tmpl: ../../api/template/param-types.tmpl
    request-bodies.tmpl: ../../api/template/request-bodies.tmpl
    typedef.tmpl: ../../api/template/typedef.tmpl
  type-mapping:
    number: {default: {type: float64}}
    integer: {default: {type: int64}}
    string: {formats: {email: {type: string}, binary: {type: rest.File}, password: {type: rest.Secret}}}
`

// tree writes a module with three vendors and returns its folder.
func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, "api/template/answers.overlay.yaml", "")
	write(t, root, "api/template/client.tmpl", "")
	for _, name := range []string{"client-with-responses", "fields", "imports", "param-types", "request-bodies", "typedef"} {
		write(t, root, "api/template/"+name+".tmpl", "")
	}
	for _, name := range []string{"a", "b", "c"} {
		write(t, root, "api/"+name+"/openapi.yaml", good)
		write(t, root, "api/"+name+"/oapi-codegen.yaml", strings.ReplaceAll(goodSettings, "NAME", name))
		write(t, root, "gen/"+name+"api/doc.go", strings.ReplaceAll("//go:generate tool -config ../../api/NAME/oapi-codegen.yaml ../../api/NAME/openapi.yaml\n", "NAME", name))
	}
	return root
}

func write(t *testing.T, root, file, text string) {
	t.Helper()
	file = filepath.Join(root, filepath.FromSlash(file))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}

func TestSettings(t *testing.T) {
	problems, err := Check(tree(t), nil)
	require.NoError(t, err)
	require.Empty(t, problems)
	for name, c := range map[string]struct{ file, old, new, says string }{
		"another package":       {"api/b/oapi-codegen.yaml", "package: bapi", "package: aapi", "api/b/oapi-codegen.yaml: package\n\trule:  the package is named after the folder\n\tfound: \"aapi\", not \"bapi\""},
		"another output":        {"api/b/oapi-codegen.yaml", "openapi.gen.go", "x.go", `"x.go", not "openapi.gen.go"`},
		"an option off":         {"api/b/oapi-codegen.yaml", "nullable-type: true", "nullable-type: false", `output-options/nullable-type`},
		"an option left out":    {"api/b/oapi-codegen.yaml", "  nullable-type: true\n", "", `"", not "true"`},
		"no overlay":            {"api/b/oapi-codegen.yaml", "  overlay: {path: ../../api/template/answers.overlay.yaml, strict: false}\n", "", "output-options/overlay/path"},
		"a strict overlay":      {"api/b/oapi-codegen.yaml", ", strict: false", "", "output-options/overlay/strict"},
		"another list":          {"api/b/oapi-codegen.yaml", "[IDs, SMS]", "[IDs]", "api/b/oapi-codegen.yaml: output-options/additional-initialisms\n\trule:  settings are the same for all vendors"},
		"one setting more":      {"api/b/oapi-codegen.yaml", "skip-enum-validate: true", "skip-enum-validate: true\n  skip-fmt: true", "output-options/skip-fmt"},
		"a misspelt key":        {"api/b/oapi-codegen.yaml", "generate: {models: true, client", "generate: {models: true, clint", "generate/clint"},
		"no template file":      {"api/c/oapi-codegen.yaml", "client.tmpl: ../../api/template/client.tmpl", "client.tmpl: ../../api/template/other.tmpl", "../../api/template/other.tmpl"},
		"settings no YAML":      {"api/b/oapi-codegen.yaml", "package:", "package: [", "api/b/oapi-codegen.yaml\n\trule:  the file is YAML"},
		"a key twice":           {"api/b/oapi-codegen.yaml", "package:", "output: x\npackage:", "already defined"},
		"spec no YAML":          {"api/b/openapi.yaml", "openapi:", "openapi: [", "api/b/openapi.yaml\n\trule:  the file is YAML"},
		"spec breaks a rule":    {"api/b/openapi.yaml", "tags: [things]", "tags: []", "api/b/openapi.yaml: POST /things/{id} updateThing\n\trule:  one tag"},
		"generated from others": {"gen/bapi/doc.go", "api/b/openapi.yaml", "api/a/openapi.yaml", "gen/bapi/doc.go has no line go:generate"},
	} {
		t.Run(name, func(t *testing.T) {
			root := tree(t)
			file := filepath.Join(root, filepath.FromSlash(c.file))
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			bad := strings.Replace(string(text), c.old, c.new, 1)
			require.NotEqual(t, string(text), bad)
			require.NoError(t, os.WriteFile(file, []byte(bad), 0o600))
			problems, err := Check(root, nil)
			require.NoError(t, err)
			all := ""
			for _, p := range problems {
				all += p.String() + "\n"
			}
			assert.Contains(t, all, c.says)
		})
	}
}

func TestMissingFiles(t *testing.T) {
	for file, rule := range map[string]string{
		"api/b/openapi.yaml":      "every vendor has a spec",
		"api/b/oapi-codegen.yaml": "every vendor has settings of the generator",
		"gen/bapi/doc.go":         "the files exist that generation needs",
	} {
		root := tree(t)
		require.NoError(t, os.Remove(filepath.Join(root, filepath.FromSlash(file))))
		problems, err := Check(root, nil)
		require.NoError(t, err)
		if assert.Len(t, problems, 1, file) {
			assert.Equal(t, rule, problems[0].Rule)
		}
	}
	_, err := Check(t.TempDir(), nil)
	assert.Error(t, err, "no api")
}
