package contactrows

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
)

// Survey counts what a whole file has.
type Survey struct {
	Rows    int // with content, but for that of the names
	Refused int // of them, those of which a Problem is known
	// Unstated counts the rows that do not say whether they are stopped.
	Unstated int
	Standing map[provider.MembershipStatus]int // of the good rows, by what they say
	Problems []Problem                         // the first of them
	First    []Row                             // the first good rows; without Cells and Text
	Unnamed  int                               // cells with content in columns without a name
	Kept     Lost
}

// surveyMost bounds the rows and problems that a Survey keeps.
const surveyMost = 10

// Survey reads the file from its beginning to its end, in constant memory, and keeps in
// l.Surveyed and the columns what it has. The error is one that ends the reading.
func (l *Layout) Survey(r io.Reader) error { return l.survey(l.Rows(r)) }

// SurveyOf is Survey for a table.
func (l *Layout) SurveyOf(records Records) error { return l.survey(l.RowsOf(records)) }

func (l *Layout) survey(rows iter.Seq2[Row, error]) error {
	s := &Survey{Standing: make(map[provider.MembershipStatus]int)}
	filled := make([]int, len(l.Columns))
	for row, err := range rows {
		p, bad := errors.AsType[*Problem](err)
		if err != nil && !bad {
			return err
		}
		s.Rows++
		for i, cell := range row.Cells[:min(len(row.Cells), len(filled))] {
			if cell != "" && trim(cell) != "" {
				filled[i]++
			}
		}
		if bad {
			s.Refused++
			if len(s.Problems) < surveyMost {
				s.Problems = append(s.Problems, *p)
			}
			continue
		}
		if !row.Stated {
			s.Unstated++
		}
		status := row.Change.Status
		if row.Kept.OnNoList > 0 {
			status = provider.StatusSubscribed
		}
		s.Standing[status]++
		s.Kept.Add(row.Kept)
		if len(s.First) < surveyMost {
			s.First = append(s.First, Row{Line: row.Line, Change: row.Change, Kept: row.Kept, Stated: row.Stated})
		}
	}
	for i := range l.Columns {
		l.Columns[i].Filled = filled[i]
		if l.Columns[i].Name == "" {
			s.Unnamed += filled[i]
		}
	}
	l.Surveyed = s
	return nil
}

// Standings returns the standings that rows have, in a fixed order.
func (s *Survey) Standings() []provider.MembershipStatus {
	return slices.Sorted(maps.Keys(s.Standing))
}

// Read reads a whole small file that must be certain and have no bad row.
func Read(name string, data []byte) ([]provider.ContactChange, error) {
	l, err := Recognize(name, bytes.NewReader(data), Options{})
	if err == nil {
		err = l.Certain()
	}
	if err != nil {
		return nil, err
	}
	var out []provider.ContactChange
	var problems []string
	for row, err := range l.Rows(bytes.NewReader(data)) {
		p, bad := errors.AsType[*Problem](err)
		switch {
		case bad:
			problems = append(problems, p.Error())
		case err != nil:
			return nil, err
		}
		out = append(out, row.Change)
	}
	if problems != nil {
		return nil, provider.Invalid("", "%s", strings.Join(problems, "; "))
	}
	return out, nil
}
