package route_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
	"github.com/postmux/postmux/smsby"
)

// wire answers requests in place of a network.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// answer is an answer with a body of JSON.
func answer(status int, body string, header ...string) (*http.Response, error) {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
}

// A message that provably was not sent does not wait for long while another member is
// ready for it; without one it waits as before.
func TestPatience(t *testing.T) {
	refused := func(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }
	tooMany := func(*http.Request) (*http.Response, error) {
		return answer(429, `{"code":"x"}`, "Retry-After", "12")
	}
	fault := func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		return answer(500, `{"code":"x"}`)
	}
	hang := func(*http.Request) (*http.Response, error) {
		<-time.After(20 * time.Second)
		return nil, syscall.ECONNREFUSED
	}
	for _, tt := range []struct {
		name     string
		fails    wire
		times    int64 // that the first member fails, before it takes mail
		patience time.Duration
		backup   bool
		by       string
		most     time.Duration
	}{
		{"asked to wait 12 s", tooMany, 1, 0, true, "backup", 0},
		{"asked to wait 12 s, patience 15 s", tooMany, 1, 15 * time.Second, true, "brevo", 12 * time.Second},
		{"asked to wait 12 s, no other member", tooMany, 1, 0, false, "brevo", 12 * time.Second},
		{"not reached once", refused, 1, 0, true, "brevo", 500 * time.Millisecond},
		{"not reached for long", refused, 100, 0, true, "backup", 2 * time.Second},
		{"not reached after 20 s", hang, 100, 0, true, "backup", 20 * time.Second},
		{"may have been sent, under a key of the provider", fault, 3, time.Nanosecond, true, "brevo", 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var failed atomic.Int64
				main, err := brevo.New("xkeysib-"+tt.name, provider.WithFrom(provider.Address{Email: "shop@example.com"}),
					provider.WithHTTPClient(&http.Client{Transport: wire(func(r *http.Request) (*http.Response, error) {
						if failed.Add(1) <= tt.times {
							return tt.fails(r)
						}
						_, _ = io.Copy(io.Discard, r.Body)
						return answer(201, `{"messageId":"<1@example.com>"}`)
					})}))
				require.NoError(t, err)
				members := []*provider.Client{main}
				if tt.backup {
					members = append(members, new(fake).client(t, "backup"))
				}
				c, err := route.Options{Patience: tt.patience}.Failover(members...)
				require.NoError(t, err)
				start := time.Now()
				r, err := c.Send(t.Context(), message())
				require.NoError(t, err)
				assert.Equal(t, tt.by, r.Account)
				assert.LessOrEqual(t, time.Since(start), tt.most)
			})
		})
	}
}

// Mails of one message to several people stay together: once the first may have gone out,
// the others wait.
func TestPatienceOfAFanOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		main, err := smsby.Open(smsby.Config{Token: provider.NewSecret("t"), AccountSettings: provider.AccountSettings{
			From: provider.Address{Email: "shop@example.com"}, Policy: provider.Policy{"message.to.many": "fan_out"},
		}}, provider.WithHTTPClient(&http.Client{Transport: wire(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			if calls++; calls == 2 {
				return answer(429, `{"error":"too many"}`, "Retry-After", "12")
			}
			return answer(200, `{"status":"OK","result":{"email_id":7}}`)
		})}))
		require.NoError(t, err)
		b := new(fake)
		c, err := route.Failover(main, b.client(t, "backup"))
		require.NoError(t, err)
		start := time.Now()
		r, err := c.Send(t.Context(), message("a@example.com", "b@example.com", "c@example.com"))
		require.NoError(t, err)
		assert.Equal(t, provider.StateAccepted, r.State)
		assert.GreaterOrEqual(t, time.Since(start), 12*time.Second)
		assert.Zero(t, b.calls.Load())
	})
}
