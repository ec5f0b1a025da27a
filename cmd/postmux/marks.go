package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

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

// marks is the file in which an import keeps how far it came. Without a file
// only rows are counted.
type marks struct {
	file  *resultFile
	begun mark // where an earlier import ended

	rows   int            // read
	chain  [32]byte       // digest of the rows read
	chains map[int]string // of rows read whose result is not there yet, by their number
	now    mark
	frozen bool // a row was left for a reason that another time may not have
}

// openMarks opens the file called name, which must be there to resume and must
// be new or empty otherwise.
func openMarks(name string, resume bool) (*marks, error) {
	m := &marks{chains: make(map[int]string)}
	var err error
	m.file, err = openResults(name, resume, func(_ int, line []byte) error {
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

// read takes note of a row by its content, and reports whether it was done before.
func (m *marks) read(raw []byte) (done bool, err error) {
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
		return true, usageErr("--resume", "the input has changed: its first %s are not those that %s is of", plural(m.rows, "row", "rows"), m.file.name)
	case m.rows == m.begun.Rows:
		return true, nil
	}
	m.chains[m.rows] = text
	return false, nil
}

// end is called after the last row.
func (m *marks) end() error {
	if m.rows < m.begun.Rows {
		return usageErr("--resume", "the input has changed: it has %s, and %s are done by %s", plural(m.rows, "row", "rows"), fmt.Sprint(m.begun.Rows), m.file.name)
	}
	return nil
}

// before is how many rows an earlier import did.
func (m *marks) before() int { return m.begun.Rows }

// done takes note of the result of a row; results come in the order of rows.
func (m *marks) done(row provider.ImportResult) {
	if m.file.file == nil {
		return
	}
	text := m.chains[row.Index+1]
	delete(m.chains, row.Index+1)
	m.frozen = m.frozen || again(row.Err)
	if m.frozen {
		return
	}
	m.now.Digest = text
	m.now.count(row)
	if m.now.Rows%marksEvery == 0 {
		m.file.write(m.now)
	}
}

// count adds a row that was tried.
func (m *mark) count(row provider.ImportResult) {
	m.Rows++
	switch rowState(row) {
	case "refused":
		m.Refused++
		if exitCode(row.Err) == exitLocal {
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

// rowState is what became of a row.
func rowState(row provider.ImportResult) string {
	switch {
	case notTried(row.Err):
		return "not_tried"
	case exitCode(row.Err) == exitUnknown, row.Err == nil && row.Receipt == nil:
		return string(provider.ContactUnknown)
	case row.Err != nil:
		return "refused"
	}
	return string(row.Receipt.State)
}

// again reports whether a row was left for a reason outside of it.
func again(err error) bool {
	switch exitCode(err) {
	case exitCredentials, exitLater, exitInterrupted, exitBug:
		return true
	}
	return false
}

// flush writes how far the import came at its end.
func (m *marks) flush() error {
	if m.now.Rows > m.begun.Rows && m.now.Rows%marksEvery != 0 {
		m.file.write(m.now)
	}
	return m.file.sync()
}

// failed returns the first error of writing.
func (m *marks) failed() error { return m.file.failed() }

// close lets other runs use the file.
func (m *marks) close() error { return m.file.close() }

// with adds what earlier imports did.
func (m *marks) with(r provider.ImportReport) provider.ImportReport {
	b := m.begun
	r.Rows += b.Rows
	r.Created += b.Created
	r.Updated += b.Updated
	r.Stored += b.Stored
	r.Refused += b.Refused
	r.Unknown += b.Unknown
	return r
}

// codes are the exit codes of the rows that were done before.
func (m *marks) codes() tally {
	var t tally
	b := m.begun
	t.addMany(exitDone, b.Created+b.Updated+b.Stored)
	t.addMany(exitLocal, b.Local)
	t.addMany(exitRefused, b.Refused-b.Local)
	t.addMany(exitUnknown, b.Unknown)
	return t
}
