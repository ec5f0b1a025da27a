package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
	"github.com/oasdiff/oasdiff/load"
)

// Report is what a newer description of a vendor means for the project.
type Report struct {
	project    *project
	old, new   *vendorFile
	own        *vendorFile  // the curated spec
	operations []*operation // in the report's order
	changes    []*change    // each told once, in the report's order
	left       []leftOut    // why changes are not told
	notes      []string
}

// operation is one operation with at least one finding.
type operation struct {
	method, path string
	curated      *curated // nil when our spec does not have it
	listed       *listed  // nil when the list of operations does not have it
	users        []string // adapter files
	misspelt     bool     // an ignored row that names the curated operation it stands for
	added        bool
	removed      bool
	severity     Severity // the worst of its findings
	findings     []finding
	changes      []*change // what is told of it
}

// finding is one difference of one operation.
type finding struct {
	Severity
	rule string
	text string
	place
}

// touched is the number of curated operations with a change that is told, those
// under another spelling included.
func (r *Report) touched() int {
	n := 0
	for _, op := range r.operations {
		if (op.curated != nil || op.misspelt) && len(op.changes) > 0 {
			n++
		}
	}
	return n
}

// compare makes the report. own is the curated spec itself; before is the same
// file when the vendor's older one is not at hand.
func compare(p *project, before, after, own *vendorFile) (*Report, error) {
	r := &Report{project: p, old: before, new: after, own: own}
	found, err := differences(before, after)
	if err != nil {
		return nil, err
	}
	skip := newFilter(p)
	if before == own {
		skip.byRules()
	} else {
		now, err := differences(own, after)
		if err != nil {
			return nil, err
		}
		skip.settled(now)
	}
	byKey := map[string]*operation{}
	for _, f := range found {
		if before == own && strings.Contains(f.rule, "-removed") {
			f.Severity = max(f.Severity, Look) // the curated spec may have it from another source
		}
		k := key(f.method, f.path)
		if f.method != "" && byKey[k] == nil {
			byKey[k] = r.newOperation(f.method, f.path)
		}
		if op := byKey[k]; !skip.leaves(op, f) {
			r.add(op, f)
		}
	}
	for _, op := range byKey {
		op.settle()
		if len(op.findings) > 0 {
			r.operations = append(r.operations, op)
		}
	}
	r.left = skip.counts()
	slices.SortFunc(r.operations, func(a, b *operation) int {
		return cmp.Or(
			cmp.Compare(a.severity, b.severity),
			cmp.Compare(a.path, b.path),
			cmp.Compare(a.method, b.method),
		)
	})
	r.once()
	r.addNotes()
	return r, nil
}

// difference is a finding with the operation where it is; without a method it is
// of the description as a whole.
type difference struct {
	method, path string
	finding
}

// differences are all that oasdiff finds, in its order.
func differences(before, after *vendorFile) ([]difference, error) {
	d, sources, err := diff.GetWithOperationsSourcesMap(
		diff.NewConfig(),
		&load.SpecInfo{
			Spec: before.doc,
			Url:  before.name,
		},
		&load.SpecInfo{Spec: after.doc, Url: after.name},
	)
	if err != nil {
		return nil, fmt.Errorf("%s and %s cannot be compared: %w", before.name, after.name, err)
	}
	var out []difference
	localizer := checker.NewDefaultLocalizer()
	for _, c := range checker.CheckBackwardCompatibilityUntilLevel(checker.NewConfig(checker.GetAllChecks()), d, sources, checker.INFO) {
		text := textOf(c, localizer)
		if severity, ok := severityOf(c, text); ok {
			out = append(
				out,
				difference{
					c.GetOperation(),
					c.GetPath(),
					finding{severity, c.GetId(), text, placeOf(c.GetId(), text)},
				},
			)
		}
	}
	return out, nil
}

func (r *Report) newOperation(method, path string) *operation {
	op := &operation{method: method, path: path}
	if c, ok := r.project.curated[key(method, path)]; ok {
		op.path, op.curated, op.users = c.path, &c, r.project.usedBy(c.id)
	}
	if l, ok := r.project.listed[key(method, path)]; ok {
		op.listed = &l
		op.misspelt = l.state == "ignored" && r.project.names(l.reason)
	}
	return op
}

// add takes a difference into its operation, or into the description as a whole.
func (r *Report) add(op *operation, d difference) {
	if op == nil {
		r.changes = append(r.changes, &change{Severity: d.Severity, Rule: d.rule, Text: d.text})
		return
	}
	op.added = op.added || isAdded(d.rule)
	op.removed = op.removed || isRemoved(d.rule)
	op.findings = append(op.findings, d.finding)
}

// settle lowers what does not concern us: an operation that is not curated
// breaks nothing of ours, one that nobody has decided about needs a decision.
func (o *operation) settle() {
	switch {
	case o.misspelt, o.undecided():
		o.severity = Look
	case o.curated == nil:
		o.severity = Harmless
	default:
		o.severity = Harmless
		for _, f := range o.findings {
			o.severity = min(o.severity, f.Severity)
		}
	}
	if o.curated == nil {
		for i := range o.findings {
			o.findings[i].Severity = o.severity
		}
	}
}

// undecided reports whether somebody has to put the operation on the list.
func (o *operation) undecided() bool {
	return o.curated == nil && o.listed == nil && !o.removed
}

// addNotes tells what the comparison of operations cannot see.
func (r *Report) addNotes() {
	if strings.HasPrefix(r.old.version, "Swagger") != strings.HasPrefix(r.new.version, "Swagger") {
		r.notes = append(
			r.notes,
			"One file is Swagger 2 and the other OpenAPI 3: some differences may come from the conversion.",
		)
	}
	for _, host := range r.new.hosts {
		if !slices.Contains(r.old.hosts, host) && host != r.project.host {
			r.notes = append(
				r.notes,
				fmt.Sprintf(
					"The new file names the server %s; the curated spec has %s.",
					host,
					r.project.host,
				),
			)
		}
	}
	if was, is := keyNames(r.old.doc), keyNames(r.new.doc); was != is {
		r.notes = append(
			r.notes,
			fmt.Sprintf(
				"Where the key goes differs: %s in the old file, %s in the new one.",
				was,
				is,
			),
		)
	}
	for _, f := range []*vendorFile{r.old, r.new} {
		for _, left := range f.folded {
			r.notes = append(
				r.notes,
				fmt.Sprintf("%s: left out, only a parameter's name differs: %s.", f.name, left),
			)
		}
	}
}

// keyNames lists where a description wants its keys, as "api-key (header)".
// oasdiff does not look at it.
func keyNames(doc *openapi3.T) string {
	var names []string
	if doc.Components != nil {
		for _, scheme := range doc.Components.SecuritySchemes {
			if s := scheme.Value; s != nil && s.Type == "apiKey" {
				names = append(names, fmt.Sprintf("%s (%s)", s.Name, s.In))
			}
		}
	}
	slices.Sort(names)
	return cmp.Or(strings.Join(slices.Compact(names), ", "), "nowhere")
}

func isAdded(id string) bool { return id == "endpoint-added" }

func isRemoved(id string) bool {
	return strings.HasPrefix(id, "api-removed-") || strings.HasPrefix(id, "api-path-removed-")
}

// textOf is oasdiff's text for a change, in one line.
func textOf(c checker.Change, localizer checker.Localizer) string {
	switch {
	case isAdded(c.GetId()):
		return "the operation is new"
	case isRemoved(c.GetId()):
		return "the operation is gone"
	}
	text := strings.Join(strings.Fields(c.GetUncolorizedText(localizer)), " ")
	return strings.ReplaceAll(text, "items/`", "items`")
}
