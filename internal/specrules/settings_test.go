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
	list := "spec\tdriver\tadapter\tfiles\tname\n"
	for _, name := range []string{"a", "b", "c"} {
		list += strings.ReplaceAll("N\tN\tN\t\tN\n", "N", name)
		write(t, root, "api/"+name+"/SOURCES.md", "")
		write(t, root, "api/"+name+"/operations.tsv", "")
		write(t, root, "api/"+name+"/openapi.yaml", good)
		write(t, root, "api/"+name+"/oapi-codegen.yaml", strings.ReplaceAll(goodSettings, "NAME", name))
	}
	write(t, root, "api/vendors.tsv", list)
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
		"another package":    {"api/b/oapi-codegen.yaml", "package: bapi", "package: aapi", "api/b/oapi-codegen.yaml: package\n\trule:  the package is named after the folder\n\tfound: \"aapi\", not \"bapi\""},
		"another output":     {"api/b/oapi-codegen.yaml", "openapi.gen.go", "x.go", `"x.go", not "openapi.gen.go"`},
		"an option off":      {"api/b/oapi-codegen.yaml", "nullable-type: true", "nullable-type: false", `output-options/nullable-type`},
		"an option left out": {"api/b/oapi-codegen.yaml", "  nullable-type: true\n", "", `"", not "true"`},
		"no overlay":         {"api/b/oapi-codegen.yaml", "  overlay: {path: ../../api/template/answers.overlay.yaml, strict: false}\n", "", "output-options/overlay/path"},
		"a strict overlay":   {"api/b/oapi-codegen.yaml", ", strict: false", "", "output-options/overlay/strict"},
		"another list":       {"api/b/oapi-codegen.yaml", "[IDs, SMS]", "[IDs]", "api/b/oapi-codegen.yaml: output-options/additional-initialisms\n\trule:  settings are the same for all vendors"},
		"one setting more":   {"api/b/oapi-codegen.yaml", "skip-enum-validate: true", "skip-enum-validate: true\n  skip-fmt: true", "output-options/skip-fmt"},
		"a misspelt key":     {"api/b/oapi-codegen.yaml", "generate: {models: true, client", "generate: {models: true, clint", "generate/clint"},
		"no template file":   {"api/c/oapi-codegen.yaml", "client.tmpl: ../../api/template/client.tmpl", "client.tmpl: ../../api/template/other.tmpl", "no ../../api/template/other.tmpl"},
		"settings no YAML":   {"api/b/oapi-codegen.yaml", "package:", "package: [", "api/b/oapi-codegen.yaml\n\trule:  the file is YAML"},
		"a key twice":        {"api/b/oapi-codegen.yaml", "package:", "output: x\npackage:", "already defined"},
		"a row is missing":   {"api/vendors.tsv", "b\tb\tb\t\tb\n", "", "api/vendors.tsv\n\trule:  the list has one row for every vendor\n\tfound: no row for api/b; add one"},
		"a row too many":     {"api/vendors.tsv", "b\tb\tb\t\tb\n", "b\tb\tb\t\tb\nd\td\td\t\td\n", "api/d/openapi.yaml\n\trule:  every vendor has a spec"},
		"a row without tabs": {"api/vendors.tsv", "b\tb\tb\t\tb\n", "b b\n", "found: line 3: expected 5 columns"},
		"spec no YAML":       {"api/b/openapi.yaml", "openapi:", "openapi: [", "api/b/openapi.yaml\n\trule:  the file is YAML"},
		"spec breaks a rule": {"api/b/openapi.yaml", "tags: [things]", "tags: []", "api/b/openapi.yaml: POST /things/{id} updateThing\n\trule:  one tag"},
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
	for _, tt := range []struct{ file, rule string }{
		{"api/b/openapi.yaml", "every vendor has a spec"},
		{"api/b/oapi-codegen.yaml", "every vendor has settings of the generator"},
		{"api/b/SOURCES.md", "every vendor says where its spec comes from"},
		{"api/b/operations.tsv", "every vendor lists the operations that it documents"},
	} {
		root := tree(t)
		require.NoError(t, os.Remove(filepath.Join(root, filepath.FromSlash(tt.file))))
		problems, err := Check(root, nil)
		require.NoError(t, err)
		if assert.Len(t, problems, 1, tt.file) {
			assert.Equal(t, tt.file, problems[0].File)
			assert.Equal(t, tt.rule, problems[0].Rule)
			assert.Contains(t, problems[0].Found, "no such file; ")
		}
	}
	_, err := Check(t.TempDir(), nil)
	assert.Error(t, err, "no api")
}

// A folder with one file of a new vendor is told all that it lacks, at once.
func TestNewVendor(t *testing.T) {
	root := tree(t)
	write(t, root, "api/postmark/operations.tsv", "")
	problems, err := Check(root, nil)
	require.NoError(t, err)
	var files []string
	for _, p := range problems {
		files = append(files, p.File)
	}
	assert.Equal(t, []string{
		"api/postmark/SOURCES.md", "api/postmark/oapi-codegen.yaml", "api/postmark/openapi.yaml", "api/vendors.tsv",
	}, files)
}
