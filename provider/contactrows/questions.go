package contactrows

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/postmux/postmux/provider"
)

// Question is something about a file that is not certain. Setting names what answers it,
// as the Options do: encoding, delimiter, map, status.
type Question struct {
	Setting string
	Value   string // a proposal for the setting; empty when there is none
	Text    string // what is not certain
	// Guessed is true when the layout goes by Value until something else is given; without
	// it the file cannot be read before the question is answered.
	Guessed bool
}

// Questions returns what is not certain about the file, as far as it was looked at: after
// Survey there are fewer, because a column without content, and a standing that each row
// states, ask nothing.
func (l *Layout) Questions() []Question {
	out := slices.Clone(l.guesses)
	for _, c := range l.Columns {
		if c.Target == "" && (l.Surveyed == nil || c.Filled > 0) {
			out = append(out, Question{Setting: "map", Value: c.Name + "=" + fieldPrefix + fieldName(c.Name), Text: fmt.Sprintf("the column %q is not known", c.Name)})
		}
	}
	if why := l.stops(); why != "" && l.opts.Status == "" && (l.Surveyed == nil || l.Surveyed.Unstated > 0) {
		out = append(out, Question{"status", string(provider.StatusUnsubscribed), why + ", and not each row says whether it is stopped", true})
	}
	return out
}

// fieldName is a proposal for the name of a field.
func fieldName(column string) string {
	return strings.Trim(strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, column)), "_")
}

// stops is why the file may be one of people who get no mail.
func (l *Layout) stops() string {
	if l.opts.Need == NeedAddress {
		return ""
	}
	if l.stopName {
		return "the name of the file says that its people get no mail"
	}
	for _, c := range l.Columns {
		if slices.Contains(stopTargets, c.Target) {
			return fmt.Sprintf("the column %q says that people get no mail", c.Name)
		}
	}
	return ""
}

// unstated is the standing of rows that state none.
func (l *Layout) unstated() provider.MembershipStatus {
	if l.opts.Status == "" && l.stops() != "" {
		return provider.StatusUnsubscribed
	}
	return l.opts.Status
}

// Certain returns an error that tells all Questions; nil when there are none.
func (l *Layout) Certain() error {
	var texts []string
	for _, q := range l.Questions() {
		text := q.Text + "; the setting " + q.Setting + " says it"
		if q.Value != "" {
			text += ": " + q.Value
		}
		texts = append(texts, text)
	}
	if texts == nil {
		return nil
	}
	return provider.Invalid("", "%s", strings.Join(texts, "\n  "))
}
