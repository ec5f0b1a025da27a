package outbox_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/provider"
)

// Ten thousand personal mails at Brevo take ten calls, each with one intent.
func TestBatch(t *testing.T) {
	mails := 10_000
	if outbox.Raced {
		mails = 1_000
	}
	outbox.Stores(t, func(t *testing.T, s *outbox.Store) {
		var calls, versions atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			n := strings.Count(string(body), `"to":`)
			calls.Add(1)
			versions.Add(int64(n))
			ids := make([]string, n)
			for i := range ids {
				ids[i] = fmt.Sprintf(`"<%d.%d@example.com>"`, calls.Load(), i)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"messageIds":[%s]}`, strings.Join(ids, ","))
		}))
		defer server.Close()
		box, err := outbox.Open(t.Context(), s, outbox.Config{
			Default: "main", Batch: []string{"main"},
			Accounts: func(context.Context, string) (*provider.Client, error) {
				return brevo.Open(brevo.Config{APIKey: provider.NewSecret("xkeysib-test"), AccountSettings: provider.AccountSettings{BaseURL: server.URL}})
			},
		})
		require.NoError(t, err)
		stored, err := box.EnqueueAll(t.Context(), func(yield func(*provider.Message, error) bool) {
			for i := range mails {
				m := &provider.Message{
					From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: fmt.Sprintf("a%d@example.com", i)}},
					Subject: fmt.Sprint("Hello ", i), HTML: "<p>Hello</p>",
				}
				if !yield(m, nil) {
					return
				}
			}
		}, nil, nil)
		require.NoError(t, err)
		require.Equal(t, mails, stored)
		start := time.Now()
		require.NoError(t, box.Drain(t.Context()))
		t.Logf("%d mails in %s, %d calls", mails, time.Since(start), calls.Load())
		stats, err := s.Stats(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, mails, stats.ByState[outbox.Accepted])
		assert.LessOrEqual(t, calls.Load(), int64(mails/1000+4), "one for each thousand where every claim was whole")
	})
}
