package journal

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// memory is a disk in memory.
type memory struct{ bytes.Buffer }

func (*memory) Sync() error                    { return nil }
func (*memory) Close() error                   { return nil }
func (m *memory) Truncate(size int64) error    { m.Buffer.Truncate(int(size)); return nil }
func (*memory) Seek(int64, int) (int64, error) { return 0, nil }

// FuzzResultFile changes a result file at will. Either it is refused, or what is read of it
// is what was written, from its beginning: no message is forgotten but those of the last
// lines, and none becomes another.
func FuzzResultFile(f *testing.F) {
	f.Add([]byte{3, 0, 1, 2}, uint(0), uint(0), []byte(nil))
	f.Add([]byte{0, 1, 0, 1, 0, 1}, uint(100), uint(150), []byte("\n"))
	f.Add([]byte{0, 5, 2, 1}, uint(1), uint(0), []byte(" \r\n"))
	f.Add([]byte{1, 2, 3}, uint(30), uint(1), []byte("7"))
	f.Fuzz(func(t *testing.T, messages []byte, at, length uint, with []byte) {
		disk := new(memory)
		written := NewFile("results.jsonl", disk, 0)
		for i, m := range messages[:min(len(messages), 40)] {
			if m%2 == 0 {
				written.Write(beginLine{Begun: []int{i}, Digests: []Digest{{m}}, At: time.Unix(int64(m), 0).UTC()})
			} else {
				written.Write(NewResultLine(i, Digest{m}, provider.BatchResult{Receipt: &provider.Receipt{State: provider.StateAccepted, MessageID: fmt.Sprint(m)}}))
			}
		}
		whole := disk.Bytes()
		at = min(at, uint(len(whole)))
		end := at + min(length, uint(len(whole))-at)
		changed := slices.Concat(whole[:at], with, whole[end:])
		lines := func(text []byte) (out []string, ended bool, err error) {
			ended, err = new(File).read(bytes.NewReader(text), func(_ int, line []byte) error {
				out = append(out, string(line))
				return nil
			})
			return out, ended, err
		}
		want, _, err := lines(whole)
		require.NoError(t, err)
		got, _, err := lines(changed)
		if err != nil {
			return
		}
		if len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
			t.Fatalf("read %q of %q, written as %q", got, changed, whole)
		}
		if bytes.Equal(changed, whole) {
			assert.Len(t, got, len(want))
		}
	})
}

// An index that no batch can have is refused before memory is taken for it.
func TestResultFileOfAnAbsurdIndex(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.jsonl")
	for _, row := range []struct {
		name  string
		index int
		want  string
	}{
		{name: "far behind all others", index: 1 << 27, want: "line 2: not of a batch: no message has this index"},
		{name: "negative", index: -1, want: "line 2: not of a batch: no message has this index"},
		{name: "read ahead", index: 100_000},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.NoError(t, os.RemoveAll(name))
			f, err := openResults(t.Context(), name, false, anyLine)
			require.NoError(t, err)
			for _, index := range []int{0, row.index} {
				require.NoError(t, WriteBegin(f, []int{index}, []Digest{{1}}))
			}
			require.NoError(t, f.Close())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, f, err = OpenPast(t.Context(), name, true, false)
			runtime.ReadMemStats(&after)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
			if row.want == "" {
				require.NoError(t, err)
				require.NoError(t, f.Close())
				return
			}
			require.ErrorContains(t, err, row.want)
		})
	}
}

// What a write that failed has left and cannot be taken back stays the end of the file.
func TestResultFileThatCannotBeCut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.jsonl")
	failing := new(stuck)
	ctx := OnDisk(t.Context(), func(d Disk) Disk {
		if failing.Disk != nil {
			return d // of the folder
		}
		failing.Disk = d
		return failing
	})
	f, err := openResults(ctx, name, false, anyLine)
	require.NoError(t, err)
	assert.Equal(t, 1, f.Write(map[string]int{"n": 1}))
	failing.on = true
	assert.Zero(t, f.Write(map[string]int{"n": 2}))
	failing.on = false
	assert.Zero(t, f.Write(map[string]int{"n": 3}), "it would stand behind half a line")
	require.ErrorIs(t, f.Close(), io.ErrShortWrite)
	var got []string
	f, err = openResults(t.Context(), name, true, func(_ int, line []byte) error { got = append(got, string(line)); return nil })
	require.NoError(t, err)
	require.NoError(t, f.Close())
	assert.Equal(t, `{"n":1}`, strings.Join(got, " "))
}

// stuck is a disk that takes half of a write and does not give it back.
type stuck struct {
	Disk
	on bool
}

func (s *stuck) Write(p []byte) (int, error) {
	if !s.on {
		return s.Disk.Write(p)
	}
	n, _ := s.Disk.Write(p[:len(p)/2])
	return n, io.ErrShortWrite
}

func (s *stuck) Truncate(size int64) error {
	if s.on {
		return io.ErrShortWrite
	}
	return s.Disk.Truncate(size)
}
