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
			ctx := With(t.Context(), func() error { calls++; return row.err }, nil)
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

// What was kept back begins anew, once nothing of it may have been sent.
func TestKeptBack(t *testing.T) {
	full := errors.New("disk full")
	for _, row := range []struct {
		name  string
		steps string // c: Call, k: KeptBack
		err   error  // of begin
		deaf  bool   // nobody wants to know of waits
		want  string // b: begin, w: waits
	}{
		{name: "kept back", steps: "ck", want: "bw"},
		{name: "and made again", steps: "ckc", want: "bwb"},
		{name: "kept back twice", steps: "ckck", want: "bwbw"},
		{name: "one of two", steps: "cck", want: "b"},
		{name: "both of two", steps: "cckk", want: "bw"},
		{name: "behind one that may have sent", steps: "cckck", want: "b"},
		{name: "not written", steps: "ckc", err: full, want: "b"},
		{name: "nobody asks", steps: "ckc", deaf: true, want: "b"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := ""
			waits := func() { got += "w" }
			if row.deaf {
				waits = nil
			}
			ctx := With(t.Context(), func() error { got += "b"; return row.err }, waits)
			for _, step := range row.steps {
				if step == 'k' {
					KeptBack(ctx)
					continue
				}
				assert.Equal(t, row.err, Call(ctx))
			}
			assert.Equal(t, row.want, got)
		})
	}
	KeptBack(t.Context()) // nobody wants to know
}
