package httpx

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	var fetched, calls atomic.Int32
	valid := "token-2"
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Header.Get("Authorization") != "Bearer "+valid {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"id":"7"}`)
	})
	fetch := func(context.Context) (string, time.Duration, error) {
		return fmt.Sprintf("token-%d", fetched.Add(1)), time.Hour, nil
	}
	chain := newChain(t, url, func(c *Config) { c.Auth = Bearer("account", fetch) })
	var out sent
	_, err := chain.Do(t.Context(), sendCall(), &out)
	require.NoError(t, err)
	assert.Equal(t, int32(2), fetched.Load())
	assert.Equal(t, int32(2), calls.Load())
	valid = "never"
	_, err = chain.Do(t.Context(), sendCall(), &out)
	assert.Equal(t, provider.ErrUnauthorized, errorOf(t, err).Kind)
	assert.Equal(t, int32(3), fetched.Load(), "exactly one forced refresh")
	assert.Equal(t, int32(4), calls.Load())
}

func TestOneTokenForAllWhoWait(t *testing.T) {
	var fetched atomic.Int32
	release := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"7"}`) })
	chain := newChain(t, url, func(c *Config) {
		c.Auth = Bearer("account", func(context.Context) (string, time.Duration, error) {
			fetched.Add(1)
			<-release
			return "t", time.Hour, nil
		})
	})
	first, cancelFirst := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			ctx := t.Context()
			if i == 0 {
				ctx = first
			}
			_, err := chain.Do(ctx, sendCall(), new(sent))
			if i > 0 {
				assert.NoError(t, err, "the end of one caller's context is not the others'")
			}
		})
	}
	cancelFirst()
	close(release)
	wg.Wait()
	assert.Equal(t, int32(1), fetched.Load())
}

func TestTokenFailureMeansNotSent(t *testing.T) {
	for _, row := range []struct{ name, message, want string }{
		{name: "a text", message: "cut", want: "getting a token: cut"},
		{name: "no text", want: "getting a token"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
			_, err := newChain(t, url, func(c *Config) {
				c.Auth = Bearer("account", func(context.Context) (string, time.Duration, error) {
					return "", 0, &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Message: row.message}
				})
			}).Do(t.Context(), sendCall(), new(sent))
			e := errorOf(t, err)
			assert.Equal(t, row.want, e.Message)
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
			assert.Equal(t, provider.ErrUnavailable, e.Kind)
			assert.True(t, e.Elsewhere)
			assert.Zero(t, calls.Load())
		})
	}
}
