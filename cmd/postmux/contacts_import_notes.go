package main

import (
	"fmt"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// noteCount counts the notes of many rows by their text.
type noteCount struct {
	texts []string // in the order they came
	rows  map[string]int
	other int // notes of further texts
}

func (c *noteCount) add(notes []provider.Note) {
	const most = 10
	for _, n := range notes {
		text := terminal.NoteText(n)
		if _, known := c.rows[text]; !known && len(c.texts) == most {
			c.other++
			continue
		}
		if c.rows == nil {
			c.rows = make(map[string]int)
		}
		if c.rows[text]++; c.rows[text] == 1 {
			c.texts = append(c.texts, text)
		}
	}
}

// lines are one line for each text.
func (c *noteCount) lines() []string {
	var out []string
	for _, text := range c.texts {
		out = append(out, terminal.Plural(c.rows[text], "row", "rows")+": "+terminal.Printable(text))
	}
	if c.other > 0 {
		out = append(out, fmt.Sprintf("and %s of other kinds", terminal.Plural(c.other, "note", "notes")))
	}
	return out
}
