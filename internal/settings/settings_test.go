package settings_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/settings"
)

// What is no text is named by its type, never by its value, which may be a key.
func TestNoText(t *testing.T) {
	type account struct {
		ID string `json:"id"`
	}
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"a number", 1234.0, "expected a text, got a number: quote it"},
		{"a truth", true, "expected a text, got true or false: quote it"},
		{"a list", []any{"x"}, "expected a text, got a list"},
		{"an object", map[string]any{"a": "x"}, "expected a text, got an object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			problems := settings.Decode(map[string]any{"id": tt.value}, new(account))
			assert.Equal(t, []settings.Problem{{Field: "id", Message: tt.want}}, problems)
		})
	}
}

// A byte order mark and one line break are no part of a key in a file.
func TestFileOfASetting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte("\ufeffkey\r\n"), 0o600))
	got, problems := settings.Resolve(map[string]any{"key": "file:" + path})
	require.Empty(t, problems)
	assert.Equal(t, "key", got["key"])
}

// A key that is not UTF-8 was saved by a program with another encoding; it is not shown.
func TestSettingsAreUTF8(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, []byte("s\xc0cret"), 0o600))
	t.Setenv("SETTINGS_TEST_KEY", "s\xc0cret")
	for _, word := range []string{"file:" + path, "env:SETTINGS_TEST_KEY"} {
		_, problems := settings.Resolve(map[string]any{"key": word})
		require.Len(t, problems, 1, word)
		assert.Equal(t, "key", problems[0].Field)
		assert.Contains(t, problems[0].Message, "expected UTF-8 text")
		assert.NotContains(t, problems[0].Message, "cret")
	}
	problems := settings.Check(struct {
		Key string `json:"key"`
	}{"\xc0"}, settings.Send)
	assert.Equal(t, []settings.Problem{{Field: "key", Message: "expected UTF-8 text"}}, problems)
}
