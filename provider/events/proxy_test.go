package events_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/sandbox"
)

// While the program behind a reverse proxy restarts, the rule of docs/events.md, 502 to 504
// become 429, loses nothing at Brevo; without it what came meanwhile is lost for good.
func TestProxy(t *testing.T) {
	for _, row := range []struct {
		name string
		down int // what the proxy answers while the program is down
		want int // events that are there in the end
	}{
		{"with the rule", http.StatusTooManyRequests, 2},
		{"as proxies are by default", http.StatusBadGateway, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			var kept store
			h, err := events.Handler(kept.sink, events.At("/main", brevo.Receiver(provider.NewSecret(right))))
			require.NoError(t, err)
			program := httptest.NewUnstartedServer(h)
			defer program.Close()
			target, err := url.Parse("http://" + program.Listener.Addr().String())
			require.NoError(t, err)
			running := false
			proxy := httputil.NewSingleHostReverseProxy(target)
			proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) {
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(row.down)
			}
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !running {
					proxy.ErrorHandler(w, r, nil)
					return
				}
				proxy.ServeHTTP(w, r)
			}))
			defer front.Close()
			sb := sandbox.New(t)
			require.NoError(t, sb.AddWebhook("brevo", "", front.URL+"/main/"+right))
			c, err := all.OpenAccount(t.Context(), sb.Config(), "brevo")
			require.NoError(t, err)
			_, err = c.Send(t.Context(), &provider.Message{To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Order", HTML: "<p>x</p>"})
			require.NoError(t, err)
			_, err = sb.DeliverEvents(t.Context())
			require.NoError(t, err)
			assert.Empty(t, kept.kept)
			program.Start()
			running = true
			sb.Advance(time.Hour)
			_, err = sb.DeliverEvents(t.Context())
			require.NoError(t, err)
			assert.Len(t, kept.kept, row.want)
		})
	}
}
