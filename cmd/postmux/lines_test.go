package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLongLine(t *testing.T) {
	l := newLines(strings.NewReader("a\n" + strings.Repeat("b", 100) + "\n"))
	l.most = 50
	_, err := l.next()
	require.NoError(t, err)
	_, err = l.next()
	assert.ErrorContains(t, err, "line 2: longer than")
}
