package events_test

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/sendpulse"
)

const (
	right    = "right-secret-0123456789"
	earlier  = "earlier-secret-987654321"
	wrong    = "wrong-secret-9876543210"
	ofOther  = "secret-of-the-other-one"
	one      = `{"event":"delivered","email":"anna@example.com","message-id":"<1@x>","ts_epoch":1793610930123}`
	twoInOne = `[` + one + `,{"event":"unique_opened","email":"anna@example.com","message-id":"<1@x>","ts_epoch":1793610930123}]`
)

// store is a sink that keeps events by account and ID.
type store struct {
	mu   sync.Mutex
	kept map[string]events.Event
	got  int
	took int // calls
}

func (s *store) sink(_ context.Context, list []events.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took++
	if s.kept == nil {
		s.kept = map[string]events.Event{}
	}
	for _, e := range list {
		s.got++
		s.kept[e.Account+"/"+e.ID] = e
	}
	return nil
}

func handler(t *testing.T, sink events.Sink, opts ...events.Option) http.Handler {
	t.Helper()
	h, err := events.Handler(sink, append(opts,
		events.At("/main", brevo.Receiver(provider.NewSecret(right), provider.NewSecret(earlier))),
		events.At("/other", sendpulse.Receiver(provider.NewSecret(ofOther))))...)
	require.NoError(t, err)
	return h
}

func request(method, path, bearer, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return r
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// deep is an event with a member of lists within lists.
func deep(levels int) string {
	return strings.TrimSuffix(one, "}") + `,"x":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + "}"
}

// padded is an event in a body of a size.
func padded(size int) string { return one + strings.Repeat(" ", size-len(one)) }

// Whatever a handler takes can be read again when it was stored or forwarded.
func TestWhatIsTakenCanBeRead(t *testing.T) {
	for _, levels := range []int{1, 900, 1100, 9990, 9997, 9998, 9999} {
		list, err := brevo.ParseEvents([]byte(deep(levels)))
		if err != nil {
			continue
		}
		data, err := json.Marshal(map[string]any{"data": list[0]})
		require.NoError(t, err)
		var back struct{ Data events.Event }
		require.NoError(t, json.Unmarshal(data, &back), "depth %d", levels)
		assert.Equal(t, list[0].ID, back.Data.ID)
	}
}

// A body that is of no use is in the journal all the same, and nobody looks at its type.
func TestJournal(t *testing.T) {
	var kept store
	var journal []string
	h := handler(t, kept.sink, events.WithJournal(func(_, _ string, body []byte) error {
		journal = append(journal, string(body))
		return nil
	}))
	for _, body := range []string{"null", "<html>", one} {
		for _, kind := range []string{"", "text/html", "application/x-www-form-urlencoded"} {
			r := request("POST", "/main", right, body)
			if kind != "" {
				r.Header.Set("Content-Type", kind)
			}
			want := 400
			if body == one {
				want = 200
			}
			assert.Equal(t, want, do(h, r).Code)
			assert.Equal(t, body, journal[len(journal)-1])
		}
	}
	assert.Len(t, journal, 9)
	assert.Len(t, kept.kept, 1)
	assert.Equal(t, 401, do(h, request("POST", "/main", wrong, one)).Code)
	assert.Len(t, journal, 9, "nothing of it without the secret")
}

// Events of more than seven days ago are told apart, and taken.
func TestOldEvents(t *testing.T) {
	var seen []events.Delivery
	var kept store
	h := handler(t, kept.sink, events.WithObserver(func(d events.Delivery) { seen = append(seen, d) }))
	event := func(ago time.Duration) string {
		return fmt.Sprintf(`{"event":"opened","email":"a@example.com","ts_epoch":%d}`, time.Now().Add(-ago).UnixMilli())
	}
	body := "[" + event(time.Hour) + "," + event(6*24*time.Hour) + "," + event(8*24*time.Hour) + `,{"event":"opened"}]`
	assert.Equal(t, 200, do(h, request("POST", "/main", right, body)).Code)
	assert.Equal(t, 4, seen[0].Events)
	assert.Equal(t, 1, seen[0].Old)
	assert.Equal(t, 4, kept.got)
}

// The table of answers.
func TestAnswers(t *testing.T) {
	failing := func(context.Context, []events.Event) error { return errors.New("the database is down") }
	panics := func(context.Context, []events.Event) error { panic("sink") }
	for _, row := range []struct {
		name         string
		method, path string
		bearer, body string
		sink         events.Sink
		opts         []events.Option
		status       int
		events       int
	}{
		{name: "bearer", path: "/main", bearer: right, body: one, status: 200, events: 1},
		{name: "the old secret", path: "/main", bearer: earlier, body: one, status: 200, events: 1},
		{name: "in the path", path: "/main/" + right, body: one, status: 200, events: 1},
		{name: "a list", path: "/main", bearer: right, body: twoInOne, status: 200, events: 2},
		{name: "a stream", path: "/other/smtp/" + ofOther, body: `[{"event":"opened"}]`, status: 200, events: 1},
		{name: "another stream", path: "/other/bulk/" + ofOther, body: `{"event":"open"}`, status: 200, events: 1},
		{name: "probe", method: "HEAD", path: "/main/" + right, status: 200},
		{name: "GET", method: "GET", path: "/main/" + right, status: 405},
		{name: "empty", path: "/main", bearer: right, status: 200},
		{name: "empty object", path: "/main", bearer: right, body: " {} ", status: 200},
		{name: "empty list", path: "/main", bearer: right, body: "[ ]", status: 200},
		{name: "null", path: "/main", bearer: right, body: "null", status: 400},
		{name: "text", path: "/main", bearer: right, body: `"x"`, status: 400},
		{name: "broken", path: "/main", bearer: right, body: `{`, status: 400},
		{name: "HTML", path: "/main", bearer: right, body: `<html>`, status: 400},
		{name: "UTF-16", path: "/main", bearer: right, body: "\xff\xfe{\x00}\x00", status: 400},
		{name: "trailing comma", path: "/main", bearer: right, body: `[` + one + `,]`, status: 400},
		{name: "1 MB of brackets", path: "/main", bearer: right, body: strings.Repeat("[", 1<<20), status: 400},
		{name: "depth 10,001", path: "/main", bearer: right, body: strings.Repeat("[", 10001) + strings.Repeat("]", 10001), status: 400},
		{name: "null in a list", path: "/main", bearer: right, body: `[null,"x",5,` + one + `]`, status: 200, events: 4},
		{name: "a member of depth 900", path: "/main", bearer: right, body: deep(900), status: 200, events: 1},
		{name: "a member of depth 9,990", path: "/main", bearer: right, body: deep(9990), status: 400},
		{name: "5,000 rows", path: "/main", bearer: right, body: "[" + strings.Repeat(one+",", 4999) + one + "]", status: 200, events: 5000},
		{name: "5,001 rows", path: "/main", bearer: right, body: "[" + strings.Repeat(one+",", 5000) + one + "]", status: 413},
		{name: "16 MiB", path: "/main", bearer: right, body: padded(16 << 20), status: 200, events: 1},
		{name: "16 MiB and a byte", path: "/main", bearer: right, body: padded(16<<20 + 1), status: 413},
		{name: "10,000 rows", path: "/main", bearer: right, body: "[" + strings.Repeat(one+",", 9999) + one + "]", status: 413},
		{
			name: "too large", path: "/main", bearer: right, body: `{"x":"` + strings.Repeat("a", 2000) + `"}`,
			opts: []events.Option{events.WithMaxBody(1000)}, status: 413,
		},
		{name: "sink fails", path: "/main", bearer: right, body: one, sink: failing, status: 429},
		{name: "sink panics", path: "/main", bearer: right, body: one, sink: panics, status: 429},
		{
			name: "journal fails", path: "/main", bearer: right, body: one, status: 429,
			opts: []events.Option{events.WithJournal(func(string, string, []byte) error { return errors.New("full") })},
		},
		{name: "no secret", path: "/main", body: one, status: 401},
		{name: "wrong secret", path: "/main", bearer: wrong, body: one, status: 401},
		{name: "secret of another account", path: "/main", bearer: ofOther, body: one, status: 401},
		{name: "unknown account", path: "/elsewhere", bearer: right, body: one, status: 401},
		{name: "unknown stream", path: "/other/inbound/" + ofOther, body: one, status: 401},
		{name: "no stream", path: "/other/" + ofOther, body: one, status: 401},
		{name: "wrong secret and wrong method", method: "DELETE", path: "/main", bearer: wrong, status: 401},
		{name: "dots", path: "/main/../other/smtp/" + ofOther, body: one, status: 401},
		{name: "an escaped slash", path: "/main%2f" + right, body: one, status: 401},
		{name: "NUL", path: "/main/%00" + right, body: one, status: 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			var kept store
			sink := kept.sink
			if row.sink != nil {
				sink = row.sink
			}
			var seen []events.Delivery
			h := handler(t, sink, append(row.opts, events.WithObserver(func(d events.Delivery) { seen = append(seen, d) }))...)
			method := row.method
			if method == "" {
				method = "POST"
			}
			w := do(h, request(method, row.path, row.bearer, row.body))
			assert.Equal(t, row.status, w.Code)
			assert.Empty(t, w.Body.String())
			assert.Equal(t, row.events, kept.got)
			assert.Equal(t, row.events > 0, kept.took > 0, "the sink is called when there are events")
			assert.Equal(t, row.status == 429, w.Header().Get("Retry-After") == "60")
			if row.status == 401 {
				assert.Empty(t, seen)
				return
			}
			require.Len(t, seen, 1)
			assert.Equal(t, row.status, seen[0].Status)
			assert.NotContains(t, fmt.Sprintf("%+v", seen), "anna@")
			assert.NotContains(t, fmt.Sprintf("%+v", seen), right)
		})
	}
}

// Whatever is wrong with a secret, the answer is the same and as many comparisons are made.
func TestNoOracle(t *testing.T) {
	compared := 0
	before := events.SetCompare(func(a, b []byte) int {
		compared++
		return subtle.ConstantTimeCompare(a, b)
	})
	defer func() { events.SetCompare(before) }()
	h := handler(t, new(store).sink)
	var first *http.Response
	for _, row := range []struct {
		name, method, path, bearer string
		length                     int64
	}{
		{name: "no secret", path: "/main"},
		{name: "wrong", path: "/main", bearer: wrong},
		{name: "wrong and short", path: "/main", bearer: "x"},
		{name: "nearly right", path: "/main", bearer: right[:len(right)-1] + "x"},
		{name: "wrong in the path", path: "/main/" + wrong},
		{name: "an account with one secret", path: "/other/smtp/" + wrong},
		{name: "unknown account", path: "/elsewhere", bearer: right},
		{name: "no account", path: "/", bearer: right},
		{name: "another method", method: "PUT", path: "/main", bearer: wrong},
		{name: "a probe", method: "HEAD", path: "/main", bearer: wrong},
		{name: "unknown stream", path: "/other/x/" + ofOther},
		{name: "an empty bearer", path: "/main", bearer: " "},
		{name: "a huge body", path: "/main", bearer: wrong, length: 1 << 40},
		{name: "a secret with NUL", path: "/main", bearer: right + "\x00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			compared = 0
			method := row.method
			if method == "" {
				method = "POST"
			}
			r := request(method, row.path, row.bearer, "")
			r.Body, r.ContentLength = unread{t}, row.length
			got := do(h, r).Result()
			assert.Equal(t, 2, compared)
			assert.Equal(t, http.StatusUnauthorized, got.StatusCode)
			if first == nil {
				first = got
			}
			assert.Equal(t, first.Header, got.Header)
		})
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}
func (u unread) Close() error { return nil }

// With a sink that fails every second time, 64 callers that repeat what was not taken, as
// a provider does, lose nothing.
func TestNothingIsLost(t *testing.T) {
	var kept store
	var calls atomic.Int64
	h := handler(t, func(ctx context.Context, list []events.Event) error {
		switch calls.Add(1) % 3 {
		case 0:
			return errors.New("down")
		case 1:
			panic("worse")
		}
		return kept.sink(ctx, list)
	})
	const callers, each = 64, 20
	var wg sync.WaitGroup
	var lost atomic.Int64
	for c := range callers {
		wg.Go(func() {
			for n := range each {
				body := fmt.Sprintf(`{"event":"delivered","email":"a@example.com","message-id":"<%d.%d@x>"}`, c, n)
				for tries := 0; ; tries++ {
					code := do(h, request("POST", "/main", right, body)).Code
					if code == 200 {
						break
					}
					if code != 429 || tries > 10000 {
						lost.Add(1)
						break
					}
					<-time.After(time.Millisecond) // a provider waits too, and others get their turn
				}
			}
		})
	}
	wg.Wait()
	assert.Zero(t, lost.Load())
	assert.Equal(t, callers*each, len(kept.kept), "events kept")
}

func TestSlowSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler(t, func(ctx context.Context, _ []events.Event) error {
			<-ctx.Done() // as a query that obeys its context
			return ctx.Err()
		})
		start := time.Now()
		w := do(h, request("POST", "/main", right, one))
		assert.Equal(t, 429, w.Code)
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}

// More than eight bodies at a time come again later.
func TestManyAtATime(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	h := handler(t, func(context.Context, []events.Event) error {
		entered <- struct{}{}
		<-release
		return nil
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { assert.Equal(t, 200, do(h, request("POST", "/main", right, one)).Code) })
		<-entered
	}
	assert.Equal(t, 429, do(h, request("POST", "/main", right, one)).Code)
	close(release)
	wg.Wait()
}

func TestEventsOfAHandler(t *testing.T) {
	var kept store
	var journal [][]byte
	h := handler(t, kept.sink, events.WithJournal(func(account, stream string, body []byte) error {
		assert.Equal(t, "main", account)
		assert.Empty(t, stream)
		journal = append(journal, bytes.Clone(body))
		return nil
	}))
	before := time.Now()
	require.Equal(t, 200, do(h, request("POST", "/main", right, one)).Code)
	require.Equal(t, 200, do(h, request("POST", "/main", right, one)).Code)
	require.Len(t, kept.kept, 1, "the same event")
	for key, e := range kept.kept {
		assert.Equal(t, "main/"+e.ID, key)
		assert.False(t, e.ReceivedAt.Before(before.Add(-time.Second)))
	}
	assert.Equal(t, [][]byte{[]byte(one), []byte(one)}, journal)
	assert.Equal(t, []string{"main", "other"}, events.Accounts(h))
}

func TestHandlerProblems(t *testing.T) {
	_, err := events.Handler(nil,
		events.At("/a", brevo.Receiver(provider.NewSecret("short"))),
		events.At("/b", brevo.Receiver()),
		events.At("/c/../d", brevo.Receiver(provider.NewSecret(right))),
		events.At("/e", brevo.Receiver(provider.NewSecret("sixteen or more / letters"))),
		events.At("/n", brevo.Receiver(provider.NewSecret("sixteen-and-more-with-\x00"))),
		events.At("/f", brevo.Receiver(provider.NewSecret(right))),
		events.At("/f", brevo.Receiver(provider.NewSecret(right))),
		events.At("/g", events.Receiver{Secrets: []provider.Secret{provider.NewSecret(right)}}),
	)
	require.Error(t, err)
	for _, part := range []string{"/a: a secret has 16", "/b: expected at least one", `"/c/../d": expected a path`, "/e: a secret has letters", "/n: a secret has letters", "/f: the path is given twice", "/g: the receiver has no reader", "expected a sink"} {
		assert.ErrorContains(t, err, part)
	}
	assert.NotContains(t, err.Error(), right)
	_, err = events.Handler(new(store).sink)
	assert.ErrorContains(t, err, "at least one account")
}

// A host that receives needs no API key, and one that sends no secret of webhooks.
func TestFromConfig(t *testing.T) {
	t.Setenv("MAIN_HOOK", right)
	cfg, err := provider.ParseConfig([]byte(`{"default": "main", "providers": {
		"main": {"provider": "brevo", "api_key": "env:POSTMUX_NOT_SET", "webhook_secret": "env:MAIN_HOOK"},
		"bulk": {"provider": "sendpulse", "webhook_secret": "` + ofOther + `", "webhook_secret_old": "` + earlier + `"},
		"plain": {"provider": "brevo", "api_key": "env:POSTMUX_NOT_SET"},
		"sms": {"provider": "smsby", "token": "env:POSTMUX_NOT_SET"}}}`))
	require.NoError(t, err)
	accounts, err := events.FromConfig(all.Registry(), cfg)
	require.NoError(t, err)
	var kept store
	h, err := events.Handler(kept.sink, accounts)
	require.NoError(t, err)
	assert.Equal(t, []string{"bulk", "main"}, events.Accounts(h))
	assert.Equal(t, 200, do(h, request("POST", "/main", right, one)).Code)
	assert.Equal(t, 200, do(h, request("POST", "/bulk/smtp/"+earlier, "", `{"event":"opened"}`)).Code)
	assert.Equal(t, 401, do(h, request("POST", "/plain", right, one)).Code)
	require.Len(t, kept.kept, 2)

	t.Setenv("BREVO_KEY", "xkeysib-1")
	sends, err := provider.ParseConfig([]byte(`{"providers": {"main": {"provider": "brevo", "api_key": "env:BREVO_KEY", "webhook_secret": "env:POSTMUX_NOT_SET"}}}`))
	require.NoError(t, err)
	_, err = all.Open(t.Context(), sends)
	assert.NoError(t, err)
}

func TestFromConfigProblems(t *testing.T) {
	cfg, err := provider.ParseConfig([]byte(`{"providers": {
		"a": {"provider": "brevo", "webhook_secret": "too-short"},
		"b": {"provider": "brevo", "webhook_secret": "env:POSTMUX_NOT_SET"},
		"c": {"provider": "brevo", "webhook_url": "http://example.com/hooks"},
		"d": {"provider": "nobody"},
		"e": {"provider": "sendpulse", "webhook_secrte": "` + wrong + `"},
		"f": {"provider": "pakat", "webhook_secret_old": "` + right + `"}}}`))
	require.NoError(t, err)
	_, err = events.FromConfig(all.Registry(), cfg)
	require.Error(t, err)
	for _, part := range []string{
		"providers.a.webhook_secret: a secret has 16", "providers.b.webhook_secret: environment variable POSTMUX_NOT_SET",
		"providers.c.webhook_url", "providers.d.provider: no provider is called", "providers.e.webhook_secrte: unknown key",
		"providers.f.webhook_secret: missing beside",
	} {
		assert.ErrorContains(t, err, part)
	}
	for _, secret := range []string{right, wrong, "too-short"} {
		assert.NotContains(t, err.Error(), secret)
	}
}

func TestVerify(t *testing.T) {
	secrets := []provider.Secret{provider.NewSecret(right), provider.NewSecret(earlier)}
	assert.True(t, events.Verify(request("POST", "/x", right, ""), secrets...))
	assert.True(t, events.Verify(request("POST", "/x", earlier, ""), secrets...))
	assert.True(t, events.Verify(request("POST", "/x/"+right, "", ""), secrets...))
	assert.False(t, events.Verify(request("POST", "/"+right+"/x", "", ""), secrets...))
	assert.False(t, events.Verify(request("POST", "/x", wrong, ""), secrets...))
	assert.False(t, events.Verify(request("POST", "/x", "", ""), secrets...))
	assert.False(t, events.Verify(request("POST", "/x", right, "")))
	assert.False(t, events.Verify(request("POST", "/", "", ""), provider.Secret{}))
}

// A handler takes any body without a panic, and answers with one of its statuses. The sink
// keeps nothing, and one request serves all bodies: what grows makes later ones slower.
func FuzzHandler(f *testing.F) {
	for _, s := range []string{one, twoInOne, "", "null", "[{}]", strings.Repeat("[", 100)} {
		f.Add([]byte(s))
	}
	taken := 0
	h, err := events.Handler(
		func(_ context.Context, list []events.Event) error { taken += len(list); return nil },
		events.At("/main", brevo.Receiver(provider.NewSecret(right))))
	require.NoError(f, err)
	r := request("POST", "/main", right, "")
	f.Fuzz(func(t *testing.T, body []byte) {
		taken = 0
		r.Body = io.NopCloser(bytes.NewReader(body))
		code := do(h, r).Code
		rows, err := events.Rows(body)
		switch {
		case code == 200 && err == nil && taken == len(rows):
		case code == 400 && err != nil, code == 413 && err != nil:
		default:
			t.Fatalf("%d, %d events of %d rows, %v: %q", code, taken, len(rows), err, body)
		}
	})
}

func BenchmarkHandler(b *testing.B) {
	h, err := events.Handler(func(context.Context, []events.Event) error { return nil },
		events.At("/main", brevo.Receiver(provider.NewSecret(right))))
	require.NoError(b, err)
	body := "[" + strings.Repeat(one+",", 499) + one + "]"
	b.ReportAllocs()
	for b.Loop() {
		if do(h, request("POST", "/main", right, body)).Code != 200 {
			b.Fatal("not taken")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*500), "µs/event")
}
