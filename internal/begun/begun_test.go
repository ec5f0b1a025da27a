package begun

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCall(t *testing.T) {
	require.NoError(t, Call(t.Context(), "main"), "nobody wants to know")
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
			got := Early(ctx, row.adapter, "main")
			assert.Equal(t, row.want, calls)
			if row.want > 0 {
				assert.Equal(t, row.err, got)
			}
			var all sync.WaitGroup
			for range 9 {
				all.Go(func() { assert.Equal(t, row.err, Call(context.WithoutCancel(ctx), "main")) })
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
					KeptBack(ctx, "main")
					continue
				}
				assert.Equal(t, row.err, Call(ctx, "main"))
			}
			assert.Equal(t, row.want, got)
		})
	}
	KeptBack(t.Context(), "main") // nobody wants to know
}

// Who keeps a ledger is asked for each account, and not again while that account's
// requests go on.
func TestWithEach(t *testing.T) {
	full := errors.New("disk full")
	for _, row := range []struct {
		name  string
		steps string // a, b: Call of an account; A, B: KeptBack
		fails string // the account for which begin fails
		deaf  bool   // nobody wants to know of waits
		want  string // a, b: begin, w: waits
		kept  string // the calls that fail
	}{
		{name: "one account", steps: "aaa", want: "a"},
		{name: "the next one after a refusal", steps: "ab", want: "ab"},
		{name: "in turn", steps: "abab", want: "ab"},
		{name: "kept back, and made again", steps: "aAa", want: "awa"},
		{name: "kept back, and the next one", steps: "aAb", want: "awb"},
		{name: "kept back behind one that may have sent", steps: "aaAa", want: "a"},
		{name: "kept back at the next one", steps: "abBb", want: "abwb"},
		{name: "kept back, nobody asks", steps: "aAa", deaf: true, want: "a"},
		{name: "not written", steps: "aa", fails: "a", want: "a", kept: "aa"},
		{name: "not written at the next one", steps: "abab", fails: "b", want: "ab", kept: "bab"},
		{name: "not written, no further account", steps: "aAb", fails: "a", want: "a", kept: "ab"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, kept := "", ""
			waits := func() { got += "w" }
			if row.deaf {
				waits = nil
			}
			ctx := WithEach(t.Context(), func(account string) error {
				got += account
				if account == row.fails {
					return full
				}
				return nil
			}, waits)
			for _, step := range row.steps {
				if step < 'a' {
					KeptBack(ctx, string(step+'a'-'A'))
					continue
				}
				if err := Call(ctx, string(step)); err != nil {
					require.ErrorIs(t, err, full)
					kept += string(step)
				}
			}
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.kept, kept)
		})
	}
}

// A batch under the context of a ledger has a journal of its own, and both are told.
func TestWithin(t *testing.T) {
	full := errors.New("disk full")
	for _, row := range []struct {
		name         string
		inner, outer error
		want         string // i, o: begin of the inner and the outer one; I, O: waits
		err          error
	}{
		{name: "both", want: "ioIOio"},
		{name: "kept back by the inner one", inner: full, want: "i", err: full},
		{name: "kept back by the outer one", outer: full, want: "io", err: full},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := ""
			says := func(word string) func() { return func() { got += word } }
			ctx := WithEach(t.Context(), func(string) error { got += "o"; return row.outer }, says("O"))
			ctx = With(ctx, func() error { got += "i"; return row.inner }, says("I"))
			for range 2 {
				err := Call(ctx, "main")
				assert.Equal(t, row.err, err)
				if got == "io" && err == nil {
					KeptBack(ctx, "main")
				}
			}
			assert.Equal(t, row.want, got)
		})
	}
}

// An adapter that does not go through the chain is not asked after the bound, and begin
// neither.
func TestEarlyKeepsToNotAfter(t *testing.T) {
	for _, row := range []struct {
		name    string
		adapter any
		bounds  []time.Duration // from now, the outer one first
		err     error
		calls   int
	}{
		{name: "no bound", adapter: struct{}{}, calls: 1},
		{name: "in time", adapter: struct{}{}, bounds: []time.Duration{time.Hour}, calls: 1},
		{name: "over", adapter: struct{}{}, bounds: []time.Duration{-time.Second}, err: ErrOver},
		{name: "the outer one is over", adapter: struct{}{}, bounds: []time.Duration{-time.Second, time.Hour}, err: ErrOver},
		{name: "an adapter of the chain", adapter: struct{ ByChain }{}, bounds: []time.Duration{-time.Second}},
	} {
		t.Run(row.name, func(t *testing.T) {
			calls := 0
			ctx := WithEach(t.Context(), func(string) error { calls++; return nil }, nil)
			for _, d := range row.bounds {
				ctx = NotAfter(ctx, time.Now().Add(d))
			}
			err := Early(ctx, row.adapter, "main")
			require.ErrorIs(t, err, row.err)
			assert.Equal(t, row.err != nil, errors.Is(err, context.DeadlineExceeded))
			assert.Equal(t, row.calls, calls)
		})
	}
}
