package faults

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/internal/faultserver"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
)

// go test -v -timeout 30m ./internal/faults -faults.long
var long = flag.Bool("faults.long", false, "run the fault tests in their full length")

const (
	shortRun = 2_000 // sends by provider
	longRun  = 50_000
	senders  = 64
	// perClient keeps an account's repeats within what its budget allows at once.
	perClient = 50
	// tooLate is far over what a busy machine needs, or good answers would count
	// as faults and the shares below would be the machine's.
	tooLate = 2 * time.Second
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mix draws the fault of a request: 24 in 100 fail.
func mix(bool) faultserver.Fault {
	status := func(code int, refuse bool, body string) faultserver.Fault {
		return faultserver.Fault{Kind: faultserver.Status, Refuse: refuse, Reply: faultserver.Reply{Status: code, Body: body}}
	}
	switch n := rand.IntN(100); {
	case n < 5:
		return faultserver.Fault{Kind: faultserver.ResetAnswer} // accepted
	case n < 8:
		return faultserver.Fault{Kind: faultserver.Late, Pause: 3 * tooLate} // accepted
	case n < 10:
		return status(500, false, `{"message":"internal error"}`) // accepted
	case n < 12:
		return faultserver.Fault{Kind: faultserver.CutBody} // accepted
	case n < 17:
		return status(503, true, `<html>busy</html>`)
	case n < 22:
		return status(429, true, `{"code":"too_many_requests","message":"slow down"}`)
	case n < 24:
		return status(400, true, `{"code":"invalid_parameter","message":"email is not valid"}`)
	}
	return faultserver.Fault{}
}

// vendor fails by the mix. It remembers keys and answers a known one as Brevo does.
func vendor(t *testing.T) *faultserver.Server {
	srv, err := faultserver.Start(faultserver.Config{
		Plan: mix,
		OK:   faultserver.Reply{Status: http.StatusCreated, Body: `{"messageId":"<202611220312.80000000001@smtp-relay.mailin.fr>"}`},
		Key: func(body []byte) string {
			var mail struct{ Headers map[string]string }
			_ = json.Unmarshal(body, &mail)
			return mail.Headers["idempotencyKey"]
		},
		Duplicate: faultserver.Reply{
			Status: http.StatusBadRequest,
			Body:   `{"code":"duplicate_parameter","message":"this idempotency key belongs to a mail that was processed already"}`,
		},
	})
	require.NoError(t, err)
	return srv
}

// tally is what became of all mails.
type tally struct {
	sends, accepted, refused, unknown, unknownThere, twice, failedButThere, acceptedNotThere int
}

func (s tally) String() string {
	return fmt.Sprintf("sends=%d accepted=%d refused=%d unknown=%d (of them there: %d) twice=%d failed_but_delivered=%d accepted_but_lost=%d",
		s.sends, s.accepted, s.refused, s.unknown, s.unknownThere, s.twice, s.failedButThere, s.acceptedNotThere)
}

// TestScenario: no mail goes out twice, and none is called failed that went out.
func TestScenario(t *testing.T) {
	key := provider.NewSecret("key")
	for _, row := range []struct {
		name  string
		open  func(provider.AccountSettings, ...provider.Option) (*provider.Client, error)
		keyed bool
	}{
		{"with key", func(c provider.AccountSettings, o ...provider.Option) (*provider.Client, error) {
			return brevo.Open(brevo.Config{AccountSettings: c, APIKey: key}, o...)
		}, true},
		{"no key", func(c provider.AccountSettings, o ...provider.Option) (*provider.Client, error) {
			return pakat.OpenV3(pakat.V3Config{AccountSettings: c, APIKey: key}, o...)
		}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			s := scenario(t, row.open)
			t.Logf("%s: %v in %v", row.name, s, time.Since(start).Round(time.Millisecond))
			assert.Zero(t, s.twice, "sent twice")
			assert.Zero(t, s.failedButThere, "called failed, but delivered")
			assert.Zero(t, s.acceptedNotThere, "called accepted, but never there")
			switch {
			case !row.keyed:
				assert.Less(t, s.unknown, s.sends/4)
			case *long:
				assert.LessOrEqual(t, s.unknown, s.sends/100, "with a key hardly anything stays open")
			default:
				assert.LessOrEqual(t, s.unknown, s.sends/50, "the expected share is half of the promised 1 %%; few sends scatter")
			}
		})
	}
}

func scenario(t *testing.T, open func(provider.AccountSettings, ...provider.Option) (*provider.Client, error)) tally {
	srv := vendor(t)
	defer srv.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: senders, ResponseHeaderTimeout: tooLate}
	defer transport.CloseIdleConnections()
	n := shortRun
	if *long {
		n = longRun
	}
	clients := make([]*provider.Client, n/perClient)
	for i := range clients {
		var err error
		clients[i], err = open(provider.AccountSettings{BaseURL: srv.URL(), From: provider.Address{Email: "shop@example.com"}},
			provider.WithHTTPClient(&http.Client{Transport: transport}))
		require.NoError(t, err)
	}
	results := make([]result, n)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range senders {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				results[i] = send(t, clients[i%len(clients)], i)
			}
		})
	}
	workers.Wait()
	transport.CloseIdleConnections()
	srv.Settle()
	return count(srv, results)
}

// result is what the client said of a mail.
type result struct {
	state provider.State
	err   error
}

func send(t *testing.T, c *provider.Client, i int) result {
	r, err := c.Send(t.Context(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: faultserver.ID(i), HTML: "<p>Hello</p>",
	})
	if r == nil {
		t.Errorf("mail %d has no receipt: %v", i, err)
		return result{err: err}
	}
	return result{r.State, err}
}

func count(srv *faultserver.Server, results []result) tally {
	s := tally{sends: len(results)}
	for i, r := range results {
		there := srv.Accepted(faultserver.ID(i))
		if there > 1 {
			s.twice++
		}
		unknown := errors.Is(r.err, provider.ErrOutcomeUnknown)
		switch {
		case unknown != (r.state == provider.StateUnknown):
			panic(fmt.Sprintf("receipt says %s, error says %v", r.state, r.err))
		case unknown:
			s.unknown++
			if there > 0 {
				s.unknownThere++
			}
		case r.err == nil:
			s.accepted++
			if there == 0 {
				s.acceptedNotThere++
			}
		default:
			s.refused++
			if there > 0 {
				s.failedButThere++
			}
		}
	}
	return s
}
