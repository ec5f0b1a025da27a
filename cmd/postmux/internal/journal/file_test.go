package journal

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func anyLine(int, []byte) error { return nil }

// A line that the disk took only in part does not spoil those after it.
func TestResultFileTornWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.jsonl")
	f, err := openResults(t.Context(), name, false, anyLine)
	require.NoError(t, err)
	assert.Equal(t, 1, f.Write(map[string]int{"n": 1}))
	disk := f.file
	f.file = &fullOnce{Disk: disk}
	assert.Equal(t, 0, f.Write(map[string]int{"n": 2}))
	require.ErrorIs(t, f.Failed(), syscall.ENOSPC)
	assert.Equal(t, 2, f.Write(map[string]int{"n": 3}), "there is room again")
	require.ErrorIs(t, f.Close(), syscall.ENOSPC, "the failure is not forgotten")
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Regexp(t, `^{"n":1,"sum":"[0-9a-f]{16}"}\n{"n":3,"sum":"[0-9a-f]{16}"}\n$`, string(data))
}

// fullOnce is a file whose next write finds the disk full.
type fullOnce struct {
	Disk
	failed bool
}

func (f *fullOnce) Write(p []byte) (int, error) {
	if f.failed {
		return f.Disk.Write(p)
	}
	f.failed = true
	n, err := f.Disk.Write(p[:len(p)/2])
	if err == nil {
		err = syscall.ENOSPC
	}
	return n, err
}
