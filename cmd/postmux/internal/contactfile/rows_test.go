package contactfile

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endless is a CSV file that is made while it is read.
type endless struct {
	row, rows int
	left      []byte
	most      uint64 // of the heap while it was read
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.left) == 0 {
		if e.row > e.rows {
			return 0, io.EOF
		}
		if e.left = fmt.Appendf(nil, "u%d@example.com,فاطمه,شهر %050d\n", e.row, e.row); e.row == 0 {
			e.left = []byte("email,first_name,field.CITY\n")
		}
		if e.row%10_000 == 0 {
			runtime.GC() // what is held counts, not what waits for the collector
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			e.most = max(e.most, m.HeapAlloc)
		}
		e.row++
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

// A file of any length takes the same memory to check and to read.
func TestRowsMemory(t *testing.T) {
	in := &endless{rows: 300_000}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := Check("a.csv", in)
	require.NoError(t, err)
	assert.Equal(t, 300_000, n)
	assert.Less(t, in.most, before.HeapAlloc+8<<20, "as a whole the file is larger than that in memory")
}

// A quote that is never closed does not take the rest of the file into memory.
func TestLongRow(t *testing.T) {
	in := io.MultiReader(strings.NewReader("email\na@example.com\n\""), strings.NewReader(strings.Repeat("x", recordMost+1)))
	_, err := Check("a.csv", in)
	assert.ErrorContains(t, err, "longer than 16 MiB")
}
