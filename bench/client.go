package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

var sizes = []int{2 << 10, 50 << 10}

// cost is what a call costs: the smallest of all rounds.
type cost struct {
	ns, bytes, allocs float64
}

// cheapest measures one row and keeps the smaller figures.
func (c *cost) cheapest(ctx context.Context, call func(context.Context) error) error {
	var failed error
	res := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := call(ctx); err != nil {
				failed = err
				b.FailNow()
			}
		}
	})
	if failed != nil {
		return failed
	}
	if c.ns == 0 {
		*c = cost{math.Inf(1), math.Inf(1), math.Inf(1)}
	}
	c.ns = min(c.ns, float64(res.T.Nanoseconds())/float64(res.N))
	c.bytes, c.allocs = min(c.bytes, float64(res.AllocedBytesPerOp())), min(c.allocs, float64(res.AllocsPerOp()))
	return nil
}

// clientWork measures a single send without a network, and what it puts on the wire.
func (r *run) clientWork(ctx context.Context) (string, error) {
	list := withoutNetwork()
	text, all := "", []aim{}
	for _, size := range sizes {
		m := mailOf(size)
		costs, wires := make([]cost, len(list)), make([]int64, len(list))
		sends := make([]sendFunc, len(list))
		for i, p := range list {
			var err error
			if sends[i], err = p.open(target{base: "https://api.example.com", hc: &http.Client{Transport: instant{p.status, p.answer}}}); err != nil {
				return "", fmt.Errorf("%s: %w", p.name, err)
			}
		}
		err := inTurn(r.rounds, len(list), func(i int) error {
			if err := costs[i].cheapest(ctx, func(ctx context.Context) error { return sends[i](ctx, m) }); err != nil {
				return fmt.Errorf("%s: %w", list[i].name, err)
			}
			return nil
		})
		if err != nil {
			return "", err
		}
		for i, p := range list {
			if wires[i], err = onTheWire(ctx, p, m); err != nil {
				return "", fmt.Errorf("%s: %w", p.name, err)
			}
		}
		text += fmt.Sprintf("%d kB of HTML:\n\n%s\n", size>>10, sendTable(list, costs, wires))
		all = append(all, sendAims(size, list, costs, wires)...)
	}
	return text + aims(all), nil
}

const byHandRow = 2 // of peers()

func sendTable(list []peer, costs []cost, wires []int64) string {
	t := table{head: []string{"client", "time", "to by hand", "B/op", "allocations", "bytes on the wire"}}
	for i, p := range list {
		t.add(p.name, micros(costs[i].ns), ratio(costs[i].ns, costs[byHandRow].ns), thousands(int64(costs[i].bytes)), thousands(int64(costs[i].allocs)), thousands(wires[i]))
	}
	return t.String()
}

func sendAims(size int, list []peer, costs []cost, wires []int64) []aim {
	fastest, leanest := -1, -1
	for i, p := range list {
		switch {
		case p.ours || p.yardstick:
		case fastest < 0 || costs[i].ns < costs[fastest].ns:
			fastest = i
		}
		if !p.ours && p.json && (leanest < 0 || wires[i] < wires[leanest]) {
			leanest = i
		}
	}
	kb := fmt.Sprintf("%d kB: ", size>>10)
	return []aim{
		{kb + "faster than every library", ratio(costs[0].ns, costs[fastest].ns) + " of " + list[fastest].name, costs[0].ns < costs[fastest].ns},
		{kb + "at most 1.1 of by hand", ratio(costs[0].ns, costs[byHandRow].ns), costs[0].ns <= 1.1*costs[byHandRow].ns},
		{kb + "fewer bytes than every JSON client", ratio(float64(wires[0]), float64(wires[leanest])) + " of " + list[leanest].name, wires[0] < wires[leanest]},
	}
}

// onTheWire counts the bytes of one send over HTTP/1.1, header and body.
func onTheWire(ctx context.Context, p peer, m *mail) (int64, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	counted := &countingListener{Listener: l}
	s := &http.Server{Handler: answering(p.status, p.answer)} //nolint:gosec // one request of our own
	go func() { _ = s.Serve(counted) }()
	defer func() { _ = s.Close() }()
	send, err := p.open(target{base: "http://" + l.Addr().String(), hc: &http.Client{Transport: &http.Transport{}}})
	if err != nil {
		return 0, err
	}
	if err := send(ctx, m); err != nil {
		return 0, err
	}
	return counted.read.Load(), nil
}

// countingListener counts what all its connections receive.
type countingListener struct {
	net.Listener
	read atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countingConn{c, l}, nil
}

type countingConn struct {
	net.Conn
	l *countingListener
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.read.Add(int64(n))
	return n, err
}
