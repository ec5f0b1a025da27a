package main

import (
	"fmt"
	"strings"
)

// String is the report as Markdown. The same files give the same report.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Drift of %s\n\n", r.project.provider)
	fmt.Fprintf(&b, "old: %s\nnew: %s\n\n", describe(r.old), describe(r.new))
	for _, f := range []*vendorFile{r.old, r.new} {
		f.repaired(&b)
	}
	r.summary(&b)
	for severity := Breaking; severity <= Harmless; severity++ {
		r.section(&b, severity)
	}
	if len(r.general) > 0 {
		b.WriteString("\n## The description as a whole\n\n")
		for _, f := range r.general {
			fmt.Fprintf(&b, "- %s: %s\n", f.Severity, f.text)
		}
	}
	if len(r.notes) > 0 {
		b.WriteString("\n## Notes\n\n")
		for _, note := range r.notes {
			fmt.Fprintf(&b, "- %s\n", note)
		}
	}
	return b.String()
}

// From so many operations on what happens to all of them alike is told once: a
// change of a schema that many share would otherwise bury the rest.
const together = 4

func (r *Report) section(b *strings.Builder, severity Severity) {
	alike := map[string][]*operation{}
	for _, op := range r.operations {
		if op.severity == severity && op.curated != nil {
			alike[op.changes()] = append(alike[op.changes()], op)
		}
	}
	heading := false
	for _, op := range r.operations {
		if op.severity != severity {
			continue
		}
		if !heading {
			fmt.Fprintf(b, "\n## Suggested: %s\n", severity)
			heading = true
		}
		switch same := alike[op.changes()]; {
		case op.curated == nil || len(same) < together:
			r.operation(b, op)
		case op == same[0]:
			group(b, same)
		}
	}
}

// group tells what happens to several curated operations.
func group(b *strings.Builder, same []*operation) {
	fmt.Fprintf(b, "\n### The same at %d operations\n\n%s\n", len(same), same[0].changes())
	for _, op := range same {
		fmt.Fprintf(b, "- %s %s: %s\n", op.method, op.path, op.use())
	}
}

// repaired lists what was read otherwise than it is written.
func (f *vendorFile) repaired(b *strings.Builder) {
	if len(f.repairs) == 0 {
		return
	}
	fmt.Fprintf(b, "Repaired in %s:\n\n", f.name)
	for _, r := range f.repairs {
		fmt.Fprintf(b, "- %s: %s\n", r.Kind, r.Place)
	}
	b.WriteString("\n")
}

func describe(f *vendorFile) string {
	title, version := "untitled", ""
	if f.doc.Info != nil {
		title, version = f.doc.Info.Title, f.doc.Info.Version
	}
	return fmt.Sprintf("%s (%s; %s, version %s)", f.name, f.version, title, version)
}

func (r *Report) summary(b *strings.Builder) {
	if len(r.operations) == 0 {
		b.WriteString("No operation differs.\n")
		return
	}
	var added, removed int
	var by [Harmless + 1]int
	for _, op := range r.operations {
		by[op.severity]++
		if op.added {
			added++
		}
		if op.removed {
			removed++
		}
	}
	fmt.Fprintf(b, "Operations that differ: %d (added %d, removed %d, changed %d); curated ones: %d.\n",
		len(r.operations), added, removed, len(r.operations)-added-removed, r.touched())
	fmt.Fprintf(b, "Suggested: %d breaking, %d to look at, %d harmless.\n", by[Breaking], by[Look], by[Harmless])
}

func (r *Report) operation(b *strings.Builder, op *operation) {
	fmt.Fprintf(b, "\n### %s %s\n\n", op.method, op.path)
	switch {
	case op.curated != nil:
		fmt.Fprintf(b, "Curated as %s.\n\n", op.use())
	case op.listed != nil && op.listed.state == "ignored":
		fmt.Fprintf(b, "Ignored: %s\n\n", op.listed.reason)
	case op.listed != nil:
		fmt.Fprintf(b, "Listed as curated, but the spec does not have it: \"go test ./api\" fails.\n\n")
	case op.removed:
		b.WriteString("Not curated, not on the list.\n\n")
	default:
		r.undecided(b, op)
	}
	b.WriteString(op.changes())
}

// use names a curated operation and who calls it.
func (o *operation) use() string {
	if len(o.users) == 0 {
		return o.curated.id + "; no adapter uses it"
	}
	return o.curated.id + "; used by " + strings.Join(o.users, ", ")
}

// changes are the findings, one a line.
func (o *operation) changes() string {
	var b strings.Builder
	for _, f := range o.findings {
		fmt.Fprintf(&b, "- %s: %s\n", f.Severity, f.text)
	}
	return b.String()
}

// undecided writes the line for the list of operations.
func (r *Report) undecided(b *strings.Builder, op *operation) {
	what := "Not on the list"
	if op.added {
		what = "New; not curated"
	}
	fmt.Fprintf(b, "%s. One of these lines for api/%s/operations.tsv (tabs between):\n\n", what, r.project.provider)
	fmt.Fprintf(b, "    %s\t%s\tcurated\n    %s\t%s\tignored\tthe reason\n\n", op.method, op.path, op.method, op.path)
}
