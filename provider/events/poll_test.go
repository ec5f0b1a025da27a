package events

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

var logs = flag.Int("events.logs", 20, "random logs of the model of Poll")

// modelLog is a log of a provider: events become visible late, in either order, and pages
// shift while others come in.
type modelLog struct {
	rng    *rand.Rand
	now    time.Time
	events []modelEvent // by the time at which they happened
	desc   bool
	size   int
}

type modelEvent struct {
	Event
	visible time.Time
}

func (l *modelLog) page(_ context.Context, q Query) (*provider.Page[Event], error) {
	var shown []Event
	for _, e := range l.events {
		if !e.visible.After(l.now) {
			shown = append(shown, e.Event)
		}
	}
	if l.desc {
		slices.Reverse(shown)
	}
	at := 0
	if q.Cursor != "" {
		at, _ = strconv.Atoi(q.Cursor)
	}
	page := &provider.Page[Event]{}
	end := min(at+l.size, len(shown))
	if at < end {
		for _, e := range shown[at:end] {
			if q.takes(&e) {
				page.Items = append(page.Items, e)
			}
		}
		page.Next = strconv.Itoa(end)
	}
	l.now = l.now.Add(time.Duration(l.rng.IntN(300)) * time.Second) // others come in meanwhile
	return page, nil
}

var errCrash = errors.New("crash")

// crashing is a store that fails, before, in the midst of and after what it is to write.
type crashing struct {
	data   []byte
	rng    *rand.Rand
	crash  float64
	writes int
}

func (s *crashing) Load(context.Context, string) ([]byte, error) { return bytes.Clone(s.data), nil }

func (s *crashing) Append(_ context.Context, _ string, data []byte) error {
	s.writes += len(data)
	if s.rng.Float64() < s.crash {
		s.data = append(s.data, data[:s.rng.IntN(len(data)+1)]...)
		return errCrash
	}
	s.data = append(s.data, data...)
	return nil
}

func (s *crashing) Replace(_ context.Context, _ string, data []byte) error {
	s.writes += len(data)
	switch r := s.rng.Float64(); {
	case r < s.crash/2:
		return errCrash
	case r < s.crash:
		s.data = bytes.Clone(data)
		return errCrash
	}
	s.data = bytes.Clone(data)
	return nil
}

func modelClient(t testing.TB) *provider.Client {
	c, err := provider.NewClient(noLog{}, "model", provider.AccountSettings{}, provider.DriverEnv{Account: "main"})
	require.NoError(t, err)
	return c
}

type noLog struct{}

func (noLog) Send(context.Context, *provider.Message) (*provider.Receipt, error) {
	return nil, errCrash
}
func (noLog) Capabilities() provider.Capabilities { return nil }

// modelOf makes a random log over days, with events without a time, some of which only the
// time of sending is told, repeated ones and some of the same second.
func modelOf(seed uint64) *modelLog {
	rng := rand.New(rand.NewPCG(seed, 1))
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	l := &modelLog{rng: rng, now: start, desc: seed%2 == 0, size: 3 + rng.IntN(20)}
	for i := range 40 + rng.IntN(160) {
		at := start.Add(time.Duration(rng.IntN(72*3600)) * time.Second)
		e := modelEvent{visible: at.Add(time.Duration(rng.IntN(6*3600-1)) * time.Second)}
		e.Event = Event{Kind: KindOpened, Provider: "model", MessageID: fmt.Sprintf("m%d", i), At: at, Raw: fmt.Appendf(nil, `{"i":%d}`, i)}
		switch rng.IntN(20) {
		case 0:
			e.At = time.Time{}
		case 1, 2: // the mail went out days before
			e.Kind, e.At, e.AtBasis = KindDelivered, at.Add(-time.Duration(rng.IntN(72*3600))*time.Second), AtSent
		}
		e.Identify()
		l.events = append(l.events, e)
	}
	slices.SortStableFunc(l.events, func(a, b modelEvent) int { return a.visible.Compare(b.visible) })
	slices.SortStableFunc(l.events, func(a, b modelEvent) int { return a.At.Compare(b.At) })
	return l
}

// Whatever crashes, and however late and in whatever order a log lists, no event is lost;
// and without crashes none comes twice.
func TestPollModel(t *testing.T) {
	c := modelClient(t)
	for _, crash := range []float64{0, 0.15} {
		t.Run(fmt.Sprint(crash), func(t *testing.T) {
			lost, twice, rounds := 0, 0, 0
			for seed := range *logs {
				l := modelOf(uint64(seed))
				store := &crashing{rng: l.rng, crash: crash}
				got, calm := map[string]int{}, false
				sink := func(_ context.Context, list []Event) error {
					if !calm && l.rng.Float64() < crash/2 {
						return errCrash
					}
					for _, e := range list {
						got[e.ID]++
					}
					if !calm && l.rng.Float64() < crash/2 {
						panic(errCrash)
					}
					return nil
				}
				p := newPoll(c, store, sink, nil)
				p.list, p.now = l.page, func() time.Time { return l.now }
				end := l.now.Add(80 * time.Hour)
				for l.now.Before(end) {
					_, _ = p.round(t.Context())
					rounds++
					l.now = l.now.Add(time.Duration(l.rng.IntN(4*3600)) * time.Second)
				}
				store.crash, calm = 0, true
				_, err := p.round(t.Context()) // a last one that works
				require.NoError(t, err, "seed %d", seed)
				for _, e := range l.events {
					switch n := got[e.ID]; {
					case n == 0:
						lost++
						t.Logf("seed %d: lost %v, visible %v", seed, e.At, e.visible)
					case n > 1:
						twice += n - 1
					}
				}
			}
			t.Logf("%d logs, %d rounds: %d lost, %d twice", *logs, rounds, lost, twice)
			assert.Zero(t, lost)
			if crash == 0 {
				assert.Zero(t, twice)
			} else {
				assert.NotZero(t, twice, "the crashes do something")
			}
		})
	}
}

// Above the number of events that are known again the overlap shrinks, with a note, and
// what comes later is not lost.
func TestPollShrinks(t *testing.T) {
	l := &modelLog{rng: rand.New(rand.NewPCG(1, 1)), now: at(5000), size: 100}
	for i := range 3000 {
		e := modelEvent{Event: Event{Kind: KindOpened, Provider: "model", MessageID: strconv.Itoa(i), At: at(i)}}
		e.Identify()
		l.events = append(l.events, e)
	}
	store := &crashing{rng: l.rng}
	got := map[string]int{}
	p := newPoll(modelClient(t), store, func(_ context.Context, list []Event) error {
		for _, e := range list {
			got[e.ID]++
		}
		return nil
	}, nil)
	p.list, p.now, p.most = l.page, func() time.Time { return l.now }, 1000
	report, err := p.round(t.Context())
	require.NoError(t, err)
	assert.Len(t, got, 3000)
	require.Len(t, report.Notes, 1)
	assert.Contains(t, report.Notes[0], "more than 1000 events")
	e := modelEvent{Event: Event{Kind: KindOpened, Provider: "model", MessageID: "new", At: at(3001)}}
	e.Identify()
	l.events = append(l.events, e)
	report, err = p.round(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, report.New)
	assert.Equal(t, at(2000), report.Since)
	assert.LessOrEqual(t, len(store.data), headSize+1001*entrySize)
}

func at(second int) time.Time { return time.Date(2026, 11, 1, 0, 0, second, 0, time.UTC) }

// An event with a time in the future does not skip what is to come.
func TestPollFuture(t *testing.T) {
	l := &modelLog{rng: rand.New(rand.NewPCG(1, 1)), now: at(1000), size: 10}
	add := func(id string, when time.Time) {
		e := modelEvent{Event: Event{Kind: KindOpened, Provider: "model", MessageID: id, At: when}}
		e.Identify()
		l.events = append(l.events, e)
	}
	add("now", at(900))
	add("later", at(0).AddDate(10, 0, 0))
	got := 0
	p := newPoll(modelClient(t), &crashing{rng: l.rng}, func(_ context.Context, list []Event) error { got += len(list); return nil }, nil)
	p.list, p.now = l.page, func() time.Time { return l.now }
	_, err := p.round(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, got)
	add("next", at(1001))
	_, err = p.round(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 3, got)
}

// A damaged cursor makes events come again, and the whole log is read.
func TestPollDamaged(t *testing.T) {
	l := modelOf(3)
	l.now = l.now.AddDate(0, 0, 10)
	store := &crashing{rng: l.rng, data: []byte("pmc1 and no more")}
	p := newPoll(modelClient(t), store, func(context.Context, []Event) error { return nil }, nil)
	p.list, p.now = l.page, func() time.Time { return l.now }
	report, err := p.round(t.Context())
	require.NoError(t, err)
	assert.Equal(t, len(l.events), report.New)
	assert.Contains(t, report.Notes[0], "damaged")
}

// A provider that gives the same page again is an error, and PollEvery goes on.
func TestPollEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		rounds := 0
		p := newPoll(modelClient(t), &crashing{rng: rand.New(rand.NewPCG(1, 1))}, func(context.Context, []Event) error { return nil }, nil)
		p.list = func(context.Context, Query) (*provider.Page[Event], error) {
			return &provider.Page[Event]{Next: "7"}, nil
		}
		_, err := p.round(ctx)
		require.ErrorIs(t, err, provider.ErrBadResponse)
		start := time.Now()
		err = PollEvery(ctx, time.Minute, modelClient(t), FileCursor(t.TempDir()), func(context.Context, []Event) error { return nil },
			WithRounds(func(_ PollReport, err error) {
				require.ErrorIs(t, err, errors.ErrUnsupported)
				if rounds++; rounds == 5 {
					cancel()
				}
			}))
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 4*time.Minute, time.Since(start))
	})
}

func TestFileCursor(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "cursors")
	f := FileCursor(folder)
	ctx := t.Context()
	data, err := f.Load(ctx, "main")
	require.NoError(t, err)
	assert.Empty(t, data)
	require.Error(t, f.Append(ctx, "main", []byte("x")), "nothing to append to")
	require.NoError(t, f.Replace(ctx, "main", []byte("one")))
	require.NoError(t, f.Append(ctx, "main", []byte("two")))
	data, err = f.Load(ctx, "main")
	require.NoError(t, err)
	assert.Equal(t, "onetwo", string(data))
	info, err := os.Stat(filepath.Join(folder, "main.cursor"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
	for _, name := range []string{"", "../x", "a/b", ".hidden"} {
		assert.Error(t, f.Replace(ctx, name, nil), name)
	}
}

// Whatever a stored cursor holds, it is read or told to be damaged, and a good one is read
// as it was written.
func FuzzCursor(f *testing.F) {
	c := cursor{newest: at(5), floor: at(1), seen: map[uint64]uint32{1: 2, 3: 4}}
	f.Add(c.bytes())
	f.Add([]byte(cursorMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, whole, err := parseCursor(data)
		if err != nil || !whole {
			return
		}
		again, whole, err := parseCursor(got.bytes())
		if err != nil || !whole || !again.newest.Equal(got.newest) || len(again.seen) != len(got.seen) {
			t.Fatalf("%+v, %+v, %v", got, again, err)
		}
	})
}

// BenchmarkPoll reads a million events in one round and tells the memory that it needs.
func BenchmarkPoll(b *testing.B) {
	const events, size = 1_000_000, 2500
	now := at(events)
	for b.Loop() {
		var most uint64
		p := newPoll(modelClient(b), FileCursor(b.TempDir()), func(context.Context, []Event) error { return nil }, []PollOption{WithSince(10000 * time.Hour)})
		p.now = func() time.Time { return now }
		p.list = func(_ context.Context, q Query) (*provider.Page[Event], error) {
			from, _ := strconv.Atoi(q.Cursor)
			page := &provider.Page[Event]{Items: make([]Event, size)}
			for i := range page.Items {
				e := &page.Items[i]
				*e = Event{Kind: KindDelivered, Provider: "model", MessageID: strconv.Itoa(from + i), At: at((from + i) / 50)}
				e.Identify()
			}
			if from += size; from < events {
				page.Next = strconv.Itoa(from)
			}
			if from%100_000 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse)
			}
			return page, nil
		}
		report, err := p.round(b.Context())
		if err != nil || report.New != events {
			b.Fatal(report, err)
		}
		b.ReportMetric(float64(most)/(1<<20), "MB")
		b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	}
}
