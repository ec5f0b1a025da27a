package httpx

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postmux/postmux/provider"
)

// script is a transport that plays answers in order; the last one stays.
type script struct {
	base  string
	mu    sync.Mutex
	steps []step
	times []time.Time // when a request came
}

type step struct {
	status int
	body   string
	header http.Header
	err    error
	unread bool // the body was not handed over
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	st := s.steps[min(len(s.times), len(s.steps)-1)]
	s.times = append(s.times, time.Now())
	s.mu.Unlock()
	if r.Body != nil && !st.unread {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	if st.err != nil {
		return nil, st.err
	}
	h := st.header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: st.status, Header: h, Body: io.NopCloser(strings.NewReader(st.body)), Request: r}, nil
}

var scripts atomic.Int64

func scripted(t *testing.T, s *script, change func(*Config)) *Chain {
	t.Helper()
	if s.base == "" {
		// Limits are kept for the whole process: each script is a vendor of its own.
		s.base = fmt.Sprintf("https://vendor-%d.example", scripts.Add(1))
	}
	return newChain(t, s.base, func(c *Config) {
		c.Env.HTTPClient = &http.Client{Transport: s}
		c.Section.Attempts = 0
		if change != nil {
			change(c)
		}
	})
}

var (
	ok        = step{status: 200, body: `{"id":"7"}`}
	duplicate = step{status: 400, body: `{"code":"duplicate_parameter","error":"idempotency"}`}
	cut       = step{err: errors.New("connection reset")}
	partly    = step{err: errors.New("connection reset"), unread: true}
	refused   = step{status: 400, body: `{"error":"bad"}`}
	busy      = step{status: 429}
	broken    = step{status: 503}
)

// keyed is a classifier that knows the vendor's word for a key it has seen.
func keyed(a *Answer) *provider.Error {
	e := classify(a)
	if e != nil && e.Code == "duplicate_parameter" {
		e.Kind = KindDuplicate
	}
	return e
}
