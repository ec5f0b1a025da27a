package httpx

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestNoAnswerIsUnknownAndNoConnectionIsNotSent(t *testing.T) {
	lost := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	chain := newChain(t, lost, nil)
	_, err := chain.Do(t.Context(), sendCall(), new(sent))
	e := errorOf(t, err)
	assert.Equal(t, provider.MaybeSent, e.Outcome)
	assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.False(t, e.Elsewhere)
	_, err = chain.Do(t.Context(), readCall(), new(sent))
	e = errorOf(t, err)
	assert.Equal(t, provider.ErrUnavailable, e.Kind)
	assert.NotContains(t, err.Error(), "secret.person", "paths hold addresses: errors show the route only")

	listener, lerr := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, lerr)
	dead := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = newChain(t, dead, nil).Do(t.Context(), sendCall(), new(sent))
	e = errorOf(t, err)
	assert.Equal(t, provider.NotSent, e.Outcome)
	assert.Equal(t, provider.ErrUnavailable, e.Kind)
	assert.True(t, e.Elsewhere)
}

func TestBadCertificateIsNotSent(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	srv.Config.ErrorLog = nil
	defer srv.Close()
	_, err := newChain(t, srv.URL, nil).Do(t.Context(), sendCall(), new(sent))
	e := errorOf(t, err)
	assert.Equal(t, provider.NotSent, e.Outcome)
	assert.Contains(t, e.Message, "certificate")
	own := newChain(t, srv.URL, func(c *Config) { c.Env.HTTPClient = srv.Client() })
	_, err = own.Do(t.Context(), sendCall(), new(sent))
	assert.NoError(t, err, "a caller's client brings its own authorities")
}

func TestCanceledAndLate(t *testing.T) {
	got := make(chan struct{}, 1)
	hang := make(chan struct{})
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- struct{}{}
		<-hang
	})
	defer close(hang)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-got; cancel() }()
	_, err := newChain(t, url, nil).Do(ctx, sendCall(), new(sent))
	e := errorOf(t, err)
	assert.Equal(t, provider.MaybeSent, e.Outcome, "the vendor has the whole request")
	assert.ErrorIs(t, err, context.Canceled)

	_, err = newChain(t, url, nil).Do(ctx, sendCall(), new(sent))
	e = errorOf(t, err)
	assert.Equal(t, provider.ErrCanceled, e.Kind)
	assert.Equal(t, provider.NotSent, e.Outcome)

	_, err = newChain(t, url, func(c *Config) { c.Section.Timeout = 50 * time.Millisecond }).Do(t.Context(), sendCall(), new(sent))
	e = errorOf(t, err)
	assert.Equal(t, provider.MaybeSent, e.Outcome)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}
