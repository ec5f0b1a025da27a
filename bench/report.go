package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// table is a Markdown table.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.head)
	b.WriteString("|" + strings.Repeat("---|", len(t.head)) + "\n")
	for _, r := range t.rows {
		line(r)
	}
	return b.String()
}

// aim is a figure that this project sets itself.
type aim struct {
	what     string
	measured string
	met      bool
}

func aims(list []aim) string {
	t := table{head: []string{"aim", "measured", "met"}}
	for _, a := range list {
		met := "no"
		if a.met {
			met = "yes"
		}
		t.add(a.what, a.measured, met)
	}
	return t.String()
}

// replace puts text between the markers of a section of doc.
func replace(doc, section, text string) (string, error) {
	begin, end := "<!-- bench:"+section+" -->", "<!-- end:"+section+" -->"
	i := strings.Index(doc, begin)
	j := strings.Index(doc, end)
	if i < 0 || j < i {
		return "", fmt.Errorf("the document has no markers %s and %s", begin, end)
	}
	return doc[:i+len(begin)] + "\n" + strings.TrimSpace(text) + "\n" + doc[j:], nil
}

// thousands writes n with commas.
func thousands[N int | int64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// ratio writes a/b with as many digits as matter.
func ratio(a, b float64) string {
	switch r := a / b; {
	case r >= 10:
		return fmt.Sprintf("%.0f", r)
	case r >= 0.1:
		return fmt.Sprintf("%.2f", r)
	default:
		return fmt.Sprintf("%.3f", r)
	}
}

func micros(ns float64) string {
	if ns >= 1e5 {
		return fmt.Sprintf("%.0f µs", ns/1e3)
	}
	return fmt.Sprintf("%.1f µs", ns/1e3)
}

// machine describes where the figures come from.
func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
				break
			}
		}
	}
	versions := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			versions[d.Path] = d.Version
		}
	}
	t := table{head: []string{"row", "module", "version"}}
	for _, p := range peers() {
		if p.module != "" {
			t.add(p.name, p.module, strings.TrimSuffix(versions[p.module], "+incompatible"))
		}
	}
	return fmt.Sprintf("%s, %d cores used, %s/%s, %s.\n\n%s", model, runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH, runtime.Version(), t.String())
}
