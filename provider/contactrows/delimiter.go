package contactrows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/postmux/postmux/internal/lines"
)

// delimiters are those that are recognised.
const delimiters = ",;\t|"

// recognizeDelimiter takes the delimiter that is the only possible one, or guesses: the
// one with most known names, and then with most cells.
func (l *Layout) recognizeDelimiter(text []byte) {
	const rows = 50
	type candidate struct {
		delimiter   rune
		cells       int
		known, even bool
	}
	var all []candidate
	for _, d := range delimiters {
		records, err := sample(text, d, rows)
		if len(records) == 0 || len(records[0]) < 2 {
			continue
		}
		c := candidate{delimiter: d, cells: len(records[0])}
		c.even = (err == nil || errors.Is(err, io.EOF)) && !slices.ContainsFunc(records, func(r []string) bool { return len(r) != c.cells })
		c.known = slices.ContainsFunc(records[0], func(name string) bool { return headers[plain(name)] == targetEmail })
		all = append(all, c)
	}
	l.Delimiter = ','
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b candidate) int {
		rank := func(c candidate) int {
			n := c.cells
			if c.known {
				n += 1 << 20
			}
			if c.even {
				n += 1 << 10
			}
			return n
		}
		return rank(b) - rank(a)
	})
	l.Delimiter = all[0].delimiter
	if len(all) > 1 && (all[0].known == all[1].known) && (all[0].even == all[1].even) {
		l.guesses = append(l.guesses, Question{
			"delimiter", DelimiterName(l.Delimiter), fmt.Sprintf("cells may be separated by %s or by %s", DelimiterName(all[0].delimiter), DelimiterName(all[1].delimiter)), true,
		})
	}
}

// DelimiterName is a delimiter in words for people: comma, semicolon, tab, bar, or itself.
func DelimiterName(d rune) string {
	switch d {
	case ',':
		return "comma"
	case ';':
		return "semicolon"
	case '\t':
		return "tab"
	case '|':
		return "bar"
	}
	return string(d)
}

// sample reads the first records of a text that are not empty.
func sample(text []byte, delimiter rune, most int) (records [][]string, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, lines.ByteOrderMark)))
	r.Comma, r.FieldsPerRecord = delimiter, -1
	for len(records) < most {
		record, err := r.Read()
		if err != nil {
			return records, err
		}
		if !empty(record) {
			records = append(records, record)
		}
	}
	return records, nil
}

func empty(cells []string) bool {
	for _, c := range cells {
		if trim(c) != "" {
			return false
		}
	}
	return true
}
