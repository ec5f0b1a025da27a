package contactrows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// builder makes changes of cells, by the targets of their columns.
type builder struct{ targets []target }

// target is what the cells of a column become.
type target struct {
	own      func(*provider.ContactChange) *provider.Change[string]
	kind     string // a name of Columns, of standing, or field.
	field    string
	standing string // what the cell says of standing, also where the column becomes something else
	mapped   bool   // a column of standing becomes something else
	several  bool   // a cell may have several values
}

func (l *Layout) targets() []target {
	out := make([]target, len(l.Columns))
	for i, c := range l.Columns {
		t := target{kind: c.Target, several: plain(c.Name) == "email1value" || plain(c.Name) == "phone1value"}
		if name, ok := strings.CutPrefix(c.Target, fieldPrefix); ok {
			t.kind, t.field = fieldPrefix, name
		}
		for _, f := range OwnFields {
			if f.Name == c.Target {
				t.own = f.In
			}
		}
		switch {
		case c.Target == targetStatus || c.Target == targetSubscribed || slices.Contains(stopTargets, c.Target):
			t.standing = c.Target
		case c.standing != "":
			t.standing, t.mapped = c.standing, true
		}
		out[i] = t
	}
	return out
}

// row fills the change of a row.
func (l *Layout) row(b *builder, cells []string, row *Row) *Problem {
	c := &row.Change
	var stand standing
	for i, cell := range cells {
		t := &b.targets[i]
		if t.kind == LeaveOut && t.standing == "" || cell == "" {
			continue
		}
		if cell = trimmed(cell); cell == "" {
			continue
		}
		if t.standing != "" {
			if p := stand.take(t, l.Columns[i].Name, cell); p != nil {
				return p
			}
		}
		if t.several && strings.Contains(cell, severalBetween) {
			cell, _, _ = strings.Cut(cell, severalBetween)
			cell = trim(cell)
			row.Kept.Further++
		}
		switch {
		case t.own != nil:
			if l.opts.Phone != nil && t.kind == "phone" {
				number, err := l.opts.Phone(cell)
				if err != nil {
					return &Problem{Field: l.Columns[i].Name, Text: err.Error()}
				}
				cell = number
			}
			*t.own(c) = provider.ChangeTo(cell)
		case t.kind == targetEmail:
			c.Email = cell
		case t.kind == fieldPrefix:
			if c.Fields == nil {
				c.Fields = make(map[string]any)
			}
			c.Fields[t.field] = cell
		case t.kind == targetLists:
			for name := range strings.SplitSeq(cell, ";") {
				ref := RefOf(strings.TrimSpace(name))
				if ref.IsZero() {
					return &Problem{Field: targetLists, Text: "expected names separated by ;, got " + quoted(cell)}
				}
				c.Lists = append(c.Lists, ref)
			}
		}
	}
	if c.Email == "" {
		return &Problem{Field: targetEmail, Text: "the row has no address"}
	}
	if err := mailaddr.Check(c.Email); err != nil {
		return &Problem{Field: targetEmail, Text: err.Error()}
	}
	for _, list := range l.opts.Lists {
		if !slices.Contains(c.Lists, list) {
			c.Lists = append(c.Lists, list)
		}
	}
	row.Stated = stand.stated
	if !stand.stated {
		stand.status = l.unstated()
	} else if l.opts.Status.Terminal() {
		stand.add(l.opts.Status)
	}
	if stand.status == standingNone {
		return &Problem{Field: stand.column, Text: quoted(stand.word) + " is no consent to mail and no stop: left out"}
	}
	if c.Status = stand.status; c.Status == provider.StatusSubscribed && len(c.Lists) == 0 {
		c.Status = "" // of no list; the contact is stored all the same
		row.Kept.OnNoList++
	}
	return nil
}

// standing is what a row says about who may mail its person: the strongest stop counts.
type standing struct {
	status       provider.MembershipStatus
	stated       bool
	column, word string // that say it
}

// weights order the standings by how much they stop.
var weights = []provider.MembershipStatus{
	"", provider.StatusSubscribed, standingNone, provider.StatusUnsubscribed, provider.StatusBounced, provider.StatusComplained, provider.StatusBlocked,
}

func (s *standing) add(status provider.MembershipStatus) bool {
	s.stated = true
	if slices.Index(weights, status) > slices.Index(weights, s.status) {
		s.status = status
		return true
	}
	return false
}

// take takes the word of a column of standing.
func (s *standing) take(t *target, column, cell string) *Problem {
	status, stated := provider.MembershipStatus(standings[plain(cell)]), true
	if t.standing != targetStatus {
		status, stated = yesOrNo(t.standing, cell, status)
	}
	if t.mapped {
		// What a person mapped to a field is one; but nobody who has said no is mailed by it.
		if !status.Terminal() {
			return nil
		}
		return &Problem{Field: column, Text: fmt.Sprintf("%s says that the person gets no mail, and the column is mapped to something else; map it to %s", quoted(cell), t.standing)}
	}
	if !stated || status == "" && t.standing == targetStatus {
		return &Problem{Field: column, Text: "the word of standing " + quoted(cell) + " is not known; write subscribed, unsubscribed, bounced, complained or blocked"}
	}
	if s.add(status) {
		s.column, s.word = column, cell
	}
	return nil
}

// quoted is a cell in quotes, at a length that can be read.
func quoted(cell string) string { return `"` + text.Clip(cell) + `"` }

// yesOrNo is what a cell says of a column that is about one standing. word is what it says
// as a word of standing. known is false when it says nothing that is known.
func yesOrNo(target, cell string, word provider.MembershipStatus) (status provider.MembershipStatus, known bool) {
	says := yesNo[plain(cell)]
	if says == "" && aTime.MatchString(cell) {
		says = "yes"
	}
	switch {
	case says == "" && word != "":
		return word, true
	case says == "":
		return "", false
	case target == targetSubscribed && says == "no":
		return provider.StatusUnsubscribed, true
	case says == "no":
		return "", true
	}
	return provider.MembershipStatus(target), true
}
