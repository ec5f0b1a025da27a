package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/drift/reader"
)

// The first page is what somebody reads who has to decide whether there is
// anything to do; its lines are limited part by part.
const (
	firstPage   = 60
	repairLines = 5
	adapterRows = 8
	matterLines = 10
	lineWidth   = 200
)

// String is the report as Markdown. The same files give the same report.
func (r *Report) String() string {
	var b strings.Builder
	r.page(&b)
	if len(r.operations) > 0 {
		r.details(&b)
	}
	r.section(&b, "The description as a whole", r.wholes())
	r.section(&b, "Notes", r.notes)
	for _, f := range r.files() {
		var lines []string
		for _, repair := range f.repairs {
			lines = append(
				lines,
				fmt.Sprintf("%s: %s", repair.Kind, cmp.Or(repair.Place, "the file")),
			)
		}
		r.section(&b, "Repairs in "+f.name, lines)
	}
	return b.String()
}

func (r *Report) section(b *strings.Builder, title string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(b, "\n## %s\n\n- %s\n", title, strings.Join(lines, "\n- "))
	}
}

func (r *Report) files() []*vendorFile {
	if r.old == r.new {
		return []*vendorFile{r.new}
	}
	return []*vendorFile{r.old, r.new}
}

// page is the first page.
func (r *Report) page(b *strings.Builder) {
	fmt.Fprintf(b, "# Drift of %s\n\n", r.project.provider)
	fmt.Fprintf(b, "old: %s\nnew: %s\n", describe(r.old), describe(r.new))
	for _, f := range r.files() {
		f.repaired(b)
	}
	if len(r.operations) == 0 {
		b.WriteString("\nNo operation differs.\n")
	} else {
		r.counts(b)
		r.adapters(b)
		r.matters(b)
	}
	if len(r.left) > 0 {
		b.WriteString("\nLeft out:\n\n")
		for _, l := range r.left {
			fmt.Fprintf(b, "- %d: %s\n", l.Count, l.Why)
		}
	}
}

func describe(f *vendorFile) string {
	title, version := "untitled", ""
	if f.doc.Info != nil {
		title, version = cmp.Or(f.doc.Info.Title, title), f.doc.Info.Version
	}
	return fmt.Sprintf("%s (%s; %s, version %s)", f.name, f.version, title, version)
}

// repaired tells what was repaired, by kinds; each place is at the end of the report.
func (f *vendorFile) repaired(b *strings.Builder) {
	var kinds []reader.Kind
	places := map[reader.Kind][]string{}
	for _, r := range f.repairs {
		if places[r.Kind] == nil {
			kinds = append(kinds, r.Kind)
		}
		places[r.Kind] = append(places[r.Kind], r.Place)
	}
	if len(kinds) == 0 {
		return
	}
	slices.SortStableFunc(
		kinds,
		func(a, b reader.Kind) int { return cmp.Compare(len(places[b]), len(places[a])) },
	)
	fmt.Fprintf(b, "\nRepairs in %s: %d, each listed at the end\n\n", f.name, len(f.repairs))
	for i, k := range kinds {
		if i == repairLines-1 && len(kinds) > repairLines {
			fmt.Fprintf(b, "- and %d more kinds\n", len(kinds)-i)
			break
		}
		fmt.Fprintf(b, "- %d: %s\n", len(places[k]), k)
	}
}

// counts is the table of operations and the number of changes.
func (r *Report) counts(b *strings.Builder) {
	const curated, ignored, open = 0, 1, 2
	var by [3][Harmless + 1]int
	var added, removed int
	for _, op := range r.operations {
		row := open
		switch {
		case op.curated != nil || op.misspelt:
			row = curated
		case op.listed != nil || op.removed:
			row = ignored
		}
		by[row][op.severity]++
		if op.added {
			added++
		}
		if op.removed {
			removed++
		}
	}
	fmt.Fprintf(
		b,
		"\nOperations that differ: %d (added %d, removed %d, changed %d); curated ones: %d.\n\n",
		len(r.operations),
		added,
		removed,
		len(r.operations)-added-removed,
		r.touched(),
	)
	fmt.Fprintf(b, "| operations | %s | %s | %s |\n|---|---|---|---|\n", Breaking, Look, Harmless)
	for row, name := range []string{"curated", "ignored", "not decided"} {
		fmt.Fprintf(
			b,
			"| %s | %d | %d | %d |\n",
			name,
			by[row][Breaking],
			by[row][Look],
			by[row][Harmless],
		)
	}
	var changes [Harmless + 1]int
	for _, c := range r.changes {
		changes[c.Severity]++
	}
	fmt.Fprintf(
		b,
		"| different changes | %d | %d | %d |\n",
		changes[Breaking],
		changes[Look],
		changes[Harmless],
	)
}

// adapters lists the adapter files that call what differs, the most concerned first.
func (r *Report) adapters(b *strings.Builder) {
	rows := r.touchedAdapters()
	if len(rows) == 0 {
		b.WriteString("\nNo adapter calls what differs.\n")
		return
	}
	b.WriteString("\nAdapters touched:\n\n")
	for i, a := range rows {
		if i == adapterRows-1 && len(rows) > adapterRows {
			fmt.Fprintf(b, "- and %d more files\n", len(rows)-i)
			break
		}
		fmt.Fprintf(
			b,
			"- %s: %s\n",
			a.File,
			cut(fmt.Sprintf("%s: %s", a.Severity, strings.Join(a.Operations, ", "))),
		)
	}
}

type touchedAdapter struct {
	File       string   `json:"file"`
	Severity   Severity `json:"severity"` // the worst
	Operations []string `json:"operations"`
}

func (r *Report) touchedAdapters() []touchedAdapter {
	var rows []touchedAdapter
	at := map[string]int{}
	for _, op := range r.operations { // the worst first
		for _, file := range op.users {
			i, ok := at[file]
			if !ok {
				i = len(rows)
				at[file], rows = i, append(rows, touchedAdapter{File: file, Severity: op.severity})
			}
			rows[i].Operations = append(rows[i].Operations, op.curated.id)
		}
	}
	slices.SortStableFunc(rows, func(a, b touchedAdapter) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(len(b.Operations), len(a.Operations)),
			cmp.Compare(a.File, b.File),
		)
	})
	return rows
}

// matters lists the changes that matter most.
func (r *Report) matters(b *strings.Builder) {
	first := r.first()
	fmt.Fprintf(b, "\nWhat matters most, %d of %d:\n\n", len(first), len(r.changes))
	for i, c := range first {
		fmt.Fprintf(b, "%d. %s\n", i+1, cut(fmt.Sprintf("%s: %s: %s", c.Severity, c.at(3), c.Text)))
	}
}

// first are the changes that matter most: by severity, then what an adapter
// calls, then what we send, then by the number of operations.
func (r *Report) first() []*change {
	used := func(c *change) int {
		return -len(
			slices.DeleteFunc(
				slices.Clone(c.operations),
				func(op *operation) bool { return len(op.users) == 0 },
			),
		)
	}
	out := slices.Clone(r.changes)
	slices.SortStableFunc(out, func(a, b *change) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(used(a), used(b)),
			cmp.Compare(
				strings.Count(b.Rule, "request"),
				strings.Count(a.Rule, "request"),
			),
			cmp.Compare(len(b.operations), len(a.operations)),
		)
	})
	return out[:min(len(out), matterLines)]
}

// at names the operations of a change, at most so many.
func (c *change) at(most int) string {
	var names []string
	for _, op := range c.operations {
		name := op.method + " " + op.path
		if op.curated != nil {
			name = op.curated.id
		}
		names = append(names, name)
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return cmp.Or(strings.Join(names, ", "), "the description as a whole")
}

// cut shortens a line of the first page; the details have the whole.
func cut(line string) string {
	if r := []rune(line); len(r) > lineWidth {
		return string(r[:lineWidth-1]) + "…"
	}
	return line
}

// From so many operations on a change is told apart from them: one of a schema
// that many share would otherwise bury the rest.
const together = 4

func (r *Report) details(b *strings.Builder) {
	var shared []*change
	for _, c := range r.changes {
		if len(c.operations) >= together && !isAdded(c.Rule) {
			shared = append(shared, c)
		}
	}
	if len(shared) > 0 {
		fmt.Fprintf(b, "\n## The same at %d operations or more\n\n", together)
		for _, c := range shared {
			fmt.Fprintf(
				b,
				"- %s: %s\n  (%d: %s)\n",
				c.Severity,
				c.Text,
				len(c.operations),
				c.at(25),
			)
		}
	}
	r.undecided(b)
	for severity := Breaking; severity <= Harmless; severity++ {
		heading := fmt.Sprintf("\n## Suggested: %s\n", severity)
		for _, op := range r.operations {
			own := slices.DeleteFunc(
				slices.Clone(op.changes),
				func(c *change) bool { return len(c.operations) >= together },
			)
			if op.severity != severity || len(own) == 0 || op.added && op.undecided() {
				continue
			}
			b.WriteString(heading)
			heading = ""
			op.write(b, own)
		}
	}
}

// undecided writes the lines for the list of operations.
func (r *Report) undecided(b *strings.Builder) {
	var lines []string
	for _, op := range r.operations {
		if op.added && op.undecided() {
			lines = append(lines, "    "+r.row(op.method, op.path, "ignored\tthe reason")+"\n")
		}
	}
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(
		b,
		"\n## New operations that nobody has decided about: %d\n\nLines for api/%s/operations.tsv, tabs between; or curated instead of ignored and the reason:\n\n%s",
		len(lines),
		r.project.provider,
		strings.Join(lines, ""),
	)
}

// row is a line of the list of operations, with the description where the list
// has that column.
func (r *Report) row(method, path, state string) string {
	line := method + "\t" + path + "\t" + state
	if r.project.described() == "" {
		return line
	}
	named := "YYYY-MM"
	if m := dated.FindStringSubmatch(r.new.name); m != nil {
		named = m[2][:len(named)]
	}
	return line + strings.Repeat("\t", 4-strings.Count(line, "\t")) + named
}

func (o *operation) write(b *strings.Builder, own []*change) {
	fmt.Fprintf(b, "\n### %s %s\n\n", o.method, o.path)
	switch {
	case o.curated != nil:
		fmt.Fprintf(b, "Curated as %s.\n\n", o.use())
	case o.listed != nil && o.listed.state == "ignored":
		fmt.Fprintf(b, "Ignored: %s\n\n", o.listed.reason)
	case o.listed != nil:
		b.WriteString(
			"Listed as curated, but the spec does not have it: \"go test ./api\" fails.\n\n",
		)
	default:
		b.WriteString("Not curated, not on the list.\n\n")
	}
	for _, c := range own {
		fmt.Fprintf(b, "- %s: %s\n", c.Severity, c.Text)
	}
}

// use names a curated operation and who calls it.
func (o *operation) use() string {
	if len(o.users) == 0 {
		return o.curated.id + "; no adapter uses it"
	}
	return o.curated.id + "; used by " + strings.Join(o.users, ", ")
}

// wholes are the changes that belong to no operation.
func (r *Report) wholes() []string {
	var out []string
	for _, c := range r.changes {
		if len(c.operations) == 0 {
			out = append(out, fmt.Sprintf("%s: %s", c.Severity, c.Text))
		}
	}
	return out
}

// toJSON writes the reports for programs: what String tells, nothing cut.
func toJSON(reports []*Report) ([]byte, error) {
	out := make([]any, 0, len(reports))
	for _, r := range reports {
		out = append(out, r.forPrograms())
	}
	return json.MarshalIndent(out, "", "  ")
}

func (r *Report) forPrograms() any {
	type file struct {
		Name    string          `json:"name"`
		Version string          `json:"version"`
		Repairs []reader.Repair `json:"repairs,omitempty"`
	}
	type where struct {
		Method      string   `json:"method"`
		Path        string   `json:"path"`
		OperationID string   `json:"operation_id,omitempty"` // of the curated spec
		State       string   `json:"state"`                  // curated, ignored, not decided
		Adapters    []string `json:"adapters,omitempty"`
	}
	type told struct {
		*change
		Operations []where `json:"operations,omitempty"`
	}
	out := struct {
		Provider string           `json:"provider"`
		Old      file             `json:"old"`
		New      file             `json:"new"`
		Touched  int              `json:"curated_operations_touched"`
		Adapters []touchedAdapter `json:"adapters"`
		Changes  []told           `json:"changes"`
		LeftOut  []leftOut        `json:"left_out"`
		Notes    []string         `json:"notes"`
	}{
		Provider: r.project.provider, Touched: r.touched(), Adapters: r.touchedAdapters(), LeftOut: r.left, Notes: r.notes,
		Old: file{
			r.old.name,
			r.old.version,
			r.old.repairs,
		}, New: file{r.new.name, r.new.version, r.new.repairs},
	}
	for _, c := range r.changes {
		t := told{change: c}
		for _, op := range c.operations {
			w := where{Method: op.method, Path: op.path, State: "not decided", Adapters: op.users}
			if op.listed != nil {
				w.State = op.listed.state
			}
			if op.curated != nil {
				w.OperationID, w.State = op.curated.id, "curated"
			}
			t.Operations = append(t.Operations, w)
		}
		out.Changes = append(out.Changes, t)
	}
	return out
}
