package httpx

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/postmux/postmux/internal/patience"
)

// tokenSource keeps one token and fetches the next one early.
type tokenSource struct {
	fetch   func(ctx context.Context) (string, time.Duration, error)
	fetches singleflight.Group
	mu      sync.Mutex
	value   string
	renew   time.Time // when the next one is fetched
}

func (s *tokenSource) token(ctx context.Context, stale string) (string, error) {
	if value, ok := s.usable(stale); ok {
		return value, nil
	}
	// The fetch serves all who wait, so it must not end with the context of
	// the one who came first; the transport bounds it in time.
	ch := s.fetches.DoChan("", func() (any, error) {
		if value, ok := s.usable(stale); ok {
			return value, nil // another fetch has ended since the look above
		}
		value, life, err := s.fetch(patience.Without(context.WithoutCancel(ctx)))
		if err != nil {
			return "", err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.value, s.renew = value, time.Now().Add(life*8/10)
		return value, nil
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-ch:
		value, _ := r.Val.(string)
		return value, r.Err
	}
}

// usable returns the kept token, and whether it is neither stale nor about to expire.
func (s *tokenSource) usable(stale string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.value != "" && s.value != stale && time.Now().Before(s.renew)
}
