package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/api"
)

// helloProgram makes one call by net/http and encoding/json.
const helloProgram = `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	resp, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var out map[string]any
	fmt.Println(json.NewDecoder(resp.Body).Decode(&out), out)
}
`

// program makes one call through rest.Plain; with a package, by its client.
func (m *measurer) program(pkg, call string) string {
	imports, lines := "", `	var out map[string]any
	_, err := rest.Plain(os.Args[1], nil).Do(ctx, &rest.Call{Operation: "get", Method: "GET", Route: "/"}, &out)`
	if pkg != "" {
		imports = fmt.Sprintf("\t%q\n", m.module+"/gen/"+pkg)
		lines = fmt.Sprintf("\tout, err := %s.NewClient(rest.Plain(os.Args[1], nil)).%s", pkg, call)
	}
	return fmt.Sprintf(`package main

import (
	"context"
	"fmt"
	"os"

%s	%q
)

func main() {
	ctx := context.Background()
%s
	fmt.Println(err, out)
}
`, imports, m.module+"/rest", lines)
}

// simplestCall is the call that the program makes: of the generated methods with
// the fewest arguments the first, with zero values.
func simplestCall(root string, v api.Vendor) (string, error) {
	file := filepath.Join(root, "gen", v.Package(), "openapi.gen.go")
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	var best []string
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name == "Raw" || !isOperation(f) {
			continue
		}
		call := []string{f.Name.Name, "ctx"}
		for _, p := range f.Type.Params.List[1 : len(f.Type.Params.List)-1] { // between the context and the options
			call = append(call, zero(p.Type, v.Package()))
		}
		if !slices.Contains(call, "") && (best == nil || len(call) < len(best)) {
			best = call
		}
	}
	if best == nil {
		return "", fmt.Errorf("%s has no method that can be called with zero values", file)
	}
	return best[0] + "(" + strings.Join(best[1:], ", ") + ")", nil
}

// isOperation reports whether f is a method of the client that takes options.
func isOperation(f *ast.FuncDecl) bool {
	if f.Recv == nil || types.ExprString(f.Recv.List[0].Type) != "*Client" || len(f.Type.Params.List) < 2 {
		return false
	}
	return types.ExprString(f.Type.Params.List[len(f.Type.Params.List)-1].Type) == "...rest.Option"
}

// zero is the zero value of a parameter's type, as a program outside pkg writes
// it; empty for types of a third package, which the program does not import.
func zero(t ast.Expr, pkg string) string {
	switch t := t.(type) {
	case *ast.StarExpr, *ast.ArrayType, *ast.MapType:
		return "nil"
	case *ast.Ident:
		if t.IsExported() {
			return "*new(" + pkg + "." + t.Name + ")"
		}
		return "*new(" + t.Name + ")"
	}
	return ""
}

// cpuName is the model of the processor where the system tells it.
func cpuName() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "processor not told"
}

// growth is a number of bytes with its sign.
func growth(n int64) string {
	if n < 0 {
		return "−" + thousands(-n)
	}
	return "+" + thousands(n)
}

// thousands writes n with commas.
func thousands(n int64) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
