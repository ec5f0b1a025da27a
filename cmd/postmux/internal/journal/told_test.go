package journal_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/contactfile"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/provider"
)

// toldRows is the number of rows of the imports here; every other one is refused.
const toldRows = 2300

// world is a disk with room for a number of bytes and waits, on which both files of an
// import are. after is called when it has changed.
type world struct {
	room  int // bytes that can be written; negative for any number
	syncs int // waits until one fails; negative for never
	after func()
	open  bool // files are opened, for which there is room; TestDiskFullAtEveryWrite fails there too
}

type worldDisk struct {
	journal.Disk
	w *world
}

func (d *worldDisk) Write(p []byte) (int, error) {
	if d.w.open {
		return d.Disk.Write(p)
	}
	n := len(p)
	if d.w.room >= 0 {
		n = min(n, d.w.room)
		d.w.room -= n
	}
	written, err := d.Disk.Write(p[:n])
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	if d.w.after != nil {
		d.w.after()
	}
	return written, err
}

func (d *worldDisk) Sync() error {
	if d.w.open {
		return nil
	}
	if d.w.syncs == 0 {
		return syscall.EIO
	}
	d.w.syncs--
	return nil // the tests need no real one
}

// importedRow is a row. An error of one has a line break, quotes and a comma.
func importedRow(i int) provider.ImportResult {
	r := provider.ImportResult{Index: i, Email: fmt.Sprintf("u%d@example.com", i)}
	if i%2 == 0 {
		r.Err = &provider.Error{Kind: provider.ErrInvalid, Provider: "brevo", Outcome: provider.OutcomeNotSent, Status: 400, Message: "no,\n\"not\" 7"}
		return r
	}
	r.Receipt = &provider.ContactReceipt{State: provider.ContactCreated}
	return r
}

// toldForm is that of a report on an input of one column.
var toldForm = contactfile.ReportForm{Delimiter: ',', Head: []string{"email"}}

// teller tells the rows of importedRow in a report.
type teller struct{ *contactfile.Report }

func (r teller) Row(line int, row provider.ImportResult) error {
	return r.Report.Row(line, contactfile.Given{Cells: []string{row.Email}}, row)
}

// runImport imports the rows that are left, as the tool does, until an error.
func runImport(t *testing.T, report, results string, resume bool, w *world) error {
	t.Helper()
	ctx := journal.OnDisk(t.Context(), func(d journal.Disk) journal.Disk { return &worldDisk{Disk: d, w: w} })
	w.open = true
	m, err := journal.OpenMarks(ctx, results, resume)
	require.NoError(t, err)
	defer func() { _ = m.Close() }()
	r, err := contactfile.OpenReport(ctx, report, toldForm, resume, results)
	require.NoError(t, err)
	defer r.Close()
	w.open = false
	m.Tell(teller{r})
	before := len(toldIn(t, report))
	for i := range toldRows {
		done, failed := m.Read(fmt.Appendf(nil, "%d", i))
		if failed != nil {
			return failed
		}
		if done {
			continue
		}
		if failed := m.Done(i+2, importedRow(i)); err == nil {
			err = failed
		}
		// Rows behind an error were read before it and get their results.
		if (err != nil || m.Failed() != nil) && i%10 == 0 {
			break
		}
	}
	if failed := m.Flush(); err == nil {
		err = failed
	}
	assert.Len(t, toldIn(t, report), before+r.Told(), "what is counted is what is there")
	return err
}

// toldIn counts how often a report has each row. Each must be whole.
func toldIn(t *testing.T, name string) []int {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	var lines []int
	add := func(line int, email, message string) {
		if email != fmt.Sprintf("u%d@example.com", line-2) || !strings.Contains(message, "no,\n\"not\" 7") {
			t.Fatalf("line %d is %q, %q", line, email, message)
		}
		lines = append(lines, line)
	}
	if filepath.Ext(name) == ".csv" {
		records, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
		require.NoError(t, err)
		for _, r := range records[min(1, len(records)):] {
			var line int
			_, _ = fmt.Sscan(r[0], &line)
			add(line, r[3], r[2])
		}
		return lines
	}
	for text := range strings.Lines(string(data)) {
		var row struct {
			Line           int
			Email, Message string
		}
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			t.Fatal(err)
		}
		add(row.Line, row.Email, row.Message)
	}
	return lines
}

// allTold checks that each refused row is told, and none more than most times.
func allTold(t *testing.T, name string, most int) {
	t.Helper()
	times := make(map[int]int)
	for _, line := range toldIn(t, name) {
		times[line]++
	}
	for i := 0; i < toldRows; i += 2 {
		if times[i+2] == 0 {
			t.Fatalf("line %d is refused and told nowhere", i+2)
		}
	}
	require.Len(t, times, toldRows/2, "no other is told")
	for line, n := range times {
		if n > most {
			t.Fatalf("line %d is told %d times", line, n)
		}
	}
}

// A disk that is full at any byte of the report or of the marks ends the import with an
// error, and with --resume, when there is room, no refused row is missing, torn or glued
// to another.
func TestDiskFull(t *testing.T) {
	for _, ext := range []string{".csv", ".jsonl"} {
		t.Run(ext, func(t *testing.T) {
			dir := t.TempDir()
			report, results := filepath.Join(dir, "whole"+ext), filepath.Join(dir, "whole.state")
			err := runImport(t, report, results, false, &world{room: -1, syncs: -1})
			require.NoError(t, err)
			allTold(t, report, 1)
			size := int(fileSize(t, report) + fileSize(t, results))
			if ext == ".csv" {
				size -= len("postmux_line,postmux_state,postmux_reason,email\n") // written at the opening
			}
			row := size / (toldRows / 2)
			rooms := []int{size - 1, size - 50, size - 300}
			for i := 0; i < row+3; i += 5 { // in each part of a row
				rooms = append(rooms, i)
			}
			for i := 2 * row; i < size; i += 9041 {
				rooms = append(rooms, i)
			}
			around := size * 1000 / toldRows
			for i := around - row*2; i < around+row*2; i += 23 { // and around the first mark
				rooms = append(rooms, i)
			}
			for i, room := range rooms {
				report, results := filepath.Join(dir, fmt.Sprint(i)+ext), filepath.Join(dir, fmt.Sprint(i, ".state"))
				err := runImport(t, report, results, false, &world{room: room, syncs: -1})
				require.ErrorIs(t, err, syscall.ENOSPC, "room for %d of %d bytes", room, size)
				err = runImport(t, report, results, true, &world{room: 100, syncs: -1})
				if err != nil {
					require.ErrorIs(t, err, syscall.ENOSPC)
				}
				err = runImport(t, report, results, true, &world{room: -1, syncs: -1})
				require.NoError(t, err)
				allTold(t, report, 3)
				require.NoError(t, errors.Join(os.Remove(report), os.Remove(results)))
			}
			t.Logf("%d disks", len(rooms))
		})
	}
}

// A mark whose rows the disk may not have is not written.
func TestDiskFailsToSync(t *testing.T) {
	for _, tc := range []struct {
		name         string
		syncs, marks int
	}{
		{name: "before the first mark", syncs: 0, marks: 0},
		{name: "before the second", syncs: 1, marks: 1},
		{name: "before the last", syncs: 2, marks: 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			report, results := filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.state")
			err := runImport(t, report, results, false, &world{room: -1, syncs: tc.syncs})
			require.ErrorIs(t, err, syscall.EIO)
			data, err := os.ReadFile(results)
			require.NoError(t, err)
			assert.Equal(t, tc.marks, strings.Count(string(data), "\n"))
			err = runImport(t, report, results, true, &world{room: -1, syncs: -1})
			require.NoError(t, err)
			allTold(t, report, 2)
		})
	}
}

// A kill at any write leaves both files in a state from which --resume tells each refused
// row, and twice at most.
func TestKillBetweenReportAndMark(t *testing.T) {
	dir := t.TempDir()
	report, results := filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.state")
	copied, writes := 0, 0
	w := &world{room: -1, syncs: -1}
	w.after = func() {
		writes++
		if writes > 3 && writes%89 != 0 && writes%501 > 2 && writes%501 < 499 { // the marks are at 501 and 1002
			return
		}
		copied++
		for from, to := range map[string]string{report: "csv", results: "state"} {
			data, err := os.ReadFile(from)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("copy%d.%s", copied, to)), data, 0o600))
		}
	}
	err := runImport(t, report, results, false, w)
	require.NoError(t, err)
	require.Greater(t, copied, 20)
	for i := 1; i <= copied; i++ {
		report, results := filepath.Join(dir, fmt.Sprintf("copy%d.csv", i)), filepath.Join(dir, fmt.Sprintf("copy%d.state", i))
		err := runImport(t, report, results, true, &world{room: -1, syncs: -1})
		require.NoError(t, err)
		allTold(t, report, 2)
	}
	t.Logf("%d kills of %d writes", copied, writes)
}

func fileSize(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	require.NoError(t, err)
	return info.Size()
}
