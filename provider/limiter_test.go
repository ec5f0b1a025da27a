package provider_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
)

// What a limiter's failure tells reaches all hooks, and the log in one line.
func TestLimitHooks(t *testing.T) {
	var log bytes.Buffer
	var got []provider.LimitEvent
	hooks := provider.Hooks{OnLimit: func(_ context.Context, e provider.LimitEvent) { got = append(got, e) }}
	hooks = hooks.And(provider.Hooks{}, hooks, provider.SlogHooks(slog.New(slog.NewTextHandler(&log, nil))))
	e := provider.LimitEvent{
		Provider: "brevo", Account: "main", Slot: provider.Slot{Key: "k", Class: "send", PerSecond: 100, Burst: 20},
		Err: errors.New("database is away\nsecond line"),
	}
	hooks.OnLimit(t.Context(), e)
	assert.Equal(t, []provider.LimitEvent{e, e}, got)
	assert.Contains(t, log.String(), `level=WARN msg="limiter failed" provider=brevo account=main class=send error="database is away second line"`)
}
