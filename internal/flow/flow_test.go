package flow

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// numbers are 0 … n-1, then err unless it is nil.
func numbers(n int, err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

// probe is a flow over numbers whose result is the number, or its negative when
// it was skipped.
type probe struct {
	Flow[int, int]
	mu          sync.Mutex
	calls       [][]int
	busy, peak  atomic.Int32
	took        time.Duration
	failAt      int // the call for this number fails for good
	failedError error
}

func newProbe(calls, items int) *probe {
	p := &probe{failAt: -1, took: time.Second, failedError: errors.New("bad key")}
	p.Flow = Flow[int, int]{
		Limits: Limits{Items: items}, Calls: calls,
		Place: func(context.Context, int) (Traits, int, bool) { return Traits{Held: 1}, 0, false },
		Call: func(ctx context.Context, items []int, _ func() error) []int {
			p.peak.Store(max(p.peak.Load(), p.busy.Add(1)))
			defer p.busy.Add(-1)
			select {
			case <-time.After(p.took):
			case <-ctx.Done():
			}
			p.mu.Lock()
			p.calls = append(p.calls, items)
			p.mu.Unlock()
			return append([]int(nil), items...)
		},
		Ends: func(results []int) error {
			for _, r := range results {
				if r == p.failAt {
					return p.failedError
				}
			}
			return nil
		},
		Skipped: func(item int, _ error) int { return -item },
	}
	return p
}

func (p *probe) collect(ctx context.Context, items iter.Seq2[int, error]) (out []int, err error) {
	err = p.Run(ctx, items, func(r int) error { out = append(out, r); return nil })
	return out, err
}

func TestFlowOrderAndConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(4, 10)
		start := time.Now()
		out, err := p.collect(t.Context(), numbers(1005, nil))
		require.NoError(t, err)
		require.Len(t, out, 1005)
		for i, r := range out {
			require.Equal(t, i, r)
		}
		assert.Len(t, p.calls, 101)
		assert.EqualValues(t, 4, p.peak.Load())
		assert.Equal(t, 26*time.Second, time.Since(start), "101 calls of a second, 4 at a time")
	})
}

// A result that ends the flow: no further call begins, what was read is told.
func TestFlowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(2, 10)
		p.failAt = 25
		read := 0
		out, err := p.collect(t.Context(), func(yield func(int, error) bool) {
			for i, err := range numbers(1000, nil) {
				read = i + 1
				if !yield(i, err) {
					return
				}
			}
		})
		require.ErrorIs(t, err, p.failedError)
		assert.Less(t, read, 100, "reads on although it has ended")
		require.Len(t, out, read, "an item without a result")
		sent := 0
		for _, c := range p.calls {
			sent += len(c)
		}
		for i, r := range out {
			require.Equal(t, i, max(r, -r))
			assert.Equal(t, i < sent, r >= 0, "item %d", i)
		}
	})
}

func TestFlowInputError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(2, 10)
		broken := errors.New("line 26 is broken")
		out, err := p.collect(t.Context(), numbers(25, broken))
		require.ErrorIs(t, err, broken)
		assert.Len(t, out, 25)
		assert.Len(t, p.calls, 3, "what was read before is sent")
	})
}

func TestFlowCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(2, 10)
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		out, err := p.collect(ctx, numbers(1000, nil))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		sent := 0
		for _, c := range p.calls {
			sent += len(c)
		}
		assert.Equal(t, 60, sent, "three rounds of two calls, the last of them interrupted")
		for i, r := range out {
			require.Equal(t, i < sent, r >= 0, "item %d", i)
		}
	})
}

// An error of the caller ends the flow: no further call begins, and what was read
// still gets its result.
func TestFlowDeliveryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(2, 10)
		full := errors.New("disk full")
		read := 0
		var out []int
		err := p.Run(t.Context(), func(yield func(int, error) bool) {
			for i := range 1000 {
				read++
				if !yield(i, nil) {
					return
				}
			}
		}, func(r int) error {
			out = append(out, r)
			if len(out) >= 5 {
				return full
			}
			return nil
		})
		require.ErrorIs(t, err, full)
		assert.Len(t, out, read, "an item without a result")
		assert.Zero(t, p.busy.Load(), "a call is still under way")
		assert.LessOrEqual(t, len(p.calls), 4)
	})
}

// A call that waits before its request learns that the flow has ended meanwhile.
func TestFlowEndedWhileACallWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(2, 10)
		p.failAt = 0
		call := p.Call
		var kept []int
		p.Call = func(ctx context.Context, items []int, ended func() error) []int {
			if items[0] == 0 {
				return call(ctx, items, ended)
			}
			<-time.After(time.Minute) // a limit
			if err := ended(); err != nil {
				require.ErrorIs(t, err, p.failedError)
				kept = append(kept, items...)
			}
			return items
		}
		_, err := p.collect(t.Context(), numbers(1000, nil))
		require.ErrorIs(t, err, p.failedError)
		assert.Len(t, kept, 10)
	})
}

// What is read ahead is bounded by its size and by its number.
func TestFlowReadsAhead(t *testing.T) {
	for name, tc := range map[string]struct{ bytes, most int }{
		"by number": {1, 2*2*10 + 1},
		"by size":   {maxHeld / 10, 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProbe(2, 10)
				p.Place = func(context.Context, int) (Traits, int, bool) { return Traits{Held: tc.bytes}, 0, false }
				read, given, most := 0, 0, 0
				err := p.Run(t.Context(), func(yield func(int, error) bool) {
					for i := range 500 {
						read++
						most = max(most, read-given)
						if !yield(i, nil) {
							return
						}
					}
				}, func(int) error { given++; return nil })
				require.NoError(t, err)
				assert.LessOrEqual(t, most, tc.most)
			})
		})
	}
}

// An item with a result of its own keeps its place.
func TestFlowSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(2, 10)
		p.Place = func(_ context.Context, n int) (Traits, int, bool) { return Traits{}, n, n%3 == 0 }
		out, err := p.collect(t.Context(), numbers(100, nil))
		require.NoError(t, err)
		require.Len(t, out, 100)
		for i, r := range out {
			require.Equal(t, i, r)
		}
		for _, c := range p.calls {
			for _, n := range c {
				assert.NotZero(t, n%3)
			}
		}
	})
}

// Items that change the same thing never run at the same time, nor in one call; the
// others are not kept waiting for them.
func TestFlowNames(t *testing.T) {
	for _, row := range []struct {
		name  string
		names func(n int) [3]uint64
		calls int // at least so many
		most  time.Duration
	}{
		{"all different", func(n int) [3]uint64 { return [3]uint64{uint64(n) + 1} }, 10, 3 * time.Second},
		{"one of ten again", func(n int) [3]uint64 { return [3]uint64{uint64(n/10*10+min(n%10, 8)) + 1} }, 10, 9 * time.Second},
		{"by a second name", func(n int) [3]uint64 { return [3]uint64{uint64(n) + 1, 0, 1000 + uint64(n%50)} }, 10, 20 * time.Second},
		{"all the same", func(int) [3]uint64 { return [3]uint64{1} }, 100, 100 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProbe(4, 10)
				p.Place = func(_ context.Context, n int) (Traits, int, bool) {
					return Traits{Held: 1, Names: row.names(n)}, 0, false
				}
				var mu sync.Mutex
				busy, last := map[uint64]bool{}, map[uint64]int{}
				call := p.Call
				each := func(items []int, do func(n int, name uint64)) {
					mu.Lock()
					defer mu.Unlock()
					for _, n := range items {
						for _, name := range row.names(n) {
							if name != 0 {
								do(n, name)
							}
						}
					}
				}
				p.Call = func(ctx context.Context, items []int, _ func() error) []int {
					each(items, func(n int, name uint64) {
						assert.False(t, busy[name], "item %d beside another of its name", n)
						assert.LessOrEqual(t, last[name], n, "item %d before an earlier one", n)
						busy[name], last[name] = true, n
					})
					defer each(items, func(_ int, name uint64) { delete(busy, name) })
					return call(ctx, items, func() error { return nil })
				}
				start := time.Now()
				out, err := p.collect(t.Context(), numbers(100, nil))
				require.NoError(t, err)
				require.Len(t, out, 100)
				for i, r := range out {
					require.Equal(t, i, r)
				}
				assert.GreaterOrEqual(t, len(p.calls), row.calls)
				assert.LessOrEqual(t, time.Since(start), row.most)
			})
		})
	}
}

// A call that hangs does not make the flow read on for ever.
func TestFlowReadsAheadOfASlowCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(2, 10)
		quick := p.Call
		p.Call = func(ctx context.Context, items []int, ended func() error) []int {
			if items[0] == 0 {
				<-time.After(time.Hour)
			}
			return quick(ctx, items, ended)
		}
		read, given, most := 0, 0, 0
		err := p.Run(t.Context(), func(yield func(int, error) bool) {
			for i := range 5000 {
				read++
				most = max(most, read-given)
				if !yield(i, nil) {
					return
				}
			}
		}, func(int) error { given++; return nil })
		require.NoError(t, err)
		assert.LessOrEqual(t, most, 2*2*10+2)
	})
}
