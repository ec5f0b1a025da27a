package main

import (
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

// skipped are rules about things that this project does not take from vendors:
// names of operations, tags, versions of the file, unused schemas.
var skipped = []string{"api-operation-id-", "api-tag-", "api-schema-", "api-version-", "api-major-version-"}

// ours are the rules, by the beginning of their ids, that mean something else to
// this project than to the readers oasdiff has in mind. The first that fits counts.
var ours = []struct {
	prefix string
	Severity
	why string
}{
	{"request-property-removed", Breaking, "what we would go on sending would be lost in silence"},
	{"request-parameter-removed", Breaking, "the same"},
	{"response-optional-property-removed", Breaking, "vendors rarely mark fields of answers as required, and ours would be zero"},
	{"response-property-enum-value-added", Look, "enums of answers are open; an adapter may compare with known values"},
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

// severityOf suggests what a change of an operation means; ok is false for
// changes that are not reported.
func severityOf(c checker.Change) (s Severity, ok bool) {
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
	switch c.GetLevel() {
	case checker.ERR:
		return Breaking, true
	case checker.WARN:
		return Look, true
	}
	return Harmless, true
}
