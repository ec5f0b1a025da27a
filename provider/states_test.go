package provider_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// words are the typed text constants of a folder's package, by type.
func words(t *testing.T, folder string) map[string][]string {
	t.Helper()
	out := make(map[string][]string)
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Type == nil || len(spec.Values) != 1 || !spec.Names[0].IsExported() {
				return true
			}
			typ, isName := spec.Type.(*ast.Ident)
			value, isText := spec.Values[0].(*ast.BasicLit)
			if isName && isText && value.Kind == token.STRING {
				word, err := strconv.Unquote(value.Value)
				require.NoError(t, err)
				out[typ.Name] = append(out[typ.Name], word)
			}
			return true
		})
	}
	return out
}

var tableWord = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")

// docs/states.md has a table for every list of words, with just these words, and
// names each word that is in several lists.
func TestStatesPage(t *testing.T) {
	page, err := os.ReadFile("../docs/states.md")
	require.NoError(t, err)
	sections := make(map[string]string)
	for _, s := range strings.Split(string(page), "\n## ")[1:] {
		title, body, _ := strings.Cut(s, "\n")
		sections[title] = body
	}
	lists := words(t, ".")
	lists["Members of a route"] = words(t, "route")["State"]
	in := make(map[string][]string) // lists by word
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		body, ok := sections[name]
		require.True(t, ok, "docs/states.md has no section %s: add one with a row for each of %v", name, lists[name])
		var rows []string
		for _, m := range tableWord.FindAllStringSubmatch(body, -1) {
			rows = append(rows, m[1])
		}
		assert.ElementsMatch(t, lists[name], rows, "the table of %s", name)
		for _, word := range lists[name] {
			in[word] = append(in[word], strings.Replace(name, "Members of a route", "route.State", 1))
		}
	}
	shared := sections["Words in several lists"]
	for word, lists := range in {
		if len(lists) < 2 {
			assert.NotContains(t, shared, "`"+word+"`")
			continue
		}
		row := regexp.MustCompile("(?m)^\\| `" + word + "` \\| ([^|]+) \\|").FindStringSubmatch(shared)
		if assert.NotNil(t, row, "%q is in %v: has it one meaning? Then list it under Words in several lists", word, lists) {
			assert.ElementsMatch(t, lists, strings.Split(row[1], ", "), word)
		}
	}
}
