// Package publicapi writes the exported names of a package as text, one fact a line,
// so that a change of them is a change of a committed file. A line that goes or
// changes breaks programs; a line that comes does not. The texts are the files *.txt
// below this folder, one a package; a test compares them with the code.
package publicapi

import (
	"cmp"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"
)

// Lines are the facts of p, sorted. module is the path of its module: its packages
// are named without it.
//
// Methods and fields stand on lines of their own, also those that come from what is
// embedded. An interface is one line, because programs may implement it: a method
// more breaks them. Names of parameters, the order of fields, and tags other than of
// JSON are left out.
func Lines(p *types.Package, module string) []string {
	w := writer{pkg: p, module: module, lines: map[string]bool{}}
	for _, name := range p.Scope().Names() {
		if token.IsExported(name) {
			w.object(p.Scope().Lookup(name))
		}
	}
	out := make([]string, 0, len(w.lines))
	for line := range w.lines {
		out = append(out, line)
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(nameOf(a), nameOf(b)), cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	return out
}

// nameOf is what a line is sorted by, so that all about a type stands together.
func nameOf(line string) string {
	word := strings.Fields(line)[1]
	word = strings.TrimLeft(word, "(*")
	if end := strings.IndexAny(word, "(),[."); end >= 0 {
		word = word[:end]
	}
	return word
}

// rank puts a type before its fields, and these before its methods.
func rank(line string) int {
	kind, _, _ := strings.Cut(line, " ")
	return slices.Index([]string{"field", "method"}, kind)
}

type writer struct {
	pkg    *types.Package
	module string
	lines  map[string]bool
}

func (w *writer) line(format string, args ...any) { w.lines[fmt.Sprintf(format, args...)] = true }

// text writes a type.
func (w *writer) text(t types.Type) string {
	return types.TypeString(unnamed(t), func(p *types.Package) string {
		if p == w.pkg {
			return ""
		}
		return strings.TrimPrefix(p.Path(), w.module+"/")
	})
}

func (w *writer) object(o types.Object) {
	switch o := o.(type) {
	case *types.Const:
		value := o.Val().ExactString()
		if o.Val().Kind() == constant.Float {
			value = o.Val().String()
		}
		w.line("const %s %s = %s", o.Name(), w.text(o.Type()), value)
	case *types.Var:
		w.line("var %s %s", o.Name(), w.text(o.Type()))
	case *types.Func:
		w.line("func %s%s%s", o.Name(), w.parameters(o.Signature().TypeParams()), strings.TrimPrefix(w.text(o.Type()), "func"))
	case *types.TypeName:
		w.typeName(o)
	}
}

func (w *writer) typeName(o *types.TypeName) {
	name := o.Name()
	if o.IsAlias() {
		w.line("type %s = %s", name, w.text(types.Unalias(o.Type())))
		return
	}
	named := o.Type().(*types.Named)
	name += w.parameters(named.TypeParams())
	switch u := named.Underlying().(type) {
	case *types.Struct:
		w.line("type %s struct", name)
		w.fields(o.Name(), u)
	default:
		w.line("type %s %s", name, w.text(u))
		if types.IsInterface(u) {
			return
		}
	}
	byValue := types.NewMethodSet(named)
	all := types.NewMethodSet(types.NewPointer(named))
	for m := range all.Methods() {
		if !m.Obj().Exported() {
			continue
		}
		star := "*"
		if byValue.Lookup(m.Obj().Pkg(), m.Obj().Name()) != nil {
			star = ""
		}
		w.line("method (%s%s) %s%s", star, o.Name(), m.Obj().Name(), strings.TrimPrefix(w.text(m.Type()), "func"))
	}
}

// fields writes the exported fields of s, and those of unexported structs that are
// embedded in it.
func (w *writer) fields(name string, s *types.Struct) {
	for i := range s.NumFields() {
		f, tag := s.Field(i), ""
		if name, ok := reflect.StructTag(s.Tag(i)).Lookup("json"); ok {
			tag = fmt.Sprintf(" json:%q", name)
		}
		switch {
		case f.Exported() && f.Embedded():
			w.line("field %s.%s %s embedded%s", name, f.Name(), w.text(f.Type()), tag)
		case f.Exported():
			w.line("field %s.%s %s%s", name, f.Name(), w.text(f.Type()), tag)
		case f.Embedded():
			t := f.Type()
			if p, ok := t.(*types.Pointer); ok {
				t = p.Elem()
			}
			if inner, ok := t.Underlying().(*types.Struct); ok {
				w.fields(name, inner)
			}
		}
	}
}

func (w *writer) parameters(list *types.TypeParamList) string {
	if list.Len() == 0 {
		return ""
	}
	var out []string
	for p := range list.TypeParams() {
		out = append(out, p.Obj().Name()+" "+w.text(p.Constraint()))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// unnamed is t without names of parameters, which programs cannot use.
func unnamed(t types.Type) types.Type {
	switch t := t.(type) {
	case *types.Pointer:
		return types.NewPointer(unnamed(t.Elem()))
	case *types.Slice:
		return types.NewSlice(unnamed(t.Elem()))
	case *types.Array:
		return types.NewArray(unnamed(t.Elem()), t.Len())
	case *types.Map:
		return types.NewMap(unnamed(t.Key()), unnamed(t.Elem()))
	case *types.Chan:
		return types.NewChan(t.Dir(), unnamed(t.Elem()))
	case *types.Signature:
		return types.NewSignatureType(nil, nil, nil, tuple(t.Params()), tuple(t.Results()), t.Variadic())
	case *types.Interface:
		var methods []*types.Func
		for m := range t.ExplicitMethods() {
			methods = append(methods, types.NewFunc(m.Pos(), m.Pkg(), m.Name(), unnamed(m.Type()).(*types.Signature)))
		}
		var embedded []types.Type
		for e := range t.EmbeddedTypes() {
			embedded = append(embedded, e)
		}
		u := types.NewInterfaceType(methods, embedded)
		if t.IsImplicit() {
			u.MarkImplicit()
		}
		return u.Complete()
	default:
		return t
	}
}

func tuple(t *types.Tuple) *types.Tuple {
	var out []*types.Var
	for v := range t.Variables() {
		out = append(out, types.NewParam(v.Pos(), v.Pkg(), "", unnamed(v.Type())))
	}
	return types.NewTuple(out...)
}
