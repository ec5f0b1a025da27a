package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postmux/postmux/provider"
)

// csvColumns are the columns of a contact file, next to field.NAME.
var csvColumns = []string{"email", "phone", "external_id", "first_name", "last_name", "lists", "status"}

const fieldPrefix = "field."

// readCSV reads contacts. The whole file is read before anything is done, and
// all problems of its form are told at once. An empty cell leaves the field alone.
func readCSV(data []byte) ([]provider.ContactChange, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, provider.Invalid("", "expected a CSV file in UTF-8")
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, provider.Invalid("", "expected a line of column names, found an empty file")
	}
	if err != nil {
		return nil, csvError(err)
	}
	columns := slices.Clone(header)
	if err := checkColumns(columns); err != nil {
		return nil, err
	}
	var out []provider.ContactChange
	var problems []string
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, joinLines(problems)
		}
		if errors.Is(err, csv.ErrFieldCount) {
			line, _ := r.FieldPos(0)
			problems = append(problems, fmt.Sprintf("line %d: expected %d cells, got %d", line, len(columns), len(record)))
			continue
		}
		if err != nil {
			return nil, joinLines(append(problems, csvError(err).Error()))
		}
		c, err := changeFromRecord(columns, record)
		if err != nil {
			line, _ := r.FieldPos(0)
			problems = append(problems, fmt.Sprintf("line %d: %v", line, err))
			continue
		}
		out = append(out, c)
	}
}

func csvError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("line %d: %w", p.Line, p.Err)
	}
	return err
}

// joinLines makes one error of the problems of a file; a long list is cut.
func joinLines(problems []string) error {
	const most = 20
	switch n := len(problems); {
	case n == 0:
		return nil
	case n == 1:
		return provider.Invalid("", "%s", problems[0])
	case n > most:
		problems = append(problems[:most:most], fmt.Sprintf("and %d more", n-most))
	}
	return provider.Invalid("", "%s", "the file has problems:\n  "+strings.Join(problems, "\n  "))
}

func checkColumns(columns []string) error {
	known := strings.Join(csvColumns, ", ") + ", " + fieldPrefix + "NAME"
	for i, c := range columns {
		switch name, isField := strings.CutPrefix(c, fieldPrefix); {
		case isField && name == "", !isField && !slices.Contains(csvColumns, c):
			hint := ""
			if strings.Contains(c, ";") {
				hint = "; the cells are separated by commas, only the lists inside a cell by ;"
			}
			return provider.Invalid("", "unknown column %q; known: %s%s", c, known, hint)
		case slices.Contains(columns[:i], c):
			return provider.Invalid("", "the column %q stands twice", c)
		}
	}
	if !slices.Contains(columns, "email") {
		return provider.Invalid("", "the column email is missing; known: %s", known)
	}
	return nil
}

func changeFromRecord(columns, record []string) (provider.ContactChange, error) {
	var c provider.ContactChange
	for i, cell := range record {
		cell = unguard(cell)
		if cell == "" {
			continue
		}
		switch columns[i] {
		case "email":
			c.Email = cell
		case "phone":
			c.Phone = provider.Set(cell)
		case "external_id":
			c.ExternalID = provider.Set(cell)
		case "first_name":
			c.FirstName = provider.Set(cell)
		case "last_name":
			c.LastName = provider.Set(cell)
		case "status":
			c.Status = provider.MembershipStatus(cell)
		case "lists":
			for name := range strings.SplitSeq(cell, ";") {
				ref := provider.ParseRef(strings.TrimSpace(name))
				if ref.IsZero() {
					return c, fmt.Errorf("lists: expected names separated by ;, got %q", cell)
				}
				c.Lists = append(c.Lists, ref)
			}
		default:
			if c.Fields == nil {
				c.Fields = make(map[string]any)
			}
			c.Fields[strings.TrimPrefix(columns[i], fieldPrefix)] = cell
		}
	}
	return c, nil
}

// readJSONL reads contacts from lines of JSON, under the rules of readCSV.
func readJSONL(data []byte) ([]provider.ContactChange, error) {
	var out []provider.ContactChange
	var problems []string
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, max(len(data), 1)+1)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		c, err := provider.ParseContactChange(line)
		if err != nil {
			e := asProviderError(err)
			problems = append(problems, fmt.Sprintf("line %d: %s", n, strings.TrimPrefix(e.Field+": "+e.Message, ": ")))
			continue
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return out, joinLines(problems)
}
