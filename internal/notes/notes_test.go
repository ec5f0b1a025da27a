package notes

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestGather(t *testing.T) {
	type other struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), other{}, 7))
	s := Gather(ctx)
	Add(s, "a")
	Add(context.WithValue(s, other{}, 8), "b")
	Add(s, "a")
	assert.Equal(t, []string{"a", "b"}, s.All())
	assert.Equal(t, 7, s.Value(other{}))
	inner := Gather(s)
	Add(inner, "c")
	assert.Equal(t, []string{"a", "b"}, s.All(), "the innermost gathers")
	cancel()
	assert.ErrorIs(t, inner.Err(), context.Canceled)
	Add(t.Context(), "nobody gathers")
}
