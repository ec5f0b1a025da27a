package begun

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCall(t *testing.T) {
	require.NoError(t, Call(t.Context()), "nobody wants to know")
	full := errors.New("disk full")
	for _, row := range []struct {
		name    string
		adapter any
		want    int
		err     error
	}{
		{name: "an adapter of the chain", adapter: struct{ ByChain }{}, want: 0},
		{name: "another", adapter: struct{}{}, want: 1},
		{name: "an error", adapter: struct{}{}, want: 1, err: full},
	} {
		t.Run(row.name, func(t *testing.T) {
			calls := 0
			ctx := With(t.Context(), func() error { calls++; return row.err })
			got := Early(ctx, row.adapter)
			assert.Equal(t, row.want, calls)
			if row.want > 0 {
				assert.Equal(t, row.err, got)
			}
			var all sync.WaitGroup
			for range 9 {
				all.Go(func() { assert.Equal(t, row.err, Call(context.WithoutCancel(ctx))) })
			}
			all.Wait()
			assert.Equal(t, 1, calls, "once, and its error stands")
		})
	}
}
