package contactrows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// recognizeColumns tells what the columns are, by the first row that is not empty.
func (l *Layout) recognizeColumns(head []string) error {
	l.head = head
	addressed := func(cell string) bool { return strings.Contains(cell, "@") && mailaddr.Check(trimmed(cell)) == nil }
	if slices.ContainsFunc(head, addressed) {
		l.Headless, l.head = true, nil
		known := false
		for i, cell := range head {
			c := Column{Name: fmt.Sprintf("column %d", i+1)}
			if !known && addressed(cell) {
				c.Target, c.Why, known = targetEmail, "holds an address", true
			}
			l.Columns = append(l.Columns, c)
		}
	} else {
		for _, name := range head {
			l.Columns = append(l.Columns, Column{Name: trimmed(name)})
		}
	}
	if err := l.takeMapping(); err != nil {
		return err
	}
	own := l.programs()
	for i := range l.Columns {
		l.recognizeColumn(&l.Columns[i], own)
	}
	l.wholeName()
	if !l.has(targetEmail) {
		l.guesses = append(l.guesses, Question{Setting: "map", Text: "no column is one of mail addresses"})
	}
	l.twice()
	return nil
}

// takeMapping gives the columns the targets of the options.
func (l *Layout) takeMapping() error {
	for name, target := range l.opts.Map {
		same := func(c Column) bool { return c.Name == trim(name) }
		if !slices.ContainsFunc(l.Columns, same) {
			same = func(c Column) bool { return plain(c.Name) == plain(name) && plain(name) != "" }
		}
		found := false
		for i, c := range l.Columns {
			if same(c) {
				l.Columns[i].Target, l.Columns[i].Why, found = target, "as given", true
			}
		}
		if !found {
			var names []string
			for _, c := range l.Columns {
				names = append(names, c.Name)
			}
			return provider.Invalid("map", "no column is called %q; the file has %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// programs are those whose export the file may be.
func (l *Layout) programs() []program {
	var out []program
	for _, p := range programs {
		if slices.ContainsFunc(l.Columns, func(c Column) bool { return slices.Contains(p.marks, plain(c.Name)) }) {
			out = append(out, p)
		}
	}
	return out
}

func (l *Layout) recognizeColumn(c *Column, own []program) {
	name := plain(c.Name)
	target := headers[name]
	if len(c.Name) > len(fieldPrefix) && strings.EqualFold(c.Name[:len(fieldPrefix)], fieldPrefix) {
		target = fieldPrefix + trim(c.Name[len(fieldPrefix):])
	}
	if target == targetStatus || target == targetSubscribed || slices.Contains(stopTargets, target) {
		c.standing = target
	}
	switch {
	case c.Why != "": // given, or an address
	case strings.HasPrefix(strings.ToLower(c.Name), OwnPrefix):
		c.Target, c.Why = LeaveOut, "of a report"
	case c.Name == "":
		c.Target, c.Why = LeaveOut, "has no name"
	case target != "":
		c.Target = target
		if c.Name != target {
			c.Why = "known"
		}
	case ownOf(own, name) != "":
		c.Target, c.Why = LeaveOut, "bookkeeping of "+ownOf(own, name)
	case l.opts.IgnoreUnknown, l.opts.Need != NeedAll:
		c.Target, c.Why = LeaveOut, "not known"
	}
	switch {
	case c.Target == targetEmail, c.Target == LeaveOut, c.Target == "", c.Target == targetName:
	case l.opts.Need == NeedAddress, l.opts.Need == NeedStanding && c.standing == "":
		c.Target, c.Why = LeaveOut, "not needed"
	}
	if l.opts.Need == NeedAddress {
		c.standing = ""
	}
}

// ownOf is the program that a column is about, and not about the person.
func ownOf(of []program, name string) string {
	for _, p := range of {
		if p.columns[name] {
			return p.name
		}
	}
	return ""
}

// wholeName decides about a column of whole names.
func (l *Layout) wholeName() {
	i := slices.IndexFunc(l.Columns, func(c Column) bool { return c.Target == targetName })
	if i < 0 {
		return
	}
	c := &l.Columns[i]
	switch first, last := l.has("first_name"), l.has("last_name"); {
	case l.opts.Need != NeedAll:
		c.Target, c.Why = LeaveOut, "not needed"
	case first && last:
		c.Target, c.Why = LeaveOut, "repeats the other names"
	case first:
		c.Target = "last_name"
	default:
		c.Target = "first_name"
	}
	if c.Target != LeaveOut {
		c.Why = "guessed"
		l.guesses = append(l.guesses, Question{"map", c.Name + "=" + c.Target, fmt.Sprintf("the column %q may hold a first, a last or a whole name", c.Name), true})
	}
	for j := range l.Columns { // a second one of the kind
		if l.Columns[j].Target == targetName {
			l.Columns[j].Target, l.Columns[j].Why = LeaveOut, "repeats the other names"
		}
	}
}

func (l *Layout) has(target string) bool {
	return slices.ContainsFunc(l.Columns, func(c Column) bool { return c.Target == target })
}

// twice asks about targets that two columns have. Of standing there may be several: the
// strongest stop counts.
func (l *Layout) twice() {
	for i, c := range l.Columns {
		if c.Target == "" || c.Target == LeaveOut || c.Target == targetStatus || slices.Contains(stopTargets, c.Target) {
			continue
		}
		before := slices.IndexFunc(l.Columns, func(x Column) bool { return x.Target == c.Target })
		if before < i {
			l.guesses = append(l.guesses, Question{Setting: "map", Value: c.Name + "=" + LeaveOut, Text: fmt.Sprintf(
				"the columns %q and %q are both %s", l.Columns[before].Name, c.Name, c.Target,
			)})
		}
	}
}
