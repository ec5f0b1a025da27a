package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/exact"
)

// variablesOf returns the variables in the other form, a list.
func (p *sendpulse) variablesOf(m *member) []any {
	rows := []any{}
	for _, name := range slices.Sorted(maps.Keys(m.fields)) {
		typ := "string"
		if f := p.variable(m.list, name); f != nil {
			typ = f.typ
		}
		rows = append(rows, map[string]any{"name": name, "type": typ, "value": m.fields[name]})
	}
	return rows
}

// variable finds a variable of a list; each list has its own. One that was put
// in by AddField is on every list.
func (p *sendpulse) variable(list, name string) *field {
	i := slices.IndexFunc(
		p.fields, func(f *field) bool { return f.name == name && (f.list == list || f.list == "") },
	)
	if i < 0 {
		return nil
	}
	return p.fields[i]
}

// typeOf returns the type that a variable gets when it is first set.
func typeOf(v any) string {
	switch v := v.(type) {
	case float64, json.Number:
		return "number"
	case string:
		if _, err := time.Parse(time.DateOnly, v); err == nil {
			return "date"
		}
	}
	return "string"
}

// fits reports whether a variable accepts the value: number variables numbers only,
// date variables dates only, string variables both (document).
func (p *sendpulse) fits(list, name string, v any) bool {
	f := p.variable(list, name)
	return f == nil || f.typ == "string" || f.typ == typeOf(v)
}

// setVariables sets variables on one list and creates new ones.
func (p *sendpulse) setVariables(c *contact, m *member, variables map[string]any) {
	for name, v := range variables {
		if name == "Phone" { // the system variable
			c.phone = phoneText(v)
			continue
		}
		if p.variable(m.list, name) == nil {
			p.fields = append(p.fields, &field{name: name, typ: typeOf(v), list: m.list})
		}
		m.fields[name] = v
	}
	c.modified = p.now()
}

// phoneText returns a phone number as the vendor stores it: digits.
func phoneText(v any) string {
	text, ok := v.(string)
	if !ok {
		text, _ = exact.Text(v)
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
