package faulttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// TestMain looks for goroutines of ours. Toxiproxy itself leaves some behind
// when a link is cut while data is on its way.
func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // its toxics have loggers of their own
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}

const (
	mails   = 8 // by toxic
	timeout = 2 * time.Second
	// slack is for a busy machine.
	slack = time.Second
)

// TestToxics sends each mail through a broken connection, and once more with
// the same key after the repair: then each has gone out exactly once.
func TestToxics(t *testing.T) {
	// The spec is loaded at the first request of a process, which takes as long as a
	// timeout here where the race detector looks on.
	sb := sandbox.New(t)
	direct, err := brevo.Open(brevo.Config{
		APIKey: provider.NewSecret(sandbox.Key("brevo")), AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("brevo")},
	})
	require.NoError(t, err)
	_, err = direct.Check(t.Context())
	require.NoError(t, err)
	for _, row := range []struct {
		toxic    string // type, stream, attributes
		harmless bool   // slow, but it arrives
	}{
		{toxic: `"latency", "stream": "downstream", "attributes": {"latency": 40, "jitter": 20}`, harmless: true},
		{toxic: `"latency", "stream": "upstream", "attributes": {"latency": 40, "jitter": 20}`, harmless: true},
		{toxic: `"slicer", "stream": "upstream", "attributes": {"average_size": 40, "size_variation": 20, "delay": 500}`, harmless: true},
		{toxic: `"slicer", "stream": "downstream", "attributes": {"average_size": 10, "size_variation": 5, "delay": 500}`, harmless: true},
		{toxic: `"bandwidth", "stream": "upstream", "attributes": {"rate": 20}`, harmless: true},
		{toxic: `"bandwidth", "stream": "downstream", "attributes": {"rate": 20}`, harmless: true},
		{toxic: `"latency", "stream": "downstream", "attributes": {"latency": 10000}`},
		{toxic: `"timeout", "stream": "upstream", "attributes": {"timeout": 30}`},
		{toxic: `"timeout", "stream": "downstream", "attributes": {"timeout": 30}`},
		{toxic: `"timeout", "stream": "downstream", "attributes": {"timeout": 0}`},
		{toxic: `"reset_peer", "stream": "upstream", "attributes": {"timeout": 0}`},
		{toxic: `"reset_peer", "stream": "downstream", "attributes": {"timeout": 0}`},
		{toxic: `"reset_peer", "stream": "downstream", "attributes": {"timeout": 20}`},
		{toxic: `"limit_data", "stream": "upstream", "attributes": {"bytes": 0}`},
		{toxic: `"limit_data", "stream": "upstream", "attributes": {"bytes": 100}`},
		{toxic: `"limit_data", "stream": "upstream", "attributes": {"bytes": 800}`},
		{toxic: `"limit_data", "stream": "downstream", "attributes": {"bytes": 0}`},
		{toxic: `"limit_data", "stream": "downstream", "attributes": {"bytes": 10}`},
		{toxic: `"limit_data", "stream": "downstream", "attributes": {"bytes": 150}`},
	} {
		t.Run(strings.NewReplacer(`"`, "", "stream: ", "", "attributes: ", "").Replace(row.toxic), func(t *testing.T) {
			t.Parallel()
			poisoned(t, row.toxic, row.harmless)
		})
	}
}

func poisoned(t *testing.T, toxic string, harmless bool) {
	sb := sandbox.New(t)
	proxy, client := through(t, sb)
	_, err := proxy.Toxics.AddToxicJson(strings.NewReader(`{"name": "fault", "type": ` + toxic + `}`))
	require.NoError(t, err)

	first := sendAll(t, client)
	removal, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = proxy.Toxics.RemoveToxic(removal, "fault")
	proxy.Stop() // what is on its way in the proxy ends here
	counts := delivered(sb)
	unknown := 0
	for i, r := range first {
		there := counts[subject(i)]
		assert.LessOrEqual(t, there, 1, "mail %d went out twice", i)
		assert.Less(t, r.took, timeout+slack, "the timeout was not kept")
		switch {
		case r.err == nil:
			assert.Equal(t, 1, there, "mail %d is called accepted", i)
		case outcomeOf(r.err) == provider.OutcomeNotSent:
			assert.Zero(t, there, "mail %d is called not sent: %v", i, r.err)
		default:
			assert.ErrorIs(t, r.err, provider.ErrOutcomeUnknown)
			unknown++
		}
		if harmless {
			assert.NoError(t, r.err)
		}
	}
	require.NoError(t, proxy.Start())
	for _, r := range sendAll(t, client) {
		assert.NoError(t, r.err, "after the repair")
	}
	for i := range mails {
		assert.Equal(t, 1, delivered(sb)[subject(i)], "mail %d, sent again with its key", i)
	}
	t.Logf("%d mails, %d unknown at first, each out once in the end", mails, unknown)
}

// through opens Brevo's adapter on a proxy before the sandbox.
func through(t *testing.T, sb *sandbox.Server) (*toxiproxy.Proxy, *provider.Client) {
	base, err := url.Parse(sb.BaseURL("brevo"))
	require.NoError(t, err)
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "vendor", "127.0.0.1:0", base.Host)
	require.NoError(t, proxy.Start())
	t.Cleanup(proxy.Stop)
	base.Host = proxy.Listen
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := brevo.Open(brevo.Config{
		AccountSettings: provider.AccountSettings{BaseURL: base.String(), Timeout: timeout, From: provider.Address{Email: "shop@example.com"}},
		APIKey:          provider.NewSecret(sandbox.Key("brevo")),
	}, provider.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	return proxy, client
}

type result struct {
	err  error
	took time.Duration
}

func subject(i int) string { return fmt.Sprintf("mail %d", i) }

// sendAll sends the mails side by side, each under its own key.
func sendAll(t *testing.T, client *provider.Client) []result {
	out := make([]result, mails)
	var all sync.WaitGroup
	for i := range out {
		all.Go(func() {
			start := time.Now()
			_, err := client.Send(t.Context(), &provider.Message{
				To: []provider.Address{{Email: "anna@example.com"}}, Subject: subject(i), IdempotencyKey: subject(i),
				HTML: "<p>" + strings.Repeat("Hello ", 200) + "</p>",
			})
			out[i] = result{err, time.Since(start)}
		})
	}
	all.Wait()
	return out
}

func outcomeOf(err error) provider.Outcome {
	var e *provider.Error
	if errors.As(err, &e) {
		return e.Outcome
	}
	return ""
}

// delivered counts the mails by subject.
func delivered(sb *sandbox.Server) map[string]int {
	counts := map[string]int{}
	for _, m := range sb.Messages("brevo") {
		counts[m.Subject]++
	}
	return counts
}
