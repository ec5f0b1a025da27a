package bounded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endless counts what was read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestReadAll(t *testing.T) {
	const most = 1 << 20
	data, err := ReadAll(strings.NewReader(strings.Repeat("x", most)), most)
	require.NoError(t, err)
	assert.Len(t, data, most)
	e := new(endless)
	_, err = ReadAll(e, most)
	require.EqualError(t, err, "it is larger than 1 MiB")
	assert.LessOrEqual(t, e.read, most+1)
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for _, row := range []struct {
		name string
		size int64
		want string
	}{
		{name: "as large as allowed", size: 2048},
		{name: "larger", size: 2049, want: "it is larger than 2 KiB"},
		{name: "much larger, which costs nothing", size: 1 << 40, want: "it is larger than 2 KiB"},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(name, nil, 0o600))
			if err := os.Truncate(name, row.size); err != nil {
				t.Skip(err) // no sparse files
			}
			data, err := ReadFile(name, 2048)
			if row.want != "" {
				require.EqualError(t, err, row.want)
				return
			}
			require.NoError(t, err)
			assert.Len(t, data, int(row.size))
		})
	}
	_, err := ReadFile(name+".not", 1)
	require.ErrorIs(t, err, os.ErrNotExist)
}
