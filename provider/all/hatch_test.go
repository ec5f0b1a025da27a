package all_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
	"github.com/postmux/postmux/sendpulse"
	"github.com/postmux/postmux/smsby"
)

// raw is what every generated client has.
type raw interface {
	Raw(ctx context.Context, call *rest.Call, out any, opts ...rest.Option) (*rest.Reply, error)
}

// hatches are the escape hatches of the five: one typed call that reads, one
// that takes a text into its path, and the class by which limits count the first.
var hatches = map[string]struct {
	class string
	key   string // setting that holds the credential
	raw   func(*provider.Client) (raw, bool)
	read  func(context.Context, *provider.Client, ...rest.Option) error
	path  func(context.Context, *provider.Client, string) error // nil: no path of the vendor has a parameter
}{
	"brevo": {
		class: "other", key: "api_key",
		raw: func(c *provider.Client) (raw, bool) { return some(brevo.API(c)) },
		read: func(ctx context.Context, c *provider.Client, opts ...rest.Option) error {
			api, _ := brevo.API(c)
			_, err := api.GetAccount(ctx, opts...)
			return err
		},
		path: func(ctx context.Context, c *provider.Client, v string) error {
			api, _ := brevo.API(c)
			_, err := api.UnblockContact(ctx, v)
			return err
		},
	},
	"pakatv3": {
		class: "all", key: "api_key",
		raw: func(c *provider.Client) (raw, bool) { return some(pakat.APIV3(c)) },
		read: func(ctx context.Context, c *provider.Client, opts ...rest.Option) error {
			api, _ := pakat.APIV3(c)
			_, err := api.GetAccount(ctx, opts...)
			return err
		},
	},
	"pakat": {
		class: "all", key: "api_key",
		raw: func(c *provider.Client) (raw, bool) { return some(pakat.API(c)) },
		read: func(ctx context.Context, c *provider.Client, opts ...rest.Option) error {
			api, _ := pakat.API(c)
			_, err := api.GetQuota(ctx, opts...)
			return err
		},
		path: func(ctx context.Context, c *provider.Client, v string) error {
			api, _ := pakat.API(c)
			_, err := api.GetList(ctx, v)
			return err
		},
	},
	"sendpulse": {
		class: "all", key: "client_secret",
		raw: func(c *provider.Client) (raw, bool) { return some(sendpulse.API(c)) },
		read: func(ctx context.Context, c *provider.Client, opts ...rest.Option) error {
			api, _ := sendpulse.API(c)
			_, err := api.ListSenders(ctx, opts...)
			return err
		},
		path: func(ctx context.Context, c *provider.Client, v string) error {
			api, _ := sendpulse.API(c)
			_, err := api.SendSenderCode(ctx, v)
			return err
		},
	},
	"smsby": {
		class: "all", key: "token",
		raw: func(c *provider.Client) (raw, bool) { return some(smsby.API(c)) },
		read: func(ctx context.Context, c *provider.Client, opts ...rest.Option) error {
			api, _ := smsby.API(c)
			_, err := api.GetEmailTemplates(ctx, opts...)
			return err
		},
	},
}

func some[T raw](api T, ok bool) (raw, bool) { return api, ok }

// opener opens the account of the test after a change of its settings.
type opener func(change func(*provider.Section), opts ...provider.Option) *provider.Client

// eachHatch runs test for every provider, with a sandbox of its own and a way
// to open the account with other settings.
func eachHatch(t *testing.T, test func(t *testing.T, name string, sb *sandbox.Server, open opener)) {
	for _, name := range sandbox.Providers() {
		require.Contains(t, hatches, name)
		t.Run(name, func(t *testing.T) {
			sb := sandbox.New(t)
			test(t, name, sb, func(change func(*provider.Section), opts ...provider.Option) *provider.Client {
				cfg := sb.Config()
				s := cfg.Providers[name]
				if change != nil {
					change(&s)
				}
				cfg.Providers[name] = s
				c, err := all.Open(t.Context(), cfg, append(opts, provider.WithAccount(name))...)
				require.NoError(t, err)
				return c
			})
		})
	}
}

// notTokens are the requests that are no fetch of a token.
func notTokens(sb *sandbox.Server, name string) []sandbox.Request {
	var out []sandbox.Request
	for _, r := range sb.Requests(name) {
		if r.Path != "/oauth/access_token" {
			out = append(out, r)
		}
	}
	return out
}

// once answers every call by itself; no network is touched.
type once func(*http.Request) (*http.Response, error)

func (f once) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHatchAuth(t *testing.T) {
	eachHatch(t, func(t *testing.T, name string, sb *sandbox.Server, open opener) {
		h := hatches[name]
		c := open(nil)
		_, ok := h.raw(c)
		require.True(t, ok)
		for other := range hatches {
			if other != name {
				_, ok := hatches[other].raw(c)
				assert.False(t, ok, "%s has no client of %s", name, other)
			}
		}
		var reply rest.Reply
		require.NoError(t, h.read(t.Context(), c, rest.WithReply(&reply), rest.WithHeader("X-Own", "1")))
		assert.Equal(t, http.StatusOK, reply.Status)
		assert.Equal(t, "application/json", reply.Header.Get("Content-Type"))
		assert.NotEmpty(t, reply.Body)
		assert.Equal(t, "1", notTokens(sb, name)[0].Header.Get("X-Own"))

		c = open(func(s *provider.Section) { s.Settings[h.key] = provider.NewValue("PLANTED-4711") })
		err := h.read(t.Context(), c)
		require.ErrorIs(t, err, provider.ErrUnauthorized)
		assert.NotContains(t, err.Error(), "PLANTED-4711")
	})
}

func TestHatchLimits(t *testing.T) {
	eachHatch(t, func(t *testing.T, name string, sb *sandbox.Server, open opener) {
		c := open(func(s *provider.Section) { s.RateLimits = map[string]string{hatches[name].class: "1/h"} })
		require.NoError(t, hatches[name].read(t.Context(), c))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		before := len(sb.Requests(name))
		err := hatches[name].read(ctx, c)
		require.ErrorIs(t, err, provider.ErrRateLimited)
		assert.Len(t, sb.Requests(name), before, "the limit is kept before the request")
	})
}

// The effect decides what a lost answer means, and whether the call is repeated.
func TestHatchOutcome(t *testing.T) {
	lost := &http.Client{Transport: once(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		return nil, io.ErrUnexpectedEOF
	})}
	eachHatch(t, func(t *testing.T, name string, _ *sandbox.Server, open opener) {
		for effect, want := range map[rest.Effect]struct {
			outcome  provider.Outcome
			attempts int
		}{
			rest.Send: {provider.MaybeSent, 1},
			"":        {provider.MaybeSent, 1}, // the careful choice
			rest.Read: {"", 2},
		} {
			var seen []provider.AttemptEvent
			hooks := provider.Hooks{OnAttempt: func(_ context.Context, e provider.AttemptEvent) { seen = append(seen, e) }}
			api, _ := hatches[name].raw(open(twoAttempts, provider.WithHTTPClient(lost), provider.WithHooks(hooks)))
			_, err := api.Raw(t.Context(), &rest.Call{
				Operation: "newCall", Method: "POST", Route: "/new/{id}", Segments: []string{"7"},
				Effect: effect, Kind: rest.JSON, Body: map[string]string{"a": "b"},
			}, new(any))
			var e *provider.Error
			require.ErrorAs(t, err, &e, effect)
			assert.Equal(t, want.outcome, e.Outcome, effect)
			assert.Equal(t, want.outcome == provider.MaybeSent, e.Kind == provider.ErrOutcomeUnknown, effect)
			require.Len(t, seen, want.attempts, effect)
			assert.Equal(t, "newCall", seen[0].Operation)
			assert.Equal(t, "/new/{id}", seen[0].Route)
		}
	})
}

// twoAttempts lets a call be repeated once, and SendPulse do without a token,
// which would be fetched on the same dead line.
func twoAttempts(s *provider.Section) {
	s.Attempts = 2
	if s.Provider == "sendpulse" {
		s.Settings = map[string]provider.Value{"api_key": provider.NewValue("k")}
	}
}

// A refusal is the vendor's, and what it answered is there beside the error.
func TestHatchErrors(t *testing.T) {
	eachHatch(t, func(t *testing.T, name string, sb *sandbox.Server, open opener) {
		c := open(nil)
		require.NoError(t, hatches[name].read(t.Context(), c))
		sb.Fail(name, sandbox.Fault{Status: http.StatusForbidden, Body: "<html>no</html>"})
		var reply rest.Reply
		err := hatches[name].read(t.Context(), c, rest.WithReply(&reply))
		var e *provider.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, provider.ErrForbidden, e.Kind)
		assert.Equal(t, http.StatusForbidden, e.Status)
		assert.Equal(t, "<html>no</html>", string(reply.Body))

		// A read that met a broken vendor is asked again.
		sb.Fail(name, sandbox.Fault{Status: http.StatusServiceUnavailable})
		require.NoError(t, hatches[name].read(t.Context(), c))
	})
}

// The timeout of the account bounds the call; what was read of it may be there.
func TestHatchTimeout(t *testing.T) {
	silent := &http.Client{Transport: once(func(r *http.Request) (*http.Response, error) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	eachHatch(t, func(t *testing.T, name string, _ *sandbox.Server, open opener) {
		c := open(func(s *provider.Section) {
			twoAttempts(s)
			s.Timeout = 20 * time.Millisecond
		}, provider.WithHTTPClient(silent))
		api, _ := hatches[name].raw(c)
		_, err := api.Raw(t.Context(), &rest.Call{Operation: "newCall", Method: "POST", Route: "/new", Kind: rest.JSON, Body: map[string]string{}}, new(any))
		var e *provider.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, provider.MaybeSent, e.Outcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// A dry run shows the call, with what follows it, and sends nothing.
func TestHatchDryRun(t *testing.T) {
	eachHatch(t, func(t *testing.T, name string, sb *sandbox.Server, open opener) {
		var shown []provider.Request
		c := open(nil, provider.WithDryRun(func(r provider.Request) { shown = append(shown, r) }))
		api, _ := hatches[name].raw(c)
		_, err := api.Raw(t.Context(), &rest.Call{Operation: "newCall", Method: "POST", Route: "/new", Kind: rest.JSON, Body: map[string]string{}}, new(any),
			rest.WithThen("then the second call"), rest.WithQuery("a", "b c"))
		require.ErrorIs(t, err, provider.ErrDryRun)
		require.Len(t, shown, 1)
		assert.Equal(t, "then the second call", shown[0].Then)
		assert.Equal(t, sb.BaseURL(name)+"/new?a=b+c", shown[0].URL)
		all, err := json.Marshal(shown)
		require.NoError(t, err)
		assert.Contains(t, string(all), "REDACTED")
		assert.NotContains(t, string(all), sandbox.Key(name))
		assert.Empty(t, sb.Requests(name), "not even a token is fetched")
	})
}

// What a server would resolve to another path is refused before any request.
func TestHatchPath(t *testing.T) {
	eachHatch(t, func(t *testing.T, name string, sb *sandbox.Server, open opener) {
		c := open(nil)
		require.NoError(t, hatches[name].read(t.Context(), c)) // SendPulse has its token now
		before := len(sb.Requests(name))
		api, _ := hatches[name].raw(c)
		calls := map[string]func(string) error{"raw": func(v string) error {
			_, err := api.Raw(t.Context(), &rest.Call{Operation: "newCall", Method: "DELETE", Route: "/new/{id}", Segments: []string{v}, Effect: rest.Upsert}, new(any))
			return err
		}}
		if typed := hatches[name].path; typed != nil {
			calls["typed"] = func(v string) error { return typed(t.Context(), c, v) }
		}
		for kind, call := range calls {
			for _, v := range []string{"", ".", "..", "a/../b", "a\x00b", "a\nb", "a\x7f", "\xff"} {
				err := call(v)
				var e *provider.Error
				require.ErrorAs(t, err, &e, "%s %q", kind, v)
				assert.Equal(t, provider.ErrInvalid, e.Kind, "%s %q", kind, v)
				assert.Equal(t, provider.NotSent, e.Outcome, "%s %q", kind, v)
				assert.True(t, e.Local(), "%s %q", kind, v)
			}
		}
		assert.Len(t, sb.Requests(name), before)
	})
}
