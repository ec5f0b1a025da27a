package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/postmux/postmux/cmd/postmux/internal/contactfile"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
	"github.com/postmux/postmux/provider/feature"
)

// previewWidth is that of the narrowest usual terminal.
const previewWidth = 80

// recognised tells in one line how a file is read that is not in the form of an export of
// ours; empty for one that is.
func recognised(in *contactfile.Input) string {
	l := in.Layout
	var became, out []string
	for _, c := range l.Columns {
		switch {
		case c.Target == contactrows.LeaveOut && c.Name != "":
			out = append(out, c.Name)
		case c.Target != "" && c.Target != contactrows.LeaveOut && c.Target != c.Name:
			became = append(became, c.Name+" is "+c.Target)
		}
	}
	if s := l.Surveyed; s != nil && s.Unnamed > 0 {
		out = append(out, terminal.Plural(s.Unnamed, "cell of a column without a name", "cells of columns without a name"))
	}
	if l.Form == contactrows.Lines && l.Encoding == "utf-8" || became == nil && out == nil && in.Sheet() == "" && l.Encoding == "utf-8" && l.Delimiter == ',' {
		return ""
	}
	text := in.Name() + ": " + formText(in)
	if became != nil {
		text += "; " + strings.Join(became, ", ")
	}
	if out != nil {
		text += "; left out: " + strings.Join(out, ", ")
	}
	return text
}

// formText is the form of a file in words.
func formText(in *contactfile.Input) string {
	l := in.Layout
	text := string(l.Form)
	if name := in.Sheet(); name != "" {
		text += ", of which the sheet " + name + " alone is read"
	}
	if l.Form != contactrows.Table {
		text += " in " + l.Encoding
	}
	if l.Form == contactrows.CSV && len(l.Columns) > 1 {
		text += ", cells separated by " + contactrows.DelimiterName(l.Delimiter)
	}
	if l.Headless {
		text += ", without names of columns"
	}
	return text
}

// preview shows how a file is read: what each column becomes, ten rows as they will be
// stored, what will be refused, and what the provider cannot keep.
func preview(c *provider.Client, in *contactfile.Input) string {
	var b strings.Builder
	l, s := in.Layout, in.Layout.Surveyed
	head := in.Name() + ": " + formText(in)
	if s != nil {
		head += ", " + terminal.Plural(s.Rows, "row", "rows")
	}
	paragraph(&b, "", head)
	if l.Columns != nil {
		b.WriteByte('\n')
		previewColumns(&b, l)
	}
	if open := l.Questions(); open != nil {
		b.WriteString("\nNot certain:\n")
		for _, q := range open {
			text := q.Text
			if q.Guessed {
				text += "; guessed: " + q.Setting + " " + q.Value
			}
			paragraph(&b, "  ", text)
		}
	}
	if s != nil {
		previewRows(&b, s)
	}
	if lost := lostAt(c, l); lost != nil {
		fmt.Fprintf(&b, "\nAt %s:\n", accountText(c.Account(), c.Provider()))
		for _, text := range lost {
			paragraph(&b, "  ", text)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// previewColumns tells what each column becomes. Those that are left out for one reason
// share a paragraph: some exports have ninety.
func previewColumns(b *strings.Builder, l *contactrows.Layout) {
	width := len("COLUMN")
	for _, c := range l.Columns {
		if c.Target != contactrows.LeaveOut {
			width = min(max(width, uniseg.StringWidth(c.Name)), 32)
		}
	}
	because := "" // the head of a column that is there when something is in it
	for _, c := range l.Columns {
		if c.Target == "" || c.Target != contactrows.LeaveOut && c.Why != "" && c.Why != "known" {
			because = "BECAUSE"
		}
	}
	line := func(name, becomes, why string) {
		text := fit(name, width) + "  " + becomes
		if why != "" {
			text = fit(text, width+2+24) + "  " + why
		}
		b.WriteString(strings.TrimRight(clip(text, previewWidth), " ") + "\n")
	}
	line("COLUMN", "BECOMES", because)
	left := make(map[string][]string)
	for _, c := range l.Columns {
		becomes, why := c.Target, c.Why
		switch {
		case c.Target == contactrows.LeaveOut:
			left[c.Why] = append(left[c.Why], c.Name)
			continue
		case c.Target == "" && l.Surveyed != nil && c.Filled == 0:
			left["is not known, and empty"] = append(left["is not known, and empty"], c.Name)
			continue
		case c.Target == "":
			becomes, why = "?", "the name is not known"
		case why == "known":
			why = ""
		}
		line(c.Name, becomes, why)
	}
	for _, why := range slices.Sorted(maps.Keys(left)) {
		if why == "has no name" {
			n := len(left[why])
			text := "left out: " + terminal.Plural(n, "column", "columns") + " without a name"
			if l.Surveyed != nil && l.Surveyed.Unnamed > 0 {
				text += ", with " + terminal.Plural(l.Surveyed.Unnamed, "cell", "cells")
			}
			paragraph(b, "", text)
			continue
		}
		paragraph(b, "", fmt.Sprintf("left out (%s): %s", why, strings.Join(left[why], ", ")))
	}
}

// previewRows shows rows as they will be stored, and those that will be refused.
func previewRows(b *strings.Builder, s *contactrows.Survey) {
	if len(s.First) > 0 {
		b.WriteString("\nThe first rows, as they will be stored:\n")
	}
	digits := 0
	for _, row := range s.First {
		digits = max(digits, len(strconv.Itoa(row.Line)))
	}
	for _, row := range s.First {
		b.WriteString(clip(fmt.Sprintf("  %*d  %s", digits, row.Line, terminal.Printable(changeText(row.Change))), previewWidth) + "\n")
	}
	var standing []string
	for _, status := range s.Standings() {
		text := string(status)
		if status == "" {
			text = "not stated"
		}
		standing = append(standing, fmt.Sprintf("%d %s", s.Standing[status], text))
	}
	if standing != nil {
		b.WriteByte('\n')
		paragraph(b, "", "Standing: "+strings.Join(standing, ", "))
	}
	if s.Refused > 0 {
		fmt.Fprintf(b, "\n%s will be refused and given back:\n", terminal.Plural(s.Refused, "row", "rows"))
		for _, p := range s.Problems {
			paragraph(b, "  ", p.Error())
		}
		if more := s.Refused - len(s.Problems); more > 0 {
			fmt.Fprintf(b, "  and %d more\n", more)
		}
	}
}

// changeText is what a change stores, in a line.
func changeText(c provider.ContactChange) string {
	parts := []string{c.Email}
	for _, own := range contactrows.OwnFields {
		if v := own.In(&c); v.IsSet() {
			parts = append(parts, own.Name+"="+v.Value())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, c.Fields[name]))
	}
	for _, list := range c.Lists {
		parts = append(parts, "list "+list.String())
	}
	if c.Status != "" {
		parts = append(parts, string(c.Status))
	}
	return strings.Join(parts, "  ")
}

// lostAt is what the provider does not take of such a file, or takes with a limit.
func lostAt(c *provider.Client, l *contactrows.Layout) []string {
	if l.Columns == nil {
		return nil
	}
	caps := c.Capabilities()
	used := make(map[provider.Feature]string)
	lists := l.HasLists()
	for _, col := range l.Columns {
		switch name, isField := strings.CutPrefix(col.Target, "field."); {
		case isField && used[feature.ContactsUpsertFields] != "":
			used[feature.ContactsUpsertFields] += ", " + name
		case isField:
			used[feature.ContactsUpsertFields] = "fields " + name
		case col.Target == "phone":
			used[feature.ContactsUpsertPhone] = "phone"
		case col.Target == "external_id":
			used[feature.ContactsUpsertExternalID] = "external_id"
		case col.Target == "first_name", col.Target == "last_name":
			used[feature.ContactsUpsertNames] = "names"
		}
	}
	if s := l.Surveyed; s != nil {
		for status := range s.Standing {
			if status.Terminal() {
				used[feature.ContactsUpsertStatus] = "rows of people who are stopped"
			}
		}
	}
	if !lists {
		used[feature.ContactsUpsertWithoutList] = "rows on no list (--list names one)"
	}
	var out []string
	for _, f := range slices.Sorted(maps.Keys(used)) {
		switch s := caps[f]; caps.Level(f) {
		case provider.LevelNone:
			out = append(out, strings.TrimSuffix(used[f]+": not taken, such rows are refused; "+s.Limit, "; "))
		case provider.LevelLimited, provider.LevelEmulated:
			out = append(out, used[f]+": with a limit: "+s.Limit)
		}
	}
	return out
}

// paragraph writes text in lines that a terminal holds, under an indent.
func paragraph(b *strings.Builder, indent, text string) {
	for i, line := range wrap(terminal.Printable(text), previewWidth-len(indent)-2) {
		if i > 0 {
			line = "  " + line
		}
		b.WriteString(indent + line + "\n")
	}
}

// fit is text that takes exactly that many columns.
func fit(text string, width int) string {
	text = clip(terminal.Printable(text), width)
	return text + strings.Repeat(" ", width-uniseg.StringWidth(text))
}

// clip is text that takes at most that many columns.
func clip(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var b strings.Builder
	left := width - 1
	for g := uniseg.NewGraphemes(text); g.Next(); {
		if left -= g.Width(); left < 0 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}
