package outbox

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

// mailServer is Brevo and Pakat v3 over HTTP, as far as sending needs them. It counts what
// it takes by subject. A mail counts also when nobody waits for the answer any more.
type mailServer struct {
	*httptest.Server
	slow time.Duration // answers take up to this

	mu     sync.Mutex
	mails  map[string]int
	times  map[string][]int64 // of the mails, by subject
	keys   map[string]bool    // of Brevo; they outlive the test
	calls  int
	halved int // calls whose answer was not fetched: the process had died
}

func newMailServer(t testing.TB, slow time.Duration) *mailServer {
	v := &mailServer{slow: slow, mails: make(map[string]int), times: make(map[string][]int64), keys: make(map[string]bool)}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

// mailBody is what counts of a request.
type mailBody struct {
	Subject  string            `json:"subject"`
	Headers  map[string]string `json:"headers"`
	Versions []struct {
		Subject string `json:"subject"`
	} `json:"messageVersions"`
}

// ServeHTTP implements http.Handler.
func (v *mailServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body mailBody
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender died while it wrote
	}
	if !strings.HasSuffix(r.URL.Path, "/smtp/email") || r.Method != http.MethodPost || json.Unmarshal(data, &body) != nil {
		answerJSON(w, http.StatusNotFound, map[string]any{"code": "document_not_found", "message": "there is no such thing"})
		return
	}
	if rand.IntN(300) == 0 {
		w.Header().Set("Retry-After", "1")
		answerJSON(w, http.StatusTooManyRequests, map[string]any{"code": "too_many_requests", "message": "slower"})
		return
	}
	// A part of the time passes before the mail counts, a part after.
	delay := time.Duration(rand.Int64N(int64(v.slow) + 1))
	before := time.Duration(rand.Int64N(int64(delay) + 1))
	pause(context.WithoutCancel(r.Context()), before)
	key := ""
	if strings.HasPrefix(r.URL.Path, "/brevo/") {
		key = body.Headers["idempotencyKey"]
	}
	again := v.take(&body, key)
	pause(context.WithoutCancel(r.Context()), delay-before)
	switch {
	case again:
		answerJSON(w, http.StatusBadRequest, map[string]any{"code": "duplicate_parameter", "message": "this idempotency key was used"})
	case len(body.Versions) > 0:
		ids := make([]string, len(body.Versions))
		for i := range ids {
			ids[i] = "<" + body.Versions[i].Subject + "@mail>"
		}
		answerJSON(w, http.StatusCreated, map[string]any{"messageIds": ids})
	default:
		answerJSON(w, http.StatusCreated, map[string]any{"messageId": "<" + body.Subject + "@mail>"})
	}
	if r.Context().Err() != nil {
		v.mu.Lock()
		v.halved++
		v.mu.Unlock()
	}
}

// take counts the mails of a request, and reports whether its key was used before.
func (v *mailServer) take(body *mailBody, key string) (again bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	if key != "" && v.keys[key] {
		return true
	}
	v.keys[key] = true
	subjects := []string{body.Subject}
	if len(body.Versions) > 0 {
		subjects = nil
	}
	for _, one := range body.Versions {
		subjects = append(subjects, cmp.Or(one.Subject, body.Subject))
	}
	for _, subject := range subjects {
		v.mails[subject]++
		v.times[subject] = append(v.times[subject], time.Now().UnixNano())
	}
	return false
}

func (v *mailServer) counts() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.mails)
}

// subjects is how many different mails it took.
func (v *mailServer) subjects() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.mails)
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the sender may have died
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// crashAccounts are the accounts at a mailServer, one for each way in which mail leaves.
var crashAccounts = []string{"keyed", "unkeyed", "batch", "route"}

// openAt opens an account at the mail server with an address.
func openAt(ctx context.Context, url, account string) (*provider.Client, error) {
	at := func(driver string) provider.AccountConfig {
		limits := map[string]string{"all": "100000/s"}
		if driver == "brevo" {
			limits = map[string]string{"send": "100000/s", "batch": "100000/s"}
		}
		return provider.AccountConfig{
			"provider": driver, "base_url": url + "/" + driver, "api_key": "key-of-" + driver, "rate_limits": limits, "tries": 2,
		}
	}
	cfg := provider.Config{Providers: map[string]provider.AccountConfig{
		"keyed": at("brevo"), "unkeyed": at("pakatv3"), "batch": at("brevo").With("concurrency", 2), "first": at("pakatv3"), "second": at("pakatv3"),
		"route": {"provider": "failover", "members": []string{"first", "second"}},
	}}
	return all.OpenAccount(ctx, cfg, account)
}

// crashMail is the mail with a number. Its subject and its key tell it apart.
func crashMail(n int) *provider.Message {
	m := mail(crashSubject(n))
	m.IdempotencyKey = fmt.Sprint("key-", n)
	return m
}

func crashAccount(n int) string { return crashAccounts[n%len(crashAccounts)] }

func crashSubject(n int) string { return fmt.Sprintf("%s-%d", crashAccount(n), n) }

// The accounts open, and the mail server counts what they send.
func TestMailServer(t *testing.T) {
	v := newMailServer(t, 0)
	for i, name := range crashAccounts {
		client, err := openAt(t.Context(), v.URL, name)
		if err != nil {
			t.Fatal(err)
		}
		m := crashMail(i)
		m.IdempotencyKey = ""
		for range 20 { // some are answered with 429, twice at most
			if _, err = client.Send(t.Context(), m); err == nil {
				break
			}
		}
		if err != nil || v.counts()[m.Subject] != 1 {
			t.Error(name, err, slices.Sorted(maps.Keys(v.counts())))
		}
	}
}

// The messages of an account of Config.Batch go out many in a call, as Brevo takes them.
func TestBatchCalls(t *testing.T) {
	stores(t, func(t *testing.T, s *Store) {
		v := newMailServer(t, 0)
		b, err := Open(t.Context(), s, Config{
			Namespace: "test", Batch: []string{"batch"}, Default: "batch",
			Accounts: func(ctx context.Context, name string) (*provider.Client, error) { return openAt(ctx, v.URL, name) },
		})
		require.NoError(t, err)
		var messages []*provider.Message
		for n := 2; len(messages) < 300; n += len(crashAccounts) {
			messages = append(messages, crashMail(n))
		}
		_, err = b.EnqueueAll(t.Context(), each(messages), nil, nil)
		require.NoError(t, err)
		runUntil(t, b, 1, func() bool { return b.states(t)[Accepted] == int64(len(messages)) })
		assert.Less(t, v.calls, 20, "a call has many messages")
		for _, m := range messages {
			assert.Equal(t, 1, v.counts()[m.Subject], m.Subject)
		}
	})
}
