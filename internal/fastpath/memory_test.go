package fastpath

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Memory that is given back is empty when it is taken again, and large memory is not kept.
func TestMemory(t *testing.T) {
	b := Take()
	*b = append(*b, "of one mail"...)
	GiveBack(b)
	for range 10 {
		assert.Empty(t, *Take())
	}
	large := make([]byte, 1, MaxKept+1)
	GiveBack(&large)
	assert.Len(t, large, 1, "left alone")
	Memory.Turn(true)
	defer Memory.Turn(false)
	b = Take()
	*b = append(*b, 1)
	GiveBack(b)
	assert.Len(t, *b, 1, "left alone")
}
