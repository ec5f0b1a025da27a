package lite

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/provider"
)

// A file in memory, on the layer of a container or on another machine is told at Open.
func TestDisks(t *testing.T) {
	const shared = "/dev/shm"
	if kind, ok := fileSystem(shared); runtime.GOOS != "linux" || !ok || disks[kind].name != "tmpfs" {
		t.Skip("there is no tmpfs at " + shared)
	}
	dir, err := os.MkdirTemp(shared, "outbox")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	s, err := Open(filepath.Join(dir, "outbox.db"), Options{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.DB().Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	warnings, err := s.Check(t.Context())
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	assert.Equal(t, "the file of the outbox lies in memory (tmpfs): a restart of the machine or the container loses the mails "+
		"that wait, and what became of the others; put it on a disk", warnings[0].Why)
	assert.Empty(t, diskWarnings(""), "an outbox in memory on purpose")
}

// The settings name a file; what this package cannot open is told.
func TestFromSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "outbox.db")
	t.Setenv("DATABASE_URL", "postgres://app:secret@localhost/app")
	for _, row := range []struct {
		name     string
		settings outbox.Settings
		says     string
	}{
		{name: "a file", settings: outbox.Settings{Database: provider.NewSecret("file:" + file)}},
		{
			name: "PostgreSQL", settings: outbox.Settings{Database: provider.NewSecret("env:DATABASE_URL")},
			says: "outbox.database: it is a URL of PostgreSQL, and this program opens files of SQLite only",
		},
		{
			name: "a schema", settings: outbox.Settings{Database: provider.NewSecret("file:" + file), Schema: "mail"},
			says: "outbox.schema: SQLite has no schemas",
		},
		{name: "nothing", says: "outbox.database: expected file:PATH of SQLite"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := FromSettings(row.settings)
			if row.says == "" {
				require.NoError(t, err)
				require.NoError(t, s.DB().Close())
				return
			}
			require.ErrorContains(t, err, row.says)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}
