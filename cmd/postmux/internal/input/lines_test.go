package input

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLongLine(t *testing.T) {
	l := NewLines(strings.NewReader("a\n" + strings.Repeat("b", 100) + "\n"))
	l.most = 50
	_, err := l.Next()
	require.NoError(t, err)
	_, err = l.Next()
	assert.ErrorContains(t, err, "line 2: longer than")
}
