package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// change is one difference, told once with every operation that has it.
type change struct {
	Severity   Severity     `json:"severity"`
	Rule       string       `json:"rule"` // the id of oasdiff's rule
	Text       string       `json:"text"`
	Field      string       `json:"field,omitempty"` // as SOURCES.md names it: "request to[].email"
	operations []*operation // none: of the description as a whole
}

// place is where within an operation a finding is.
type place struct {
	side   string // request, response, error, or where a parameter goes: query, path, header
	field  string // as to[].email; empty for the whole
	status string
}

// String is the place as SOURCES.md names it.
func (p place) String() string { return strings.TrimSpace(p.side + " " + p.field) }

var (
	ofParameter = regexp.MustCompile("`(\\w+)` request parameter `([^`]+)`")
	ofProperty  = []*regexp.Regexp{
		regexp.MustCompile("`([^`]+)` response's property"),
		regexp.MustCompile("`([^`]+)` (?:request|response) (?:(?:read|write)-only )?property"),
		regexp.MustCompile("propert(?:y|y's) `([^`]+)`"),
	}
	ofStatus = regexp.MustCompile("status `(\\w+)`|`(\\w+)` status")
	inStatus = regexp.MustCompile(
		"(?:for|from|with|to) the (?:response )?(?:with the )?(?:status `[^`]*`(?:, `[^`]*`)*|`[^`]*`(?:, `[^`]*`)* status)",
	)
)

// placeOf reads the place out of oasdiff's text: its rules give their arguments
// in various orders.
func placeOf(rule, text string) place {
	if m := ofParameter.FindStringSubmatch(text); m != nil {
		return place{side: m[1], field: m[2]}
	}
	p := place{side: "request"}
	if strings.HasPrefix(rule, "response-") {
		p.side = "response"
	}
	if m := ofStatus.FindStringSubmatch(text); m != nil {
		p.status = cmp.Or(m[1], m[2])
		if p.side == "response" && p.status[0] != '2' {
			p.side = "error"
		}
	}
	for _, re := range ofProperty {
		if m := re.FindStringSubmatch(text); m != nil {
			p.field = fieldName(m[1])
			break
		}
	}
	return p
}

// fieldName writes oasdiff's a/items/b as a[].b.
func fieldName(path string) string {
	var b strings.Builder
	for i, part := range strings.Split(strings.Trim(path, "/"), "/") {
		switch {
		case part == "items":
			b.WriteString("[]")
		case part == "additionalProperties":
			b.WriteString(".*")
		case i == 0:
			b.WriteString(part)
		default:
			b.WriteString("." + part)
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

// once tells equal changes once, with all operations that have them.
func (r *Report) once() {
	told := map[string]*change{}
	for _, op := range r.operations {
		for _, f := range merged(op.findings) {
			if f.side == "error" &&
				!strings.Contains(
					f.rule,
					"-success-status-",
				) { // errors have one schema: at which status says nothing
				f.text = inStatus.ReplaceAllString(f.text, "in errors")
			}
			k := fmt.Sprint(f.Severity, f.rule, f.text)
			if told[k] == nil {
				told[k] = &change{
					Severity: f.Severity,
					Rule:     f.rule,
					Text:     f.text,
					Field:    f.place.String(),
				}
				r.changes = append(r.changes, told[k])
			}
			told[k].operations = append(told[k].operations, op)
			op.changes = append(op.changes, told[k])
		}
	}
	order := func(a, b *change) int {
		return cmp.Or(
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Text, b.Text),
			cmp.Compare(a.Rule, b.Rule),
		)
	}
	slices.SortStableFunc(r.changes, order)
	for _, op := range r.operations {
		slices.SortStableFunc(op.changes, order)
	}
}

// alike are texts that differ in one word only, which are told together: what
// comes before the word, the word, and what follows.
var alike = []struct {
	*regexp.Regexp
	between string
}{
	{regexp.MustCompile("^(.*enum value `)([^`]*)(`.*)$"), "`, `"},
	{regexp.MustCompile("^((?:added the new|removed the) `)([^`]*)(` enum value .*)$"), "`, `"},
	{regexp.MustCompile("^(.*status `)(\\w+)(`.*)$"), "`, `"},
	{regexp.MustCompile("^(.* with the `)(\\w+)(` status.*)$"), "`, `"},
	{regexp.MustCompile(`^(.* \(media type: )([^)]*)(\))$`), ", "},
}

// merged are the findings of an operation, those that are alike as one.
func merged(findings []finding) []finding {
	for _, a := range alike {
		var out []finding
		at := map[string]int{}
		words := map[int][]string{}
		for _, f := range findings {
			m := a.FindStringSubmatch(f.text)
			if m == nil {
				out = append(out, f)
				continue
			}
			k := fmt.Sprint(f.Severity, f.rule, m[1], "\x00", m[3])
			i, ok := at[k]
			if !ok {
				i = len(out)
				at[k], out = i, append(out, f)
			}
			if !slices.Contains(words[i], m[2]) {
				words[i] = append(words[i], m[2])
			}
			slices.Sort(words[i])
			out[i].text = m[1] + strings.Join(words[i], a.between) + m[3]
		}
		findings = out
	}
	return findings
}
