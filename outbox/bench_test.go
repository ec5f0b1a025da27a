package outbox_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/provider"
)

// brevoLike answers as Brevo does when it takes a mail.
func brevoLike(tb testing.TB, calls *atomic.Int64) string {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"messageId":"<%d@example.com>"}`, n.Add(1))
		calls.Add(1)
	}))
	tb.Cleanup(s.Close)
	return s.URL
}

// letter is a mail of about 2 KB.
func letter(i int) *provider.Message {
	return &provider.Message{
		From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: fmt.Sprintf("a%d@example.com", i)}},
		Subject: fmt.Sprint("Order ", i), HTML: "<p>" + string(make2k()) + "</p>",
	}
}

func make2k() []byte {
	out := make([]byte, 2000)
	for i := range out {
		out[i] = 'a' + byte(i%26)
	}
	return out
}

func benchBox(b *testing.B, s *outbox.Store, senders int, calls *atomic.Int64) *outbox.Box {
	url := brevoLike(b, calls)
	box, err := outbox.Open(b.Context(), s, outbox.Config{
		Default: "main", Senders: senders, Lease: 30 * time.Second,
		Accounts: func(context.Context, string) (*provider.Client, error) {
			return brevo.Open(brevo.Config{
				APIKey: provider.NewSecret("xkeysib-bench"), AccountSettings: provider.AccountSettings{BaseURL: url, RateLimits: map[string]string{"send": "100000/s"}},
			}, provider.WithFrom(provider.Address{Email: "shop@example.com"}))
		},
	})
	require.NoError(b, err)
	return box
}

// Enqueueing one by one, by 16 callers, and in transactions of a hundred.
func BenchmarkEnqueue(b *testing.B) {
	outbox.EachStore(b, func(b *testing.B, s *outbox.Store) {
		box := benchBox(b, s, 1, new(atomic.Int64))
		b.Run("one", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				_, err := box.Enqueue(b.Context(), letter(i), nil)
				require.NoError(b, err)
			}
		})
		b.Run("16 callers", func(b *testing.B) {
			b.SetParallelism(8) // of two processors
			b.RunParallel(func(p *testing.PB) {
				for i := 0; p.Next(); i++ {
					_, err := box.Enqueue(b.Context(), letter(i), nil)
					require.NoError(b, err)
				}
			})
		})
		b.Run("hundreds", func(b *testing.B) {
			_, err := box.EnqueueAll(b.Context(), letters(b.N), nil, nil)
			require.NoError(b, err)
		})
	})
}

func letters(n int) iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for i := range n {
			if !yield(letter(i), nil) {
				return
			}
		}
	}
}

// Sending what waits, with an intent on disk before each call.
//
//	go test -run '^$' -bench Drain -benchtime 5000x .
func BenchmarkDrain(b *testing.B) {
	outbox.EachStore(b, func(b *testing.B, s *outbox.Store) {
		var calls atomic.Int64
		box := benchBox(b, s, 64, &calls)
		_, err := box.EnqueueAll(b.Context(), letters(b.N), nil, nil)
		require.NoError(b, err)
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error)
		b.ResetTimer()
		go func() { ended <- box.Run(ctx) }()
		require.Eventually(b, func() bool { return calls.Load() >= int64(b.N) }, time.Hour, time.Millisecond)
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		stop()
		require.NoError(b, <-ended)
	})
}
