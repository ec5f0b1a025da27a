package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/oasdiff/oasdiff/checker"
)

// Severity is a suggestion of what a change means for this project.
type Severity int

// The order is the order in the report, the worst first.
const (
	Breaking Severity = iota // what we send or read today stops working, or is lost in silence
	Look                     // somebody has to decide
	Harmless                 // nothing stops working; take it up when it is useful
)

var severityNames = [...]string{"breaking", "needs a look", "harmless"}

func (s Severity) String() string { return severityNames[s] }

// MarshalText writes the name, so that the JSON of a report has it.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil } //nolint:unparam // the interface wants it

// skipped are rules about things that this project does not take from vendors:
// names of operations, tags, versions of the file, unused schemas.
var skipped = []string{
	"api-operation-id-",
	"api-tag-",
	"api-schema-",
	"api-version-",
	"api-major-version-",
}

// ours are the rules, by the beginning of their ids, that mean something else to
// this project than to the readers oasdiff has in mind. The first that fits counts.
var ours = []struct {
	prefix string
	Severity
	why string
}{
	{"request-property-removed", Breaking, "what we would go on sending would be lost in silence"},
	{"request-parameter-removed", Breaking, "the same"},
	{
		"response-optional-property-removed",
		Breaking,
		"vendors rarely mark fields of answers as required, and ours would be zero",
	},
	{"response-required-property-removed", Breaking, "the same"},
	{
		"response-property-enum-value-added",
		Look,
		"enums of answers are open; an adapter may compare with known values",
	},
	{"response-property-became-nullable", Look, "null becomes a zero value"},
	{"response-property-became-optional", Look, "a missing field becomes a zero value"},
	{"response-property-m", Harmless, "bounds of answers (min, max) are not checked"},
	{"response-property-pattern-", Harmless, "nor are patterns"},
	{"response-success-status-added", Look, "an adapter may expect one code"},
	{"response-non-success-status-added", Look, "the classifier may not know it"},
	{"request-body-default-value-", Look, "what is left out means something else"},
	{"request-property-default-value-", Look, "the same"},
	{"request-parameter-default-value-", Look, "the same"},
	{"endpoint-deprecated", Look, "it will go away"},
	{"api-deprecated-", Look, "the same, without a day or with an unreadable one"},
	{"api-removed-", Breaking, "announced or not"},
	{"api-path-removed-", Breaking, "the same"},
	{"api-security-", Look, "another way of signing in"},
	{"api-global-security-", Look, "the same"},
}

// severityOf suggests what a change of an operation means, with oasdiff's text of
// it; ok is false for changes that are not reported.
func severityOf(c checker.Change, text string) (s Severity, ok bool) {
	id := c.GetId()
	for _, prefix := range skipped {
		if strings.HasPrefix(id, prefix) {
			return 0, false
		}
	}
	for _, rule := range ours {
		if strings.HasPrefix(id, rule.prefix) {
			return rule.Severity, true
		}
	}
	if s, ok := ofTypes(id, text); ok {
		return s, true
	}
	switch c.GetLevel() {
	case checker.ERR:
		return Breaking, true
	case checker.WARN:
		return Look, true
	}
	return Harmless, true
}

var fromTo = regexp.MustCompile("`(type|format|type/format)`.* from `([^`]+)` to `([^`]+)`")

// ofTypes judges a type that became another one. Formats are not checked by
// anybody, and a wider type takes what the narrower took.
func ofTypes(id, text string) (Severity, bool) {
	m := fromTo.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	answer := strings.HasPrefix(id, "response-")
	if m[1] == "type/format" { // as integer/int64
		m[2], _, _ = strings.Cut(m[2], "/")
		m[3], _, _ = strings.Cut(m[3], "/")
	}
	before, after := strings.Split(m[2], ", "), strings.Split(m[3], ", ")
	switch {
	case m[1] == "format" && answer:
		return Harmless, true
	case m[1] == "format":
		return Look, true
	case within(before, after): // wider
		if answer {
			return Look, true
		}
		return Harmless, true
	case within(after, before): // narrower
		if answer {
			return Harmless, true
		}
		return Look, true
	}
	return Breaking, true
}

func within(some, all []string) bool {
	for _, name := range some {
		if !slices.Contains(all, name) && !slices.Contains(all, "any") &&
			(name != "integer" || !slices.Contains(all, "number")) {
			return false
		}
	}
	return true
}
