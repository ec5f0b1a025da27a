package brevo_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
	"github.com/postmux/postmux/sandbox"
)

// slots takes note of what a limiter is asked for.
type slots struct {
	mu    sync.Mutex
	asked []provider.Slot
}

func (s *slots) Acquire(_ context.Context, slot provider.Slot, _ int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, slot)
	return nil
}

func (s *slots) Pause(context.Context, provider.Slot, time.Duration) error { return nil }

// The members of a route have the limiter of the route, and each account its own key.
func TestWithLimiter(t *testing.T) {
	fake := sandbox.New(t)
	account := func(key string) provider.AccountConfig {
		a := fake.Config().Providers["brevo"]
		a["api_key"], a["rate_limits"] = key, map[string]any{"send": "50/s"}
		return a
	}
	for _, row := range []struct {
		name, second string // key of the second account
		keys         int
	}{
		{name: "two accounts", second: "another-key", keys: 2},
		{name: "two names of one", second: fake.Config().Providers["brevo"]["api_key"].(string), keys: 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			first := fake.Config().Providers["brevo"]["api_key"].(string)
			l := new(slots)
			registry := append(provider.Registry{brevo.Driver()}, route.Drivers()...)
			c, err := registry.Open(t.Context(), provider.Config{Default: "both", Providers: map[string]provider.AccountConfig{
				"a": account(first), "b": account(row.second),
				"both": {"provider": "round_robin", "members": []any{"a", "b"}},
			}}, provider.WithLimiter(l))
			require.NoError(t, err)
			for range 2 {
				_, _ = c.Send(t.Context(), &provider.Message{
					To: []provider.Address{{Email: "anna@example.com"}}, Subject: "x", HTML: "<p>x</p>",
				})
			}
			keys := make(map[string]bool)
			for _, s := range l.asked {
				keys[s.Key] = true
				assert.Len(t, s.Key, 32)
				assert.NotContains(t, s.Key, first)
				s.Key = ""
				assert.Equal(t, provider.Slot{Class: "send", PerSecond: 46, Burst: 5}, s)
			}
			assert.Len(t, keys, row.keys)
		})
	}
}
