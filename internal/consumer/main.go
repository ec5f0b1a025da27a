// Command consumer measures what importing this module costs a program and writes
// the tables in docs/compatibility.md between their two marks: the modules of its
// build list, those whose code it links, and how much larger it becomes. Each
// program is a module of its own in a temporary folder, as a user would have it.
//
//	go run ./internal/consumer -check
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Marks of the tables in the page.
const (
	begin = "<!-- consumer: written by make consumer -->\n"
	end   = "<!-- end of consumer -->\n"
)

const (
	library = "github.com/postmux/postmux"
	page    = "docs/compatibility.md"
)

func main() {
	root := flag.String("root", ".", "root of the module")
	check := flag.Bool("check", false, "compare with the page instead of writing it")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "consumer:", err)
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	file := filepath.Join(root, filepath.FromSlash(page))
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has not both of its marks", page)
	}
	text, err := tables(root)
	if err != nil {
		return err
	}
	if check {
		return compare(old, text)
	}
	return os.WriteFile(file, []byte(before+begin+text+end+after), 0o644)
}

// program is one way to use the library.
type program struct{ name, source string }

// plain sends a mail by net/http alone. The others are measured beside it.
var plain = program{"net/http alone", `package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
)

func main() {
	body, _ := json.Marshal(map[string]any{"subject": "Hi"})
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, os.Args[1], strings.NewReader(string(body)))
	if err != nil {
		panic(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	_ = res.Body.Close()
}
`}

var programs = []program{
	{"`gen/brevoapi` and `rest`", `package main

import (
	"context"
	"os"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/rest"
)

func main() {
	c := brevoapi.NewClient(rest.Plain(os.Args[1], nil))
	if _, err := c.GetAccount(context.Background()); err != nil {
		panic(err)
	}
}
`},
	{"`brevo`", `package main

import (
	"context"
	"os"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
)

func main() {
	c, err := brevo.New(os.Args[1])
	if err != nil {
		panic(err)
	}
	if _, err := c.Send(context.Background(), &provider.Message{Subject: "Hi"}); err != nil {
		panic(err)
	}
}
`},
	{"`provider/all`, routes too", `package main

import (
	"context"
	"os"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

func main() {
	cfg, err := provider.ParseConfig([]byte(os.Args[1]))
	if err != nil {
		panic(err)
	}
	c, err := all.Open(context.Background(), cfg)
	if err != nil {
		panic(err)
	}
	if _, err := c.Send(context.Background(), &provider.Message{Subject: "Hi"}); err != nil {
		panic(err)
	}
}
`},
	{"a test with `sandbox`", `package main

import (
	"os"

	"github.com/postmux/postmux/sandbox"
)

func main() {
	s, err := sandbox.Start(os.Args[1])
	if err != nil {
		panic(err)
	}
	_ = s.Close()
}
`},
}

// cost is what a program pays.
type cost struct {
	list   map[string]string // versions of the build list but for the two of ours
	linked []string
	bytes  int64
}

func tables(root string) (string, error) {
	base, err := measure(root, plain)
	if err != nil {
		return "", err
	}
	version, err := goOutput(root, "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s/%s. A program that makes one request by %s has %s bytes and no\nmodule.\n\n",
		version, runtime.GOOS, runtime.GOARCH, plain.name, thousands(base.bytes))
	b.WriteString("| a program that imports | modules in its build list | modules linked | bytes more |\n|---|---|---|---|\n")
	floors := make(map[string]string)
	linkedBy := make(map[string]string)
	for _, p := range programs {
		c, err := measure(root, p)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %s |\n", p.name, len(c.list), len(c.linked), thousands(c.bytes-base.bytes))
		for _, path := range c.linked {
			linkedBy[path] = cmp.Or(linkedBy[path], p.name)
			floors[path] = c.list[path]
		}
	}
	required, err := requirements(root)
	if err != nil {
		return "", err
	}
	b.WriteString("\nA program that has an older version of one of these gets this one:\n\n| module | at least | linked first by |\n|---|---|---|\n")
	for _, r := range required {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Path, r.Version, cmp.Or(linkedBy[r.Path], "nothing"))
		if v := floors[r.Path]; v != "" && v != r.Version {
			return "", fmt.Errorf("%s is required at %s, and a program gets %s", r.Path, r.Version, v)
		}
		delete(linkedBy, r.Path)
	}
	if len(linkedBy) > 0 {
		return "", fmt.Errorf("linked, but not in go.mod: %v", linkedBy)
	}
	return b.String(), nil
}

// measure makes a module of p in a temporary folder and builds it.
func measure(root string, p program) (cost, error) {
	dir, err := os.MkdirTemp("", "consumer")
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	mod := "module example.com/consumer\n\ngo 1.26.0\n"
	if p != plain {
		mod += fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %q\n", library, library, root)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return cost{}, err
	}
	for name, text := range map[string]string{"go.mod": mod, "go.sum": string(sums), "main.go": p.source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return cost{}, err
		}
	}
	if _, err := goOutput(dir, "mod", "tidy"); err != nil {
		return cost{}, fmt.Errorf("%s: %w", p.name, err)
	}
	// Without the state of a repository, which would be in the file.
	bin := filepath.Join(dir, "program")
	if _, err := goOutput(dir, "build", "-trimpath", "-buildvcs=false", "-o", bin, "."); err != nil {
		return cost{}, fmt.Errorf("%s: %w", p.name, err)
	}
	info, err := os.Stat(bin)
	if err != nil {
		return cost{}, err
	}
	c := cost{list: make(map[string]string), bytes: info.Size()}
	all, err := goOutput(dir, "list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}}{{end}}", "all")
	if err != nil {
		return cost{}, err
	}
	for line := range strings.Lines(all) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok && path != library {
			c.list[path] = version
		}
	}
	built, err := goOutput(dir, "version", "-m", bin)
	if err != nil {
		return cost{}, err
	}
	for line := range strings.Lines(built) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" && f[1] != library {
			c.linked = append(c.linked, f[1])
		}
	}
	return c, nil
}

type requirement struct{ Path, Version string }

// requirements are those of the library's go.mod, by path.
func requirements(root string) ([]requirement, error) {
	text, err := goOutput(root, "mod", "edit", "-json")
	if err != nil {
		return nil, err
	}
	var mod struct{ Require []requirement }
	if err := json.Unmarshal([]byte(text), &mod); err != nil {
		return nil, err
	}
	slices.SortFunc(mod.Require, func(a, b requirement) int { return cmp.Compare(a.Path, b.Path) })
	return mod.Require, nil
}

func goOutput(dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, errOut.String())
	}
	return strings.TrimSpace(string(out)), nil
}

var (
	// sizes are the figures that follow the version of Go and the machine.
	sizes = regexp.MustCompile(`\d{1,3}(?: \d{3})+`)
	// first is the line that names version and machine.
	first = regexp.MustCompile(`^[^\n]*\n`)
)

// compare reports what changed since the page was written. A size may differ by a
// tenth: another version of Go writes other code.
func compare(old, now string) error {
	shape := func(text string) string {
		return sizes.ReplaceAllString(first.ReplaceAllString(text, ""), "N")
	}
	if shape(old) != shape(now) {
		return fmt.Errorf("%s says\n%s\nand now it is\n%s\nrun \"make consumer\" and commit", page, old, now)
	}
	was, is := sizes.FindAllString(old, -1), sizes.FindAllString(now, -1)
	for i := range was {
		x, err1 := number(was[i])
		y, err2 := number(is[i])
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if y > x+x/10 || y < x-x/10 {
			return fmt.Errorf("%s says %s bytes, and now it is %s; run \"make consumer\" and commit", page, was[i], is[i])
		}
	}
	return nil
}

func number(text string) (int64, error) {
	return strconv.ParseInt(strings.ReplaceAll(text, " ", ""), 10, 64)
}

// thousands writes n with blanks between groups of three digits.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}
