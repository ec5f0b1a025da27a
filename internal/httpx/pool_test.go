package httpx

import (
	"context"
	"crypto/sha256"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// gatesOfMany returns the gates of a new account with two limits.
func gatesOfMany(p *pool, account int) map[string]*gate {
	return gatesOf(p, "https://vendor.example", sha256.Sum256([]byte(strconv.Itoa(account))), map[string]Limit{
		"send": {Rate: 10, Burst: 1}, "other": {Rate: PerHour(80), Burst: 20},
	})
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Accounts that are used once are let go: a hundred thousand of them do not stay.
// The figures are those of go test -v -run TestBucketsAreLetGo ./internal/httpx.
func TestBucketsAreLetGo(t *testing.T) {
	const accounts = 100_000
	synctest.Test(t, func(t *testing.T) {
		before, p := heap(), newPool()
		most := 0
		for i := range accounts {
			_, e := gatesOfMany(p, i)["send"].wait(t.Context(), 1)
			require.Nil(t, e)
			most = max(most, len(p.buckets))
			if i%100 == 99 {
				<-time.After(time.Millisecond) // 100,000 accounts a second
			}
		}
		full := heap()
		t.Logf("%d accounts in a second: at most %d buckets, %d bytes each", accounts, most, (full-before)/len(p.buckets))
		assert.LessOrEqual(t, (full-before)/len(p.buckets), 450)
		assert.Less(t, most, accounts/2, "a limit of ten a second is full again after 100 ms")

		<-time.After(sweepEvery)
		last := gatesOfMany(p, accounts)
		_, e := last["send"].wait(t.Context(), 1)
		require.Nil(t, e)
		assert.Len(t, p.buckets, 1)
		after := heap()
		t.Logf("a minute later: %d buckets, %d bytes in all", len(p.buckets), after-before)
		assert.Less(t, after-before, 64<<10)
		runtime.KeepAlive(p)
	})
}

// A bucket that is not as new stays, and so does one that somebody waits for.
func TestBucketsThatStay(t *testing.T) {
	for _, row := range []struct {
		name string
		use  func(t *testing.T, g *gate)
		full time.Duration // after which it may go
	}{
		{name: "a call is missing", use: func(t *testing.T, g *gate) {
			_, e := g.wait(t.Context(), 1)
			require.Nil(t, e)
		}, full: 45 * time.Second},
		{name: "paused", use: func(_ *testing.T, g *gate) { g.pause(5 * time.Minute) }, full: 5 * time.Minute},
		{name: "somebody waits", use: func(t *testing.T, g *gate) {
			go func() { _, _ = g.wait(t.Context(), 20) }()
			synctest.Wait()
			go func() { _, _ = g.wait(t.Context(), 20) }()
			synctest.Wait()
		}, full: 30 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPool()
				g := gatesOfMany(p, 1)["other"]
				sweep := func() int {
					p.mu.Lock()
					defer p.mu.Unlock()
					p.sweep(time.Now())
					return len(p.buckets)
				}
				row.use(t, g)
				<-time.After(row.full - time.Second)
				assert.Equal(t, 1, sweep())
				<-time.After(2 * time.Second)
				assert.Zero(t, sweep())
			})
		})
	}
}

// Two clients of one account keep one limit, whoever of them was idle when it was let go.
func TestClientsFindTheSameBucketAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool()
		a, b := gatesOfMany(p, 1)["send"], gatesOfMany(p, 1)["send"]
		take := func(g *gate) time.Duration {
			waited, e := g.wait(t.Context(), 1)
			require.Nil(t, e)
			return waited
		}
		assert.Zero(t, take(a))
		assert.Equal(t, 100*time.Millisecond, take(b))
		for range 3 {
			<-time.After(2 * sweepEvery)
			assert.Zero(t, take(b))
			assert.Equal(t, 100*time.Millisecond, take(a))
			assert.Len(t, p.buckets, 1)
		}
		<-time.After(2 * sweepEvery)
		assert.Zero(t, take(gatesOfMany(p, 2)["send"]), "sweeps")
		a.pause(time.Minute)
		assert.Equal(t, time.Minute, take(b))
	})
}

// The limit is kept while buckets are let go all the time.
func TestLimitIsKeptWhileBucketsGo(t *testing.T) {
	p := newPool()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var taken atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	limit := map[string]Limit{"c": {Rate: 1000, Burst: 10}}
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				g := gatesOf(p, "https://vendor.example", [32]byte{}, limit)["c"]
				if _, e := g.wait(ctx, 1); e == nil {
					taken.Add(1)
				}
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			p.mu.Lock()
			p.sweep(time.Now())
			p.mu.Unlock()
		}
	})
	all.Wait()
	assert.LessOrEqual(t, float64(taken.Load()), 10+1000*time.Since(start).Seconds()+1)
	assert.Positive(t, taken.Load())
}

func TestSlotKey(t *testing.T) {
	one := slotKey("https://vendor.example/v3", sha256.Sum256([]byte("key")))
	assert.Equal(t, one, slotKey("https://Vendor.example/v3", sha256.Sum256([]byte("key"))))
	for _, row := range []struct {
		name, base, key string
	}{
		{"another vendor", "https://vendor.example/v4", "key"},
		{"another key", "https://vendor.example/v3", "key2"},
	} {
		assert.NotEqual(t, one, slotKey(row.base, sha256.Sum256([]byte(row.key))), row.name)
	}
}

// What a call through a free limit costs, and one that meets a sweep of many.
func BenchmarkGate(b *testing.B) {
	open := func(p *pool) *gate {
		return &gate{pool: p, slot: provider.Slot{Key: "k", Class: "c", PerSecond: 1e9, Burst: 1e9}}
	}
	b.Run("free", func(b *testing.B) {
		g := open(newPool())
		b.ReportAllocs()
		for b.Loop() {
			if _, e := g.wait(b.Context(), 1); e != nil {
				b.Fatal(e)
			}
		}
	})
	b.Run("sweep of 100,000", func(b *testing.B) {
		p := newPool()
		for i := range 100_000 {
			g := gatesOfMany(p, i)["other"]
			_, _ = g.wait(b.Context(), 1)
		}
		for b.Loop() {
			p.mu.Lock()
			p.sweep(time.Now())
			p.mu.Unlock()
		}
		assert.Len(b, p.buckets, 100_000)
	})
}
