package httpx

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/patience"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// A call that waits for the account's own limit is given up when that takes longer than
// the patience of a route, at once when the wait is known, and not otherwise.
func TestPatienceForTheOwnLimit(t *testing.T) {
	for _, tt := range []struct {
		name     string
		patience time.Duration // 0: none
		deadline time.Duration // of the caller, 0: none
		err      string
		took     time.Duration
	}{
		{name: "none", took: 10 * time.Second},
		{name: "enough", patience: 11 * time.Second, took: 10 * time.Second},
		{name: "too little", patience: 2 * time.Second, err: "rate limited: the account's own limit keeps it for longer than it may wait (try again in 10s)"},
		{name: "the caller has less", patience: 2 * time.Second, deadline: time.Second, err: "rate limited: the next call is allowed only after the deadline (try again in 10s)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{
					Provider: "fake", BaseURL: "https://vendor.test", Auth: HeaderKey("api-key", provider.NewSecret(t.Name())),
					Env:      provider.DriverEnv{HTTPClient: &http.Client{Transport: answering(`{"id":"7"}`)}},
					Limits:   Single(0.1),
					Classify: func(*Answer) *provider.Error { return nil },
				}
				c, err := New(cfg)
				require.NoError(t, err)
				call := func(ctx context.Context) error {
					_, err := c.Do(ctx, &rest.Call{Operation: "send", Method: http.MethodPost, Route: "/send", Effect: rest.Send}, new(struct {
						ID string `json:"id"`
					}))
					return err
				}
				require.NoError(t, call(t.Context()))
				ctx := t.Context()
				if tt.patience > 0 {
					ctx = patience.With(ctx, time.Now().Add(tt.patience))
				}
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				start := time.Now()
				err = call(ctx)
				assert.Equal(t, tt.took, time.Since(start))
				if tt.err == "" {
					require.NoError(t, err)
					return
				}
				var e *provider.Error
				require.ErrorAs(t, err, &e)
				assert.Contains(t, e.Error(), tt.err)
				assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
				assert.True(t, e.Elsewhere)
			})
		})
	}
}

// answering answers every request with this JSON.
type answering string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a))), ContentLength: int64(len(a)), Request: r,
	}, nil
}
