package lines_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/lines"
)

func TestReader(t *testing.T) {
	l := lines.New(strings.NewReader("\ufeff a \r\n\n\t\nb"), 100)
	assert.Zero(t, l.Number())
	for _, want := range []struct {
		text   string
		number int
	}{{"a", 1}, {"b", 4}} {
		line, err := l.Next()
		require.NoError(t, err)
		assert.Equal(t, want.text, string(line))
		assert.Equal(t, want.number, l.Number())
	}
	_, err := l.Next()
	assert.ErrorIs(t, err, io.EOF)
}

func TestLongLine(t *testing.T) {
	l := lines.New(strings.NewReader("a\n"+strings.Repeat("b", 100)+"\n"), 50)
	_, err := l.Next()
	require.NoError(t, err)
	_, err = l.Next()
	assert.ErrorContains(t, err, "line 2: longer than")
}
