package publicapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the texts of the public API")

// outside are the folders that are no part of what is recorded; docs/compatibility.md
// says why.
var outside = []string{"cmd/", "examples", "gen/", "internal/"}

// The committed texts are those of the code.
func TestPublicAPI(t *testing.T) {
	module, exports := packages(t)
	// Types come from what the compiler wrote, which is read much faster than source.
	from := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	want := map[string]bool{}
	for path := range exports {
		name := strings.TrimPrefix(path, module+"/")
		file := filepath.FromSlash(name) + ".txt"
		want[file] = true
		p, err := from.Import(path)
		require.NoError(t, err)
		lines := Lines(p, module)
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
		}
		recorded, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			require.NoError(t, err)
		}
		if said := compare(strings.Split(strings.TrimSpace(string(recorded)), "\n"), lines); said != "" {
			t.Errorf("package %s: %s", name, said)
		}
	}
	require.NoError(t, filepath.WalkDir(".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".txt" || want[file] {
			return err
		}
		if *update {
			return os.Remove(file)
		}
		t.Errorf("package %s is gone: %s", strings.TrimSuffix(filepath.ToSlash(file), ".txt"), incompatible)
		return nil
	}))
}

// packages are the path of the module and the files of types of its public packages.
func packages(t *testing.T) (module string, exports map[string]string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-json=ImportPath,Export,Name,Dir,Module", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%s", exit.Stderr)
	}
	require.NoError(t, err)
	_, err = os.ReadDir(cmd.Dir) // or when a package comes
	require.NoError(t, err)
	exports = map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p struct {
			ImportPath, Export, Name, Dir string
			Module                        struct{ Path string }
		}
		require.NoError(t, d.Decode(&p))
		_, err := os.ReadDir(p.Dir) // go test asks again when a file of it changes
		require.NoError(t, err)
		module = p.Module.Path
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		within := func(folder string) bool { return strings.HasPrefix(name+"/", strings.TrimSuffix(folder, "/")+"/") }
		if p.Export != "" && p.Name != "main" && !slices.ContainsFunc(outside, within) {
			exports[p.ImportPath] = p.Export
		}
	}
	require.NotEmpty(t, exports)
	return module, exports
}

// What a failure says behind the lines.
const (
	incompatible = `programs that use it break. Keep the old form beside the new one and mark it "Deprecated:", ` +
		`or, before v1, say in CHANGELOG.md under "Changed" what to write instead and record it with "make public-api" ` +
		`(see "Deprecation" in docs/compatibility.md)`
	compatible = `no program breaks. Record it with "make public-api" and commit the texts with the code`
)

// compare says how lines differ from what was recorded, and what to do; "" when they
// do not.
func compare(recorded, lines []string) string {
	var gone, come strings.Builder
	for _, l := range recorded {
		if l != "" && !slices.Contains(lines, l) {
			gone.WriteString("\n\t- " + l)
		}
	}
	for _, l := range lines {
		if !slices.Contains(recorded, l) {
			come.WriteString("\n\t+ " + l)
		}
	}
	switch {
	case gone.Len() > 0:
		return "its public API has changed:" + gone.String() + come.String() + "\n" + incompatible
	case come.Len() > 0:
		return "its public API has grown:" + come.String() + "\n" + compatible
	}
	return ""
}

// What a change of the code does to the text.
func TestCompare(t *testing.T) {
	rows := []struct {
		name, before, after string
		want                string // "" when the text stays
		says                string
	}{
		{name: "a function goes", before: "func F() {}", says: "- func F()", want: incompatible},
		{name: "a function comes", after: "func F() {}", says: "+ func F()", want: compatible},
		{name: "a parameter has another name", before: "func F(a int) {}", after: "func F(b int) {}"},
		{
			name:   "a parameter of a parameter has another name",
			before: "func F(f func(a int) error, m map[string][]func(x int)) {}", after: "func F(f func(b int) error, m map[string][]func(y int)) {}",
		},
		{name: "a parameter has another type", before: "func F(a int) {}", after: "func F(a string) {}", says: "- func F(int)\n\t+ func F(string)", want: incompatible},
		{name: "a parameter becomes a list", before: "func F(a []int) {}", after: "func F(a ...int) {}", says: "+ func F(...int)", want: incompatible},
		{name: "a constraint", before: "func F[T any](a T) {}", after: "func F[T ~int](a T) {}", says: "- func F[T any](T)\n\t+ func F[T ~int](T)", want: incompatible},
		{name: "a field comes", before: "type T struct{ A int }", after: "type T struct{ A, B int }", says: "+ field T.B int", want: compatible},
		{name: "fields in another order", before: "type T struct{ A, B int }", after: "type T struct{ B, A int }"},
		{name: "a name in JSON", before: "type T struct{ A int `json:\"a\"` }", after: "type T struct{ A int `json:\"b\"` }", says: `- field T.A int json:"a"`, want: incompatible},
		{name: "a field within", before: "type T struct{ A int }", after: "type T struct{ a }; type a struct{ A int }"},
		{name: "a hidden field", before: "type T struct{}", after: "type T struct{ a int }"},
		{name: "a method goes", before: "type T int; func (T) M() {}", after: "type T int", says: "- method (T) M()", want: incompatible},
		{name: "a method of the pointer", before: "type T int; func (T) M() {}", after: "type T int; func (*T) M() {}", says: "+ method (*T) M()", want: incompatible},
		{name: "a method from within", before: "type T struct{}; func (T) M() {}", after: "type T struct{ a }; type a struct{}; func (a) M() {}"},
		{name: "an interface wants more", before: "type I interface{ M() }", after: "type I interface{ M(); N() }", says: "- type I interface{M()}", want: incompatible},
		{name: "a constant has another value", before: "const C = 1", after: "const C = 2", says: "- const C untyped int = 1", want: incompatible},
		{name: "a variable has another type", before: "var V = 1", after: `var V = "1"`, says: "- var V int", want: incompatible},
		{name: "a type becomes an alias", before: "type T struct{ a int }", after: "type T = U; type U struct{ a int }", says: "+ type T = U", want: incompatible},
		{name: "what is hidden", before: "func f() {}", after: "func g() {}"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			said := compare(linesOf(t, row.before), linesOf(t, row.after))
			if row.want == "" {
				assert.Empty(t, said)
				return
			}
			assert.Contains(t, said, row.says)
			assert.True(t, strings.HasSuffix(said, row.want), said)
		})
	}
}

func linesOf(t *testing.T, source string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", "package p; "+source, 0)
	require.NoError(t, err)
	p, err := new(types.Config).Check("example.com/p", set, []*ast.File{file}, nil)
	require.NoError(t, err)
	return Lines(p, "example.com")
}
