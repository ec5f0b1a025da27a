// Command sizes measures what the generated packages cost and writes the table
// in docs/generated.md between its two marks: lines, CPU time of compiling one
// package, and how much larger a program becomes that uses one operation.
//
//	go run ./internal/sizes -runs 5
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/postmux/postmux/api"
)

// Marks of the table in the page.
const (
	begin = "<!-- sizes: written by make sizes -->\n"
	end   = "<!-- end of sizes -->\n"
)

func main() {
	root := flag.String("root", ".", "root of the module")
	runs := flag.Int("runs", 5, "compilations of each package; the fastest counts")
	flag.Parse()
	if err := run(*root, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "sizes:", err)
		os.Exit(1)
	}
}

func run(root string, runs int) error {
	m := &measurer{root: root, runs: runs}
	var err error
	if m.module, err = m.goOutput("list", "-m"); err != nil {
		return err
	}
	if m.tmp, err = os.MkdirTemp("", "sizes"); err != nil {
		return err
	}
	defer os.RemoveAll(m.tmp)
	table, err := m.table()
	if err != nil {
		return err
	}
	page := filepath.Join(root, "docs", "generated.md")
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	text, err := replace(string(old), table)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(text), 0o644)
}

// replace puts table between the marks of page.
func replace(page, table string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("docs/generated.md has not both of its marks")
	}
	return before + begin + table + end + after, nil
}

type measurer struct {
	root, tmp, module string
	runs              int
}

func (m *measurer) table() (string, error) {
	hello, err := m.binary("hello", helloProgram)
	if err != nil {
		return "", err
	}
	plain, err := m.binary("plain", m.program("", ""))
	if err != nil {
		return "", err
	}
	version, err := m.goOutput("env", "GOVERSION")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s/%s, %d cores, %s. CPU time: the fastest of %d compilations.\n\n",
		version, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpuName(), m.runs)
	b.WriteString("| spec | operations | schemas | lines of Go | compiling it, CPU | program with one operation |\n|---|---|---|---|---|---|\n")
	for _, v := range api.Vendors() {
		operations, schemas, err := counts(v.Spec)
		if err != nil {
			return "", err
		}
		lines, err := Lines(m.root, v)
		if err != nil {
			return "", err
		}
		cpu, err := m.compile(v)
		if err != nil {
			return "", err
		}
		call, err := simplestCall(m.root, v)
		if err != nil {
			return "", err
		}
		size, err := m.binary(v.Spec, m.program(v.Package(), call))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %.2f s | %s |\n", v.Spec, operations, schemas, thousands(int64(lines)), cpu.Seconds(), growth(size-plain))
	}
	fmt.Fprintf(&b, "\nThe growth is over a program that makes one call through `rest.Plain` and links no generated package: %s bytes. The same call by\nnet/http alone is a program of %s bytes, so `rest` itself is %s bytes.\n",
		thousands(plain), thousands(hello), thousands(plain-hello))
	return b.String(), nil
}

// counts are the operations and schemas of a spec.
func counts(name string) (operations, schemas int, err error) {
	data, err := api.Spec(name)
	if err != nil {
		return 0, 0, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return 0, 0, err
	}
	for _, item := range doc.Paths.Map() {
		operations += len(item.Operations())
	}
	return operations, len(doc.Components.Schemas), nil
}

// Lines are the lines of generated Go of a spec.
func Lines(root string, v api.Vendor) (int, error) {
	files, err := filepath.Glob(filepath.Join(root, "gen", v.Package(), "*.gen.go"))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no generated file of %s", v.Spec)
	}
	lines := 0
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return 0, err
		}
		lines += bytes.Count(data, []byte("\n"))
	}
	return lines, nil
}

// compile is the CPU time of compiling one package whose imports are compiled.
func (m *measurer) compile(v api.Vendor) (time.Duration, error) {
	pkg := m.module + "/gen/" + v.Package()
	exports, err := m.goOutput("list", "-export", "-deps", "-f", `{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}`, pkg)
	if err != nil {
		return 0, err
	}
	cfg := filepath.Join(m.tmp, v.Spec+".importcfg")
	if err := os.WriteFile(cfg, []byte(exports+"\n"), 0o600); err != nil {
		return 0, err
	}
	sources, err := filepath.Glob(filepath.Join(m.root, "gen", v.Package(), "*.go"))
	if err != nil {
		return 0, err
	}
	language, err := m.goOutput("list", "-m", "-f", "go{{.GoVersion}}")
	if err != nil {
		return 0, err
	}
	parts := strings.SplitN(language, ".", 3)
	args := append([]string{"-pack", "-complete", "-lang=" + strings.Join(parts[:2], "."), "-p", pkg, "-importcfg", cfg, "-o", filepath.Join(m.tmp, "out.a")}, sources...)
	tool, err := m.goOutput("env", "GOTOOLDIR")
	if err != nil {
		return 0, err
	}
	var all []time.Duration
	for range m.runs {
		cmd := exec.CommandContext(context.Background(), filepath.Join(tool, "compile"), args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("compiling %s: %w\n%s", pkg, err, out)
		}
		all = append(all, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	return slices.Min(all), nil
}

// binary is the size of a program that exists in an overlay only.
func (m *measurer) binary(name, source string) (int64, error) {
	file := filepath.Join(m.tmp, name+".go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		return 0, err
	}
	root, err := filepath.Abs(m.root)
	if err != nil {
		return 0, err
	}
	overlay := filepath.Join(m.tmp, name+".json")
	text := fmt.Sprintf(`{"Replace": {%q: %q}}`, filepath.Join(root, "internal", "sizes", "probe", "main.go"), file)
	if err := os.WriteFile(overlay, []byte(text), 0o600); err != nil {
		return 0, err
	}
	bin := filepath.Join(m.tmp, name+".bin")
	// Without the state of the repository, which would be in the file.
	if _, err := m.goOutput("build", "-trimpath", "-buildvcs=false", "-overlay", overlay, "-o", bin, "./internal/sizes/probe"); err != nil {
		return 0, err
	}
	info, err := os.Stat(bin)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (m *measurer) goOutput(args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Dir = m.root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, errOut.String())
	}
	return strings.TrimSpace(string(out)), nil
}
