package river

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// vendor counts the mails that it takes, by subject; under one key only one.
type vendor struct {
	mu    sync.Mutex
	sent  map[string]int
	keys  map[string]bool
	at    map[string]time.Time // of the first mail
	busy  int                  // so many calls are told to come back later
	lost  bool                 // mails are taken, and the answer says nothing
	delay time.Duration
	url   string
}

func newVendor(t *testing.T) *vendor {
	v := &vendor{sent: make(map[string]int), keys: make(map[string]bool), at: make(map[string]time.Time)}
	s := httptest.NewServer(v)
	t.Cleanup(s.Close)
	v.url = s.URL
	return v
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	subject, key := r.URL.Query().Get("subject"), r.URL.Query().Get("key")
	v.mu.Lock()
	delay, busy := v.delay, v.busy > 0
	if busy {
		v.busy--
		w.WriteHeader(http.StatusServiceUnavailable)
	} else if key == "" || !v.keys[key] {
		v.keys[key] = true
		v.sent[subject]++
		if v.sent[subject] == 1 {
			v.at[subject] = time.Now()
		}
	}
	if v.lost && !busy {
		w.WriteHeader(http.StatusInternalServerError)
	}
	v.mu.Unlock()
	if delay > 0 {
		<-time.After(delay)
	}
}

func (v *vendor) set(change func(*vendor)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v)
}

func (v *vendor) count(subject string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sent[subject]
}

// adapter is an account of the vendor.
type adapter struct {
	url   string
	keyed bool
}

// Capabilities implements provider.Adapter.
func (a adapter) Capabilities() provider.Capabilities {
	caps := provider.Capabilities{}
	for _, f := range provider.Features() {
		if strings.HasPrefix(string(f), "message.") {
			caps[f] = provider.Support{Level: provider.LevelNative}
		}
	}
	for _, f := range []provider.Feature{"message.batch", "message.cancel", "message.settle", "message.status"} {
		delete(caps, f)
	}
	if !a.keyed {
		caps["message.idempotency_key"] = provider.Support{Level: provider.LevelNone}
	}
	return caps
}

// KeyScope says how long the vendor knows a key.
func (a adapter) KeyScope(key string) (string, time.Duration) {
	if !a.keyed {
		return "", 0
	}
	return "vendor/" + key, time.Hour
}

// Send implements provider.Mailer.
func (a adapter) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	q := url.Values{"subject": {m.Subject}, "key": {m.IdempotencyKey}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // it is a fake
	if err != nil {
		return nil, &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Message: err.Error()}
	}
	_ = resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return m.Accepted("v-" + m.Subject), nil
	case http.StatusServiceUnavailable:
		return nil, &provider.Error{Kind: provider.ErrUnavailable, Outcome: provider.OutcomeNotSent, Status: resp.StatusCode}
	}
	return nil, &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Status: resp.StatusCode}
}

func (a adapter) client(t testing.TB) *provider.Client {
	c, err := provider.NewClient(a, "fake", provider.AccountSettings{}, provider.DriverEnv{Account: "main"})
	require.NoError(t, err)
	return c
}

func mail(subject any) *provider.Message {
	return &provider.Message{
		From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "a@example.com"}},
		Subject: fmt.Sprint(subject), Text: "x",
	}
}
