package terminal

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A bar appears after a while: before that its rate would be that of what was done before.
func TestProgressWaits(t *testing.T) {
	var text bytes.Buffer
	early := newProgress(&text, 20_000, "rows", time.Now())
	early.Add(15_000)
	early.Clear()
	assert.Empty(t, text.String())

	late := newProgress(&text, 20_000, "rows", time.Now().Add(-progressAfter))
	late.waiting = 15_000
	late.Add(1)
	assert.Contains(t, text.String(), "15001/20000")
}
