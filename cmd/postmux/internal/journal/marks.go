package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// marksEvery is after how many rows an import writes down how far it came. An
// import that is killed repeats at most that many, which changes nothing.
const marksEvery = 1000

// mark says that the first Rows rows of the input are done.
type mark struct {
	Digest string `json:"digest"`          // of those rows
	Local  int    `json:"local,omitempty"` // of the refused ones, those that were refused here: nothing was sent
	provider.ImportReport
}

// Teller tells somebody the rows to look at.
type Teller interface {
	// Row tells a row that begins at a line of the input, if it is one to look at. After
	// an error every such row has one.
	Row(line int, row provider.ImportResult) error
	// Safe waits until the disk has what was told. Once it failed it fails for ever.
	Safe() error
}

// Marks is the file in which an import keeps how far it came. Without a file
// only rows are counted. No mark counts a row before the row was told: after a crash
// a row may be told again, and none is left out.
type Marks struct {
	file  *File
	told  Teller
	begun mark // where an earlier import ended

	rows   int            // read
	chain  [32]byte       // digest of the rows read
	chains map[int]string // of rows read whose result is not there yet, by their number
	now    mark
	frozen bool // a row was left for a reason that another time may not have, or was not told
}

// OpenMarks opens the file called name, which must be there to resume and must
// be new or empty otherwise.
func OpenMarks(ctx context.Context, name string, resume bool) (*Marks, error) {
	m := &Marks{chains: make(map[int]string)}
	var err error
	m.file, err = openResults(ctx, name, resume, func(_ int, line []byte) error {
		var next mark
		if err := json.Unmarshal(line, &next); err != nil || next.Digest == "" || next.Rows < m.begun.Rows {
			return errors.New("not of an import")
		}
		m.begun = next
		return nil
	})
	if err != nil {
		return nil, err
	}
	m.now = m.begun
	return m, nil
}

// Read takes note of a row by its content, and reports whether it was done before.
func (m *Marks) Read(raw []byte) (done bool, err error) {
	m.rows++
	if m.file.file == nil {
		return false, nil
	}
	h := sha256.New()
	h.Write(m.chain[:])
	h.Write(raw)
	h.Sum(m.chain[:0])
	text := hex.EncodeToString(m.chain[:8])
	switch {
	case m.rows < m.begun.Rows:
		return true, nil
	case m.rows == m.begun.Rows && text != m.begun.Digest:
		return true, exit.UsageError("--resume", "the input has changed, or it is read or used in another way: its first %s are not those that %s is of", terminal.Plural(m.rows, "row", "rows"), m.file.name)
	case m.rows == m.begun.Rows:
		return true, nil
	}
	m.chains[m.rows] = text
	return false, nil
}

// End reports an input that has fewer rows than were done before. It is called after the last.
func (m *Marks) End() error {
	if m.rows < m.begun.Rows {
		return exit.UsageError("--resume", "the input has changed: it has %s, and %s are done by %s", terminal.Plural(m.rows, "row", "rows"), fmt.Sprint(m.begun.Rows), m.file.name)
	}
	return nil
}

// Before is how many rows an earlier import did.
func (m *Marks) Before() int { return m.begun.Rows }

// Tell makes t tell the rows.
func (m *Marks) Tell(t Teller) { m.told = t }

// Done tells the result of a row that begins at a line of the input, and takes note of
// it; results come in the order of rows. An error means that the row is not told.
func (m *Marks) Done(line int, row provider.ImportResult) error {
	err := m.told.Row(line, row)
	if m.file.file == nil {
		return err
	}
	text := m.chains[row.Index+1]
	delete(m.chains, row.Index+1)
	m.frozen = m.frozen || err != nil || again(row.Err)
	if m.frozen {
		return err
	}
	m.now.Digest = text
	m.now.count(row)
	if m.now.Rows%marksEvery != 0 {
		return nil
	}
	return m.write()
}

// write writes a mark, when all that it counts is told.
func (m *Marks) write() error {
	if err := m.told.Safe(); err != nil {
		m.frozen = true
		return err
	}
	m.file.Write(m.now)
	return nil
}

// count adds a row that was tried.
func (m *mark) count(row provider.ImportResult) {
	m.Rows++
	switch RowState(row) {
	case "refused":
		m.Refused++
		if exit.Code(row.Err) == exit.Local {
			m.Local++
		}
	case string(provider.ContactUnknown):
		m.Unknown++
	case string(provider.ContactCreated):
		m.Created++
	case string(provider.ContactUpdated):
		m.Updated++
	default:
		m.Stored++
	}
}

// RowState returns what became of a row: its state, refused, or not_tried.
func RowState(row provider.ImportResult) string {
	switch {
	case exit.NotTried(row.Err):
		return "not_tried"
	case exit.Code(row.Err) == exit.Unknown, row.Err == nil && row.Receipt == nil:
		return string(provider.ContactUnknown)
	case row.Err != nil:
		return "refused"
	}
	return string(row.Receipt.State)
}

// again reports whether a row was left for a reason outside of it.
func again(err error) bool {
	switch exit.Code(err) {
	case exit.Credentials, exit.Later, exit.Interrupted, exit.Bug:
		return true
	}
	return false
}

// Flush writes how far the import came at its end.
func (m *Marks) Flush() error {
	err := m.told.Safe()
	if err == nil && m.now.Rows > m.begun.Rows && m.now.Rows%marksEvery != 0 {
		m.file.Write(m.now)
	}
	return errors.Join(err, m.file.Sync())
}

// Failed returns the first error of writing.
func (m *Marks) Failed() error { return m.file.Failed() }

// Close lets other runs use the file.
func (m *Marks) Close() error { return m.file.Close() }

// With adds what earlier imports did.
func (m *Marks) With(r provider.ImportReport) provider.ImportReport {
	b := m.begun
	r.Rows += b.Rows
	r.Created += b.Created
	r.Updated += b.Updated
	r.Stored += b.Stored
	r.Refused += b.Refused
	r.Unknown += b.Unknown
	return r
}

// Codes are the exit codes of the rows that were done before.
func (m *Marks) Codes() exit.Tally {
	var t exit.Tally
	b := m.begun
	t.AddMany(exit.Done, b.Created+b.Updated+b.Stored)
	t.AddMany(exit.Local, b.Local)
	t.AddMany(exit.Refused, b.Refused-b.Local)
	t.AddMany(exit.Unknown, b.Unknown)
	return t
}
