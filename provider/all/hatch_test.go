package all_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/sandbox"
)

// opener opens the account of the test after a change of its settings.
type opener func(change func(provider.AccountConfig), opts ...provider.Option) *provider.Client

// eachHatch runs test for every vendor, with a sandbox of its own and a way to
// open the account with other settings.
func eachHatch(t *testing.T, test func(t *testing.T, v api.Vendor, sb *sandbox.Server, open opener)) {
	for _, v := range vendors() {
		t.Run(v.Driver, func(t *testing.T) {
			sb := sandbox.New(t)
			test(t, v, sb, func(change func(provider.AccountConfig), opts ...provider.Option) *provider.Client {
				cfg := sb.Config()
				if v.Driver == "pakatv3" {
					cfg.Providers[v.Driver]["unproved"] = true // else some operations are refused
				}
				if change != nil {
					change(cfg.Providers[v.Driver])
				}
				c, err := all.OpenAccount(t.Context(), cfg, v.Driver, opts...)
				require.NoError(t, err)
				return c
			})
		})
	}
}

// once answers every call by itself; no network is touched.
type once func(*http.Request) (*http.Response, error)

func (f once) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHatchAuth(t *testing.T) {
	eachHatch(t, func(t *testing.T, v api.Vendor, sb *sandbox.Server, open opener) {
		var reply rest.Reply
		require.NoError(t, hatchOf(t, v, open(nil)).read(t, t.Context(), rest.WithReply(&reply), rest.WithHeader("X-Own", "1")))
		assert.Equal(t, http.StatusOK, reply.Status)
		assert.Equal(t, "application/json", reply.Header.Get("Content-Type"))
		assert.NotEmpty(t, reply.Body)
		requests := sb.Requests(v.Driver)
		assert.Equal(t, "1", requests[len(requests)-1].Header.Get("X-Own")) // before it, a token may have been fetched

		planted := false
		c := open(func(a provider.AccountConfig) {
			for name, value := range a {
				if value == sandbox.Key(v.Driver) {
					a[name], planted = "PLANTED-4711", true
				}
			}
		})
		require.True(t, planted, "no setting of the account holds the key of the fake")
		err := hatchOf(t, v, c).read(t, t.Context())
		require.ErrorIs(t, err, provider.ErrUnauthorized)
		assert.NotContains(t, err.Error(), "PLANTED-4711")
	})
}

func TestHatchLimits(t *testing.T) {
	eachHatch(t, func(t *testing.T, v api.Vendor, sb *sandbox.Server, open opener) {
		h := hatchOf(t, v, open(func(a provider.AccountConfig) {
			limits := map[string]string{}
			for _, class := range limitClasses(t, v.Driver) {
				limits[class] = "1/h"
			}
			a["rate_limits"] = limits
		}))
		require.NoError(t, h.read(t, t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		before := len(sb.Requests(v.Driver))
		err := h.read(t, ctx)
		require.ErrorIs(t, err, provider.ErrRateLimited)
		assert.Len(t, sb.Requests(v.Driver), before, "the limit is kept before the request")
	})
}

// The effect decides what a lost answer means, and whether the call is repeated.
func TestHatchOutcome(t *testing.T) {
	lost := &http.Client{Transport: once(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		return nil, io.ErrUnexpectedEOF
	})}
	eachHatch(t, func(t *testing.T, v api.Vendor, _ *sandbox.Server, open opener) {
		for effect, want := range map[rest.Effect]struct {
			outcome provider.Outcome
			tries   int
		}{
			rest.Send: {provider.OutcomeMaybeSent, 1},
			"":        {provider.OutcomeMaybeSent, 1}, // the careful choice
			rest.Read: {"", 2},
		} {
			var seen []provider.TryEvent
			hooks := provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) { seen = append(seen, e) }}
			h := hatchOf(t, v, open(twoTries(t), provider.WithHTTPClient(lost), provider.WithHooks(hooks)))
			_, err := h.Raw(t.Context(), &rest.Call{
				Operation: "newCall", Method: "POST", Route: "/new/{id}", Segments: []string{"7"},
				Effect: effect, Kind: rest.JSON, Body: map[string]string{"a": "b"},
			}, new(any))
			var e *provider.Error
			require.ErrorAs(t, err, &e, effect)
			assert.Equal(t, want.outcome, e.Outcome, effect)
			assert.Equal(t, want.outcome == provider.OutcomeMaybeSent, e.Kind == provider.ErrOutcomeUnknown, effect)
			require.Len(t, seen, want.tries, effect)
			assert.Equal(t, "newCall", seen[0].Operation)
			assert.Equal(t, "/new/{id}", seen[0].Route)
		}
	})
}

// twoTries lets a call be repeated once, and does without a token, which would
// be fetched on the same dead line.
func twoTries(t *testing.T) func(provider.AccountConfig) {
	return func(a provider.AccountConfig) {
		base, own := a["base_url"], oneSecret(t, a.Provider(), "k")
		clear(a)
		maps.Copy(a, own)
		a["tries"], a["base_url"] = 2, base
	}
}

// A refusal is the vendor's, and what it answered is there beside the error.
func TestHatchErrors(t *testing.T) {
	eachHatch(t, func(t *testing.T, v api.Vendor, sb *sandbox.Server, open opener) {
		h := hatchOf(t, v, open(nil))
		require.NoError(t, h.read(t, t.Context()))
		sb.Fail(v.Driver, sandbox.Fault{Status: http.StatusForbidden, Body: "<html>no</html>"})
		var reply rest.Reply
		err := h.read(t, t.Context(), rest.WithReply(&reply))
		var e *provider.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, provider.ErrBadResponse, e.Kind, "a page of HTML is not the vendor's word")
		assert.Equal(t, http.StatusForbidden, e.Status)
		assert.Equal(t, "<html>no</html>", string(reply.Body))

		// A read that met a broken vendor is asked again.
		sb.Fail(v.Driver, sandbox.Fault{Status: http.StatusServiceUnavailable})
		require.NoError(t, h.read(t, t.Context()))
	})
}

// The timeout of the account bounds the call; what was read of it may be there.
func TestHatchTimeout(t *testing.T) {
	silent := &http.Client{Transport: once(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	eachHatch(t, func(t *testing.T, v api.Vendor, _ *sandbox.Server, open opener) {
		c := open(func(a provider.AccountConfig) {
			twoTries(t)(a)
			a["timeout"] = 20 * time.Millisecond
		}, provider.WithHTTPClient(silent))
		_, err := hatchOf(t, v, c).Raw(t.Context(), &rest.Call{Operation: "newCall", Method: "POST", Route: "/new", Kind: rest.JSON, Body: map[string]string{}}, new(any))
		var e *provider.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// A dry run shows the call, with what follows it, and sends nothing.
func TestHatchDryRun(t *testing.T) {
	eachHatch(t, func(t *testing.T, v api.Vendor, sb *sandbox.Server, open opener) {
		var shown []provider.WireRequest
		c := open(nil, provider.WithDryRun(func(r provider.WireRequest) { shown = append(shown, r) }))
		_, err := hatchOf(t, v, c).Raw(t.Context(), &rest.Call{Operation: "newCall", Method: "POST", Route: "/new", Kind: rest.JSON, Body: map[string]string{}}, new(any),
			rest.WithThen("then the second call"), rest.WithQuery("a", "b c"))
		require.ErrorIs(t, err, provider.ErrDryRun)
		require.Len(t, shown, 1)
		assert.Equal(t, "then the second call", shown[0].Then)
		assert.Equal(t, sb.BaseURL(v.Driver)+"/new?a=b+c", shown[0].URL)
		all, err := json.Marshal(shown)
		require.NoError(t, err)
		assert.Contains(t, string(all), "REDACTED")
		assert.NotContains(t, string(all), sandbox.Key(v.Driver))
		assert.Empty(t, sb.Requests(v.Driver), "not even a token is fetched")
	})
}

// What a server would resolve to another path is refused before any request.
func TestHatchPath(t *testing.T) {
	eachHatch(t, func(t *testing.T, v api.Vendor, sb *sandbox.Server, open opener) {
		h := hatchOf(t, v, open(nil))
		require.NoError(t, h.read(t, t.Context())) // a token has been fetched now
		before := len(sb.Requests(v.Driver))
		calls := map[string]func(string) error{"Raw": func(v string) error {
			_, err := h.Raw(t.Context(), &rest.Call{Operation: "newCall", Method: "DELETE", Route: "/new/{id}", Segments: []string{v}, Effect: rest.Upsert}, new(any))
			return err
		}}
		for name, m := range h.methods(reflect.TypeFor[string]()) { // a text before the body is a path parameter
			calls[name] = func(v string) error { return call(m, t.Context(), []any{v}, nil) }
		}
		for kind, call := range calls {
			for _, v := range []string{"", ".", "..", "a/../b", "a\x00b", "a\nb", "a\x7f", "\xff"} {
				err := call(v)
				var e *provider.Error
				require.ErrorAs(t, err, &e, "%s %q", kind, v)
				assert.Equal(t, provider.ErrInvalid, e.Kind, "%s %q", kind, v)
				assert.Equal(t, provider.OutcomeNotSent, e.Outcome, "%s %q", kind, v)
				assert.True(t, e.Local(), "%s %q", kind, v)
			}
		}
		assert.Len(t, sb.Requests(v.Driver), before)
	})
}
