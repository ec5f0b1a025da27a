package all_test

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// bench is an account at a sandbox whose settings a proof changes.
type bench struct {
	sb     *sandbox.Server
	vendor string // whose requests count
	cfg    provider.Config
	name   string // of the account
}

func (b bench) open(t *testing.T, set provider.AccountConfig, opts ...provider.Option) *provider.Client {
	t.Helper()
	c, err := b.try(t, set, opts...)
	require.NoError(t, err)
	return c
}

func (b bench) try(t *testing.T, set provider.AccountConfig, opts ...provider.Option) (*provider.Client, error) {
	t.Helper()
	account := b.cfg.Providers[b.name]
	for name, value := range set {
		account = account.With(name, value)
	}
	cfg := provider.Config{Providers: map[string]provider.AccountConfig{}}
	for name, a := range b.cfg.Providers {
		cfg.Providers[name] = a
	}
	cfg.Providers[b.name] = account
	return all.OpenAccount(t.Context(), cfg, b.name, opts...)
}

// proofs prove for each common setting that an account obeys it.
var proofs = map[string]func(t *testing.T, b bench){
	"base_url": func(t *testing.T, b bench) {
		_, err := b.open(t, provider.AccountConfig{"base_url": "http://127.0.0.1:1", "tries": 1}).Send(t.Context(), mail())
		assert.ErrorIs(t, err, provider.ErrUnavailable)
		assert.Empty(t, b.sb.Requests(b.vendor))
	},
	"timeout": func(t *testing.T, b bench) {
		silent := &http.Client{Transport: once(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		_, err := b.open(t, provider.AccountConfig{"timeout": "20ms", "tries": 1}, provider.WithHTTPClient(silent)).Send(t.Context(), mail())
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	},
	"dial_timeout": func(t *testing.T, b bench) {
		// No address is connected to within a nanosecond.
		_, err := b.open(t, provider.AccountConfig{"dial_timeout": "1ns", "tries": 1}).Send(t.Context(), mail())
		assert.ErrorIs(t, err, provider.ErrUnavailable)
		assert.Empty(t, b.sb.Requests(b.vendor))
	},
	"answer_timeout": func(t *testing.T, b bench) {
		silent := &http.Client{Transport: once(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		_, err := b.open(t, provider.AccountConfig{"answer_timeout": "20ms", "tries": 1}, provider.WithHTTPClient(silent)).Send(t.Context(), mail())
		assert.ErrorIs(t, err, provider.ErrOutcomeUnknown)
		assert.ErrorContains(t, err, "no answer within answer_timeout")
	},
	"proxy": func(t *testing.T, b bench) {
		_, err := b.open(t, provider.AccountConfig{"proxy": "http://127.0.0.1:1", "tries": 1}).Send(t.Context(), mail())
		assert.ErrorIs(t, err, provider.ErrUnavailable)
		assert.Empty(t, b.sb.Requests(b.vendor))
	},
	"ca_file": func(t *testing.T, b bench) {
		_, err := b.try(t, provider.AccountConfig{"ca_file": "/does/not/exist"})
		assert.ErrorContains(t, err, "ca_file")
	},
	"from": func(t *testing.T, b bench) {
		_, err := b.open(t, provider.AccountConfig{"from": provider.Address{Email: "needle@example.com"}}).Send(t.Context(), mail())
		require.NoError(t, err)
		assert.Equal(t, "needle@example.com", b.sb.Messages(b.vendor)[0].From.Email)
	},
	"policy": func(t *testing.T, b bench) {
		for f, put := range map[provider.Feature]func(*provider.Message){
			feature.MessageMetadata:   func(m *provider.Message) { m.Metadata = map[string]string{"a": "b"} },
			feature.MessageTrackOpens: func(m *provider.Message) { m.TrackOpens = provider.ToggleOff },
		} {
			m := mail()
			put(m)
			if c := b.open(t, nil); c.Has(f) {
				continue
			} else {
				assert.ErrorIs(t, c.Accepts(m), provider.ErrUnsupported)
			}
			assert.NoError(t, b.open(t, provider.AccountConfig{"policy": provider.Policy{f: provider.ActionDrop}}).Accepts(m))
			return
		}
		t.Fatal("the account lacks none of the features; add one that it lacks")
	},
	"require": func(t *testing.T, b bench) {
		c := b.open(t, nil)
		for _, f := range provider.Features() {
			_, err := b.try(t, provider.AccountConfig{"require": []provider.Feature{f}})
			assert.Equal(t, c.Has(f), err == nil, "%s: %v", f, err)
		}
	},
	"tries": func(t *testing.T, b bench) {
		b.sb.Fail(b.vendor, sandbox.Fault{Status: 429, Header: http.Header{"Retry-After": {"0"}}, Times: 100})
		_, err := b.open(t, provider.AccountConfig{"tries": 3}).Send(t.Context(), mail())
		assert.Error(t, err)
		assert.Len(t, b.sb.Requests(b.vendor), 3)
	},
	"rate_limits": func(t *testing.T, b bench) {
		_, err := b.try(t, provider.AccountConfig{"rate_limits": map[string]string{"nothing": "1/s"}})
		assert.ErrorContains(t, err, "rate_limits.nothing")
		// The example in the documentation is for this provider.
		limits := map[string]string{"all": "5/s"}
		if b.vendor == "brevo" {
			limits = map[string]string{"send": "50/s", "contacts": "10/s"}
		}
		b.open(t, provider.AccountConfig{"rate_limits": limits})
		for _, f := range settings.Fields(reflect.TypeFor[provider.AccountSettings]()) {
			for class, rate := range limits {
				assert.True(t, f.Name != "rate_limits" || strings.Contains(f.Doc, class+": "+rate), f.Doc)
			}
		}
	},
	"concurrency": func(t *testing.T, b bench) {
		var under, most atomic.Int32
		counting := &http.Client{Transport: once(func(r *http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			return http.DefaultTransport.RoundTrip(r)
		})}
		report, err := b.open(t, provider.AccountConfig{"concurrency": 1}, provider.WithHTTPClient(counting)).SendBatch(t.Context(), each(slicesOf(20)), nil)
		require.NoError(t, err)
		assert.Equal(t, 20, report.Accepted)
		assert.EqualValues(t, 1, most.Load(), "calls at the same time")
	},
	"redirect_to": func(t *testing.T, b bench) {
		r, err := b.open(t, provider.AccountConfig{"redirect_to": "dev@example.com"}).Send(t.Context(), mail())
		require.NoError(t, err)
		assert.Equal(t, "dev@example.com", r.Recipients[0].Email)
	},
	"allow_domains": func(t *testing.T, b bench) {
		_, err := b.open(t, provider.AccountConfig{"allow_domains": []string{"example.ir"}}).Send(t.Context(), mail())
		assert.ErrorContains(t, err, "allow_domains")
		assert.Empty(t, b.sb.Requests(b.vendor))
	},
}

// slicesOf are n mails with subjects of their own.
func slicesOf(n int) []*provider.Message {
	out := make([]*provider.Message, n)
	for i := range out {
		out[i] = mail()
		out[i].Subject = strings.Repeat("x", i+1)
	}
	return out
}

// Every common setting has an effect at every provider. A new field of
// AccountSettings that an adapter does not obey fails here, and so does one that
// nobody has proved.
func TestEveryCommonSettingWorks(t *testing.T) {
	for _, f := range settings.Fields(reflect.TypeFor[provider.AccountSettings]()) {
		prove, ok := proofs[f.Name]
		require.True(t, ok, "the setting %s has no proof: add one to proofs in provider/all/settings_test.go", f.Name)
		assert.NotEmpty(t, f.Doc, "%s has no doc", f.Name)
		for _, v := range vendors() {
			t.Run(f.Name+"/"+v.Driver, func(t *testing.T) {
				sb := sandbox.New(t)
				account := sb.Config().Providers[v.Driver]
				if v.Driver == "sendpulse" { // no token to fetch: requests are counted
					account = account.With("api_key", sandbox.SendPulseAPIKey)
					delete(account, "client_id")
					delete(account, "client_secret")
				}
				prove(t, bench{sb: sb, vendor: v.Driver, name: "account", cfg: provider.Config{Providers: map[string]provider.AccountConfig{"account": account}}})
			})
		}
	}
}

// A route has a common setting by itself, or refuses it; the tag route says which.
func TestEveryCommonSettingAtARoute(t *testing.T) {
	for _, f := range settings.Fields(reflect.TypeFor[provider.AccountSettings]()) {
		t.Run(f.Name, func(t *testing.T) {
			sb := sandbox.New(t)
			b := bench{sb: sb, vendor: "brevo", name: "mail", cfg: provider.Config{Providers: map[string]provider.AccountConfig{
				"mail": {"provider": "failover", "members": []string{"main"}}, "main": sb.Config().Providers["brevo"],
			}}}
			switch f.Tag.Get("route") {
			case "yes":
				proofs[f.Name](t, b)
			case "no":
				_, err := b.try(t, provider.AccountConfig{f.Name: sampleOf(t, f)})
				assert.ErrorContains(t, err, "providers.mail."+f.Name+": a route has none; set it at its members")
			default:
				t.Errorf("the tag route of AccountSettings says neither yes nor no: a route would take %s in silence", f.Name)
			}
		})
	}
}

// sampleOf is a good value of a setting.
func sampleOf(t *testing.T, f settings.Field) any {
	t.Helper()
	samples := map[string]any{
		"base_url": "https://example.com", "timeout": "3s", "dial_timeout": "3s", "answer_timeout": "3s", "proxy": "http://example.com", "ca_file": "x",
		"from": provider.Address{Email: "a@example.com"}, "policy": provider.Policy{feature.MessageCc: provider.ActionDrop},
		"tries": 2, "rate_limits": map[string]string{"send": "1/s"},
	}
	v, ok := samples[f.Name]
	require.True(t, ok, "add a good value of %s to samples", f.Name)
	return v
}
