package httpx_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// net/http repeats a request by itself when a connection that was used before
// ends without an answer, if the method or a header says that this is harmless.
// Only the effect says what a call does.
func TestTransportRepeatsNoSend(t *testing.T) {
	header := func(name string) []rest.Param { return []rest.Param{{Name: name, Value: "k"}} }
	for name, c := range map[string]struct {
		call rest.Call
		want int64 // requests that arrive
	}{
		"GET that sends":          {rest.Call{Method: "GET", Effect: rest.Send}, 1},
		"HEAD that sends":         {rest.Call{Method: "HEAD", Effect: rest.Send}, 1},
		"GET with a body":         {rest.Call{Method: "GET", Effect: rest.Send, Kind: rest.JSON, Body: map[string]string{"a": "b"}}, 1},
		"POST that sends":         {rest.Call{Method: "POST", Effect: rest.Send, Kind: rest.JSON, Body: map[string]string{"a": "b"}}, 1},
		"POST with a key":         {rest.Call{Method: "POST", Effect: rest.Send, Kind: rest.JSON, Body: map[string]string{"a": "b"}, Header: header("Idempotency-Key")}, 1},
		"POST with another key":   {rest.Call{Method: "POST", Effect: rest.Send, Header: header("X-Idempotency-Key")}, 1},
		"GET that reads, by ours": {rest.Call{Method: "GET", Effect: rest.Read}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var arrived atomic.Int64
			var got atomic.Pointer[http.Header]
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/act" {
					return
				}
				if arrived.Add(1) == 1 {
					got.Store(&r.Header)
					assert.Empty(t, r.TransferEncoding)
					panic(http.ErrAbortHandler) // carried out, and the answer is lost
				}
				_, _ = w.Write([]byte("{}"))
			}))
			defer srv.Close()
			chain, err := httpx.New(httpx.Config{
				Provider: "test", Auth: httpx.NoAuth(), Classify: func(*httpx.Answer) *provider.Error { return nil },
				Settings: provider.AccountSettings{BaseURL: srv.URL},
				Env:      provider.DriverEnv{HTTPClient: srv.Client()},
			})
			require.NoError(t, err)
			var out any
			_, err = chain.Do(t.Context(), &rest.Call{Method: "GET", Route: "/first", Effect: rest.Read}, &out)
			require.NoError(t, err) // the connection is a used one now
			call := c.call
			call.Route = "/act"
			_, err = chain.Do(t.Context(), &call, &out)
			assert.Equal(t, c.want, arrived.Load())
			for _, h := range call.Header {
				assert.Equal(t, h.Value, got.Load().Get(h.Name), "the header arrives all the same")
			}
			if call.Effect == rest.Send {
				var e *provider.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
				return
			}
			assert.NoError(t, err)
		})
	}
}

// A GET that sends has no body on the wire, in HTTP/1.1 and in HTTP/2.
func TestGetThatSendsHasNoBody(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				assert.Empty(t, body)
				assert.Empty(t, r.TransferEncoding)
				assert.Empty(t, r.Header["Content-Length"])
				_, _ = w.Write([]byte(strconv.Quote(r.Proto)))
			}))
			srv.EnableHTTP2 = protocol == "HTTP/2.0"
			srv.StartTLS()
			defer srv.Close()
			chain, err := httpx.New(httpx.Config{
				Provider: "test", Auth: httpx.NoAuth(), Classify: func(*httpx.Answer) *provider.Error { return nil },
				Settings: provider.AccountSettings{BaseURL: srv.URL},
				Env:      provider.DriverEnv{HTTPClient: srv.Client()},
			})
			require.NoError(t, err)
			var out string
			_, err = chain.Do(t.Context(), &rest.Call{Method: "GET", Route: "/code", Effect: rest.Send}, &out)
			require.NoError(t, err)
			assert.Equal(t, protocol, out)
		})
	}
}
