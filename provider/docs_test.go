package provider_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every exported name of this package and of those below it has a comment of its
// own: constants and variables one each, fields one for a group without blank lines.
func TestEveryNameIsDocumented(t *testing.T) {
	files := token.NewFileSet()
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, name := range undocumented(files, file) {
			t.Errorf("%s has no comment of its own", name)
		}
		return nil
	}))
}

func TestUndocumented(t *testing.T) {
	const source = `package p

func Free() {}

// Told is documented.
func Told() {}

type Bare struct {
	A int // a field
	B int

	C int

	d int
}

func (Bare) Method() {}
func (*Bare) hidden() {}
func (generic[T]) Method() {}

// These are some.
const (
	One = 1
	Two = 2 // two
	// Three is three.
	Three = 3
	_     = 4
)

// Four is alone.
const Four = 4

// An Interface has methods.
type Interface interface {
	Call()
	// Told is documented.
	Told()
}

type (
	// Listed is documented.
	Listed int
	Other  int
)
`
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "p.go", source, parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"p.go:3:1 Free", "p.go:8:6 Bare", "p.go:12:2 C", "p.go:17:1 Method", "p.go:23:2 One", "p.go:35:2 Call", "p.go:43:2 Other",
	}, undocumented(files, file))
}

// undocumented are the exported names of a file without a comment, with their places.
func undocumented(files *token.FileSet, file *ast.File) []string {
	var out []string
	check := func(at token.Pos, docs []*ast.CommentGroup, names ...*ast.Ident) {
		for _, d := range docs {
			if strings.TrimSpace(d.Text()) != "" {
				return
			}
		}
		for _, n := range names {
			if n.IsExported() {
				out = append(out, files.Position(at).String()+" "+n.Name)
				return
			}
		}
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || receiver(d.Recv.List[0].Type).IsExported() {
				check(d.Pos(), []*ast.CommentGroup{d.Doc}, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				docs := []*ast.CommentGroup{}
				if !d.Lparen.IsValid() {
					docs = append(docs, d.Doc)
				}
				switch s := spec.(type) {
				case *ast.ValueSpec:
					check(s.Pos(), append(docs, s.Doc, s.Comment), s.Names...)
				case *ast.TypeSpec:
					check(s.Pos(), append(docs, s.Doc, s.Comment), s.Name)
					if s.Name.IsExported() {
						checkFields(files, s.Type, check)
					}
				}
			}
		}
	}
	return out
}

// checkFields checks methods of an interface one by one, and fields of a struct by
// groups: lines without a blank one or a comment above share what any of them says.
func checkFields(files *token.FileSet, typ ast.Expr, check func(token.Pos, []*ast.CommentGroup, ...*ast.Ident)) {
	line := func(p token.Pos) int { return files.Position(p).Line }
	switch x := typ.(type) {
	case *ast.InterfaceType:
		for _, m := range x.Methods.List {
			check(m.Pos(), []*ast.CommentGroup{m.Doc, m.Comment}, m.Names...)
		}
	case *ast.StructType:
		var docs []*ast.CommentGroup
		var names []*ast.Ident
		last := 0
		flush := func() {
			if len(names) > 0 {
				check(names[0].Pos(), docs, names...)
			}
			docs, names = nil, nil
		}
		for _, f := range x.Fields.List {
			start := f.Pos()
			if f.Doc != nil {
				start = f.Doc.Pos()
			}
			if line(start) > last+1 {
				flush()
			}
			docs, names = append(docs, f.Doc, f.Comment), append(names, f.Names...)
			last = line(f.End())
		}
		flush()
	}
}

// receiver is the name of a method's type.
func receiver(typ ast.Expr) *ast.Ident {
	switch x := typ.(type) {
	case *ast.Ident:
		return x
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	}
	return ast.NewIdent("_")
}
