package provider_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Bounds of the package. What grows beyond them wants a package of its own.
const (
	mostNames = 170 // exported
	mostFiles = 33
)

// The package stays small enough to overlook: the number of its files and of its
// exported names is bounded, and its files stand on one another without a circle.
func TestShape(t *testing.T) {
	set := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		require.NoError(t, err)
		files = append(files, f)
	}
	uses := make(map[*ast.Ident]types.Object)
	cfg := types.Config{Importer: importer.ForCompiler(set, "source", nil)}
	pkg, err := cfg.Check("provider", set, files, &types.Info{Uses: uses})
	require.NoError(t, err)

	exported := 0
	for _, name := range pkg.Scope().Names() {
		if token.IsExported(name) {
			exported++
		}
	}
	assert.LessOrEqual(t, exported, mostNames, "exported names")
	assert.LessOrEqual(t, len(files), mostFiles, "files")

	arrows := make(map[string]map[string]string) // file -> file it needs -> one name that it needs there
	for id, object := range uses {
		from, to := set.File(id.Pos()).Name(), ""
		if object.Pkg() == pkg {
			to = set.File(object.Pos()).Name()
		}
		if to == "" || to == from {
			continue
		}
		if arrows[from] == nil {
			arrows[from] = make(map[string]string)
		}
		if old, ok := arrows[from][to]; !ok || object.Name() < old {
			arrows[from][to] = object.Name()
		}
	}
	for _, f := range slices.Sorted(maps.Keys(arrows)) {
		if way := wayBack(arrows, f); way != nil {
			assert.Failf(t, "files need each other", "%s", strings.Join(way, ", "))
		}
	}
}

// wayBack is the shortest way along arrows from a file to itself, nil when there
// is none.
func wayBack(arrows map[string]map[string]string, file string) []string {
	type step struct {
		file string
		way  []string
	}
	seen := map[string]bool{}
	for queue := []step{{file: file}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, next := range slices.Sorted(maps.Keys(arrows[at.file])) {
			way := append(slices.Clone(at.way), fmt.Sprintf("%s needs %s of %s", at.file, arrows[at.file][next], next))
			if next == file {
				return way
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, step{next, way})
			}
		}
	}
	return nil
}
