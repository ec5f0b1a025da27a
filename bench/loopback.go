package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

var atOnce = []int{1, 16, 64}

// cell is a column of a table.
type cell struct{ size, atOnce int }

func cells() []cell {
	var out []cell
	for _, size := range sizes {
		for _, n := range atOnce {
			out = append(out, cell{size, n})
		}
	}
	return out
}

func (c cell) String() string { return fmt.Sprintf("%d kB, %d at a time", c.size>>10, c.atOnce) }

// speeds are mails a second, by peer: the best of all rounds.
type speeds map[cell][]float64

// loopback measures single sends to a server in another process. Every client
// has the transport that it makes for itself.
func (r *run) loopback(ctx context.Context) (string, error) {
	s, err := r.at(ctx)
	if err != nil {
		return "", err
	}
	list := peers()
	text, all := "", []aim{}
	for _, mode := range modes {
		got, err := r.speeds(ctx, list, mode, s)
		if err != nil {
			return "", fmt.Errorf("%s: %w", mode, err)
		}
		text += speedTable(mode, list, got) + "\n"
		if mode == modeTLS {
			all = loopbackAims(got)
		}
	}
	return text + aims(all), nil
}

// speeds measures one column after the other, all peers in turn.
func (r *run) speeds(ctx context.Context, list []peer, mode string, s *server) (speeds, error) {
	sends := make([]sendFunc, len(list))
	for i, p := range list {
		var err error
		if sends[i], err = p.open(target{base: s.Peers[p.name][mode]}); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	got := speeds{}
	for _, c := range cells() {
		m := mailOf(c.size)
		got[c] = make([]float64, len(list))
		err := inTurn(r.rounds, len(list), func(i int) error {
			v, err := flood(ctx, c.atOnce, r.cellTime, func(ctx context.Context) error { return sends[i](ctx, m) })
			got[c][i] = max(got[c][i], v)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", list[i].name, c, err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return got, nil
}

func speedTable(mode string, list []peer, got speeds) string {
	t := table{head: []string{mode + ": mails a second"}}
	for _, c := range cells() {
		t.head = append(t.head, c.String())
	}
	for i, p := range list {
		row := []string{p.name}
		for _, c := range cells() {
			row = append(row, thousands(int64(got[c][i]))+" ("+ratio(got[c][i], got[c][byHandRow])+")")
		}
		t.add(row...)
	}
	return t.String()
}

func loopbackAims(got speeds) []aim {
	v := got[cell{sizes[0], 64}]
	ours, hand, untuned := v[0], v[byHandRow], v[byHandRow+1]
	return []aim{
		{"TLS and HTTP/1.1, 2 kB, 64 at a time: at least 10 times the default transport", ratio(ours, untuned) + " times", ours >= 10*untuned},
		{"the same: within 20 % of net/http tuned the same way", ratio(ours, hand), ours >= 0.8*hand},
	}
}

// flood makes calls, n at a time, and returns how many ended a second. Each
// goroutine's first call, which opens connections, is made before.
func flood(ctx context.Context, n int, d time.Duration, call func(context.Context) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	var end time.Time
	worker := func() {
		for ctx.Err() == nil {
			if err := call(ctx); err != nil {
				cancel(err)
				return
			}
			done.Add(1)
			if !time.Now().Before(end) {
				return
			}
		}
	}
	together(n, worker) // end is zero: one call each
	done.Store(0)
	start := time.Now()
	end = start.Add(d)
	together(n, worker)
	return float64(done.Load()) / time.Since(start).Seconds(), context.Cause(ctx)
}

func together(n int, do func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(do)
	}
	wg.Wait()
}
