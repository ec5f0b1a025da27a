package api

import (
	_ "embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed vendors.tsv
var vendorTable string

// Vendor is a row of vendors.tsv: a curated spec and who uses it.
type Vendor struct {
	Spec    string // folder of the spec below api
	Driver  string // name of the driver in a configuration; empty when the spec has none of its own
	Adapter string // folder of the adapter's package
	Files   string // pattern of its files where several specs share the folder; empty for all others
	Name    string // as people write it
}

// Package is the name of the generated package, which is in gen.
func (v Vendor) Package() string { return v.Spec + "api" }

// Vendors returns the rows of vendors.tsv, in its order.
func Vendors() []Vendor {
	rows, err := ParseVendors(vendorTable)
	if err != nil {
		panic("api/vendors.tsv: " + err.Error()) // a test parses what is embedded
	}
	return rows
}

// columns are the first line of vendors.tsv.
var columns = []string{"spec", "driver", "adapter", "files", "name"}

// ParseVendors reads the text of a vendors.tsv. The error names every line that is wrong.
func ParseVendors(text string) ([]Vendor, error) {
	head, body, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if head != strings.Join(columns, "\t") {
		return nil, fmt.Errorf("line 1: expected the columns %s with tabs between, got %q", strings.Join(columns, ", "), head)
	}
	var rows []Vendor
	var problems []error
	for i, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != len(columns) {
			problems = append(problems, fmt.Errorf("line %d: expected %d columns with tabs between, got %d", i+2, len(columns), len(f)))
			continue
		}
		v := Vendor{Spec: f[0], Driver: f[1], Adapter: f[2], Files: f[3], Name: f[4]}
		for _, found := range v.problems(rows) {
			problems = append(problems, fmt.Errorf("line %d: %s", i+2, found))
		}
		rows = append(rows, v)
	}
	return rows, errors.Join(problems...)
}

// problems are what is wrong with a row after those before it.
func (v Vendor) problems(before []Vendor) []string {
	var out []string
	for i, value := range []string{v.Spec, v.Driver, v.Adapter, v.Files, v.Name} {
		optional := columns[i] == "driver" || columns[i] == "files"
		if value != strings.TrimSpace(value) || value == "" && !optional {
			out = append(out, fmt.Sprintf("%s: expected a text without blanks around it, got %q", columns[i], value))
		}
	}
	if _, err := path.Match(v.Files, ""); err != nil {
		out = append(out, fmt.Sprintf("files: expected a pattern like v3_*.go, got %q", v.Files))
	}
	if slices.ContainsFunc(before, func(b Vendor) bool { return b.Spec == v.Spec }) {
		out = append(out, fmt.Sprintf("spec: %s has a row already", v.Spec))
	}
	if v.Driver != "" && slices.ContainsFunc(before, func(b Vendor) bool { return b.Driver == v.Driver }) {
		out = append(out, fmt.Sprintf("driver: %s has a row already", v.Driver))
	}
	return out
}
