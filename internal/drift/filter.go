package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// leftOut says why changes are not told, and how many.
type leftOut struct {
	Why   string `json:"why"`
	Count int    `json:"count"`
}

const explained = "SOURCES.md: a correction, a guess or another source"

// filter leaves out what is explained: by SOURCES.md, by the rules of
// api/README.md, or by the curated spec, which has the change already.
type filter struct {
	project *project
	rules   bool                    // one side is the curated spec: its rules explain differences
	open    map[string][]difference // where spec and new file still differ; nil: not known
	count   map[string]int
}

func newFilter(p *project) *filter { return &filter{project: p, count: map[string]int{}} }

func (f *filter) byRules() { f.rules = true }

// settled keeps only what is still open between the curated spec and the new file.
func (f *filter) settled(now []difference) {
	f.open = map[string][]difference{}
	for _, d := range now {
		k := key(d.method, d.path)
		f.open[k] = append(f.open[k], d)
	}
}

// stillOpen reports whether the curated spec differs from the new file where d
// is, or above it.
func (f *filter) stillOpen(d difference) bool {
	return slices.ContainsFunc(f.open[key(d.method, d.path)], func(open difference) bool {
		whole := open.field == "" && d.field != ""
		if whole && !strings.Contains(open.rule, "media-type") &&
			!strings.Contains(open.rule, "body-added") &&
			!strings.Contains(open.rule, "type-changed") {
			return false // of the body as a whole, but not what is in it
		}
		return covers(open.place.String(), d.place)
	})
}

// leaves reports whether a difference is not told, and counts it.
func (f *filter) leaves(op *operation, d difference) bool {
	why := f.why(op, d)
	if why != "" {
		f.count[why]++
	}
	return why != ""
}

func (f *filter) why(op *operation, d difference) string {
	if f.rules {
		for _, r := range ruled {
			if r.fits(d) {
				return "api/README.md: " + r.why
			}
		}
	}
	if op != nil && f.rules && isRemoved(d.rule) && op.listed != nil &&
		op.listed.named != f.project.described() {
		return "operations.tsv: in another description than that of " + f.project.described()
	}
	if op == nil || op.curated == nil {
		return ""
	}
	if isRemoved(d.rule) {
		if f.rules && f.project.explains(op.curated.id, place{side: "operation"}) {
			return explained
		}
		return ""
	}
	if f.project.explains(op.curated.id, d.place) {
		return explained
	}
	if f.open != nil && !f.stillOpen(d) {
		return "the curated spec has it already"
	}
	return ""
}

func (f *filter) counts() []leftOut {
	var out []leftOut
	for why, n := range f.count {
		out = append(out, leftOut{why, n})
	}
	slices.SortFunc(out, func(a, b leftOut) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Why, b.Why))
	})
	return out
}

// ruled are differences between our spec and any vendor's file that follow from
// our rules and say nothing about the vendor.
var ruled = []struct {
	why  string
	fits func(difference) bool
}{
	{
		"errors have one schema, and 401, 429 and default at every operation",
		func(d difference) bool {
			return d.side == "error" && d.rule != "response-non-success-status-added" ||
				d.rule == "response-non-success-status-removed"
		},
	},
	{"enums of answers are open texts", func(d difference) bool {
		return d.side == "response" && strings.Contains(d.rule, "enum")
	}},
	{
		"few fields of answers are required, and null is read as the zero value",
		func(d difference) bool {
			return has(
				d.rule,
				"response-property-became-required",
				"response-property-became-optional",
				"response-property-became-nullable",
				"response-property-became-not-nullable",
				"response-body-became-nullable",
			)
		},
	},
	{"answers are read in more types than the file names", func(d difference) bool {
		return strings.HasPrefix(d.rule, "response-") && d.Severity == Harmless &&
			fromTo.MatchString(d.text)
	}},
	{"the file names no type", func(d difference) bool {
		return strings.HasSuffix(strings.TrimRight(fromTo.FindString(d.text), "` "), " to `any")
	}},
	{"bounds, defaults and formats are in the descriptions", func(d difference) bool {
		return strings.Contains(d.rule, "-default-value-") ||
			strings.Contains(d.text, "`format`") ||
			bound(d.rule)
	}},
	{"a body is required where its call makes no sense without", func(d difference) bool {
		return d.rule == "request-body-became-optional"
	}},
	{
		"the key is declared once for all operations",
		func(d difference) bool { return strings.Contains(d.rule, "security") },
	},
	{"headers of answers are in the descriptions", func(d difference) bool {
		return strings.HasPrefix(d.rule, "response-header-") ||
			strings.Contains(d.rule, "-response-header")
	}},
}

func has(rule string, names ...string) bool { return slices.Contains(names, rule) }

func bound(rule string) bool {
	return slices.ContainsFunc(
		[]string{"-max-", "-min-", "-pattern-", "-unique-items", "-multiple-of", "-exclusive-"},
		func(part string) bool {
			return strings.Contains(rule, part)
		},
	)
}

// corrections are what SOURCES.md explains: operations and fields.
type corrections map[string][]string // operationId, or * for every one, to places

// explains reports whether SOURCES.md speaks of the place. A row that names the
// operation alone speaks of all that is there.
func (p *project) explains(operationID string, at place) bool {
	for _, id := range []string{operationID, "*"} {
		for _, pattern := range p.corrections[id] {
			if covers(pattern, at) {
				return true
			}
		}
	}
	return false
}

// covers reports whether a pattern names the place: the side, and the field or
// one above it. "response" alone is every field of the response.
func covers(pattern string, at place) bool {
	side, field, _ := strings.Cut(pattern, " ")
	if side != at.side {
		return false
	}
	rest, ok := strings.CutPrefix(at.field, field)
	return ok && (field == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// sides are where a difference may be.
var sides = strings.Fields("request response error query path header operation")

// readCorrections reads the last column of the table of corrections in
// SOURCES.md: where the difference shows, as "listDomains: response domains[].id".
// A row without that column explains nothing to this program.
func readCorrections(text string) (corrections, error) {
	out := corrections{}
	for i, line := range strings.Split(text, "\n") {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		last := strings.TrimSpace(cells[len(cells)-1])
		if len(cells) != 4 || !strings.HasPrefix(last, "`") {
			continue
		}
		for part := range strings.SplitSeq(strings.ReplaceAll(last, "`", ""), ";") {
			id, places, ok := strings.Cut(strings.TrimSpace(part), ": ")
			if !ok {
				return nil, fmt.Errorf("line %d: %q is not operationId: place, place; …", i+1, part)
			}
			for at := range strings.SplitSeq(places, ", ") {
				side, _, _ := strings.Cut(at, " ")
				if !slices.Contains(sides, side) {
					return nil, fmt.Errorf(
						"line %d: %q begins with none of %s", i+1, at, strings.Join(sides, ", "),
					)
				}
				for one := range strings.SplitSeq(id, ",") {
					out[strings.TrimSpace(one)] = append(out[strings.TrimSpace(one)], at)
				}
			}
		}
	}
	return out, nil
}

// described is the description that most operations of the list are named in.
func (p *project) described() string {
	count, most := map[string]int{}, ""
	for _, l := range p.listed {
		count[l.named]++
	}
	for _, name := range slices.Sorted(keys(count)) {
		if count[name] > count[most] {
			most = name
		}
	}
	return most
}

// readSources reads SOURCES.md, as far as it explains differences.
func (p *project) readSources(file string) error {
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if p.corrections, err = readCorrections(string(data)); err != nil {
		return fileError(file, "%v", err)
	}
	for id := range p.corrections {
		if id != "*" && !p.has(id) {
			return fileError(
				file,
				"the corrections name %s, which api/%s/openapi.yaml does not have",
				id,
				p.provider,
			)
		}
	}
	return nil
}

func (p *project) has(operationID string) bool {
	for _, c := range p.curated {
		if c.id == operationID {
			return true
		}
	}
	return false
}
