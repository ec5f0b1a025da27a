package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/fastpath"
)

var ablationDoc = flag.String("ablation.doc", "", "document for the table of TestAblation; empty only tries it")

// TestAblation measures what each piece of the fast path saves: "make ablation".
func TestAblation(t *testing.T) {
	r := &run{settings: shortest(), log: io.Discard, dir: t.TempDir()}
	if *ablationDoc != "" {
		r.rounds, r.benchTime = 15, 60*time.Millisecond
	}
	require.NoError(t, trust(r.dir))
	text, err := r.ablation(t.Context())
	require.NoError(t, err)
	r.server.close()
	for _, p := range fastpath.Pieces() {
		assert.Equal(t, 4, strings.Count(text, p.Name), "a row for each workload")
		assert.False(t, p.Off(), "on again")
	}
	if *ablationDoc != "" {
		require.NoError(t, publish(*ablationDoc, "ablation", text))
	}
}

// workload is what is measured with a piece of the fast path and without it.
type workload struct {
	name string
	// measure returns the processor time of one call, in nanoseconds.
	measure func(ctx context.Context) (float64, error)
}

// ablation turns off one piece of internal/fastpath after the other and measures what
// each saves.
func (r *run) ablation(ctx context.Context) (string, error) {
	loads, err := r.workloads(ctx)
	if err != nil {
		return "", err
	}
	t := table{head: []string{"workload", "piece", "lines", "time with", "time without", "saved", "saved by a line"}}
	for _, load := range loads {
		rows, err := r.without(ctx, load)
		if err != nil {
			return "", fmt.Errorf("%s: %w", load.name, err)
		}
		for _, row := range rows {
			t.add(row...)
		}
	}
	return t.String(), nil
}

// without measures a workload with and without each piece, one right after the other
// and in changing order. What counts is the median of all rounds, and the piece whose
// lines save most comes first.
func (r *run) without(ctx context.Context, load workload) ([][]string, error) {
	pieces := fastpath.Pieces()
	with, saved := make([][]float64, len(pieces)), make([][]float64, len(pieces))
	for round := range r.rounds {
		for i, p := range pieces {
			var ns [2]float64 // with, without
			for k := range ns {
				off := (round + k) % 2
				p.Turn(off == 1)
				var err error
				ns[off], err = load.measure(ctx)
				p.Turn(false)
				if err != nil {
					return nil, err
				}
			}
			with[i], saved[i] = append(with[i], ns[0]), append(saved[i], ns[1]-ns[0])
		}
	}
	type row struct {
		byLine float64
		cells  []string
	}
	var rows []row
	for i, p := range pieces {
		lines, err := linesOf(p)
		if err != nil {
			return nil, err
		}
		with, saved := median(with[i]), median(saved[i])
		byLine := saved / float64(lines)
		rows = append(rows, row{byLine, []string{
			load.name, p.Name, thousands(lines), micros(with), micros(with + saved), fmt.Sprintf("%+.1f µs", saved/1e3), fmt.Sprintf("%+.0f ns", byLine),
		}})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(b.byLine, a.byLine) })
	var out [][]string
	for _, row := range rows {
		out = append(out, row.cells)
	}
	return out, nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// processorTime returns what this process has used so far, in nanoseconds: unlike the
// clock, it does not count what other processes do meanwhile.
func processorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// perCall makes calls, n at a time, and returns the processor time of one.
func perCall(ctx context.Context, n int, d time.Duration, call func(context.Context) error) (float64, error) {
	var calls atomic.Int64
	before := processorTime()
	_, err := flood(ctx, n, d, func(ctx context.Context) error {
		calls.Add(1)
		return call(ctx)
	})
	return (processorTime() - before) / float64(calls.Load()), err
}

// linesOf counts the lines of the files in which a piece is written.
func linesOf(p *fastpath.Piece) (int, error) {
	n := 0
	for _, file := range p.Files {
		data, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			return 0, err
		}
		n += bytes.Count(data, []byte("\n"))
	}
	return n, nil
}

func (r *run) workloads(ctx context.Context) ([]workload, error) {
	var out []workload
	add := func(name string, n int, d time.Duration, call func(context.Context) error) {
		out = append(out, workload{name, func(ctx context.Context) (float64, error) { return perCall(ctx, n, d, call) }})
	}
	p := postmuxPeer()
	addSend := func(name string, size, n int, d time.Duration, t target) error {
		send, err := p.open(t)
		m := mailOf(size)
		add(name, n, d, func(ctx context.Context) error { return send(ctx, m) })
		return err
	}
	for _, size := range sizes {
		t := target{base: "https://api.example.com", hc: &http.Client{Transport: instant{p.status, p.answer}}}
		if err := addSend(fmt.Sprintf("send %d kB", size>>10), size, 1, r.benchTime, t); err != nil {
			return nil, err
		}
	}
	rows, err := pageRows(contactsPage(0, pageSize, 10*pageSize))
	if err != nil {
		return nil, err
	}
	add("page of 1,000 contacts", 1, r.benchTime, rows[0].read)
	s, err := r.at(ctx)
	if err != nil {
		return nil, err
	}
	return out, addSend("send 2 kB, TLS on loopback, 16 at a time", sizes[0], 16, r.benchTime, target{base: s.Peers[p.name][modeTLS]})
}
