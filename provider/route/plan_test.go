package route_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/route"
)

func TestWeights(t *testing.T) {
	const mails = 10_000
	weights := []int{5, 3, 1, 1}
	var fakes []*fake
	var shares []route.Share
	for i, w := range weights {
		f := new(fake)
		fakes = append(fakes, f)
		shares = append(shares, route.Share{Member: f.client(t, string(rune('a'+i))), Weight: w})
	}
	c, err := route.Weighted(shares...)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { send(t, c, mails/8) })
	}
	wg.Wait()
	for i, w := range weights {
		want, got := float64(mails*w)/10, float64(fakes[i].calls.Load())
		assert.LessOrEqual(t, math.Abs(got-want), want*0.02, "member %d of weight %d: %v", i, w, got)
	}
}

// One that is out gets no turns and saves up none.
func TestRoundRobin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, d := new(fake), new(fake), &fake{lacks: []provider.Feature{feature.MessageMetadata}}
		c, err := route.RoundRobin(a.client(t, "a"), b.client(t, "b"), d.client(t, "d"))
		require.NoError(t, err)
		var order []string
		next := func(n int) string {
			order = nil
			for range n {
				r, err := c.Send(t.Context(), message())
				require.NoError(t, err)
				order = append(order, r.Account)
			}
			return strings.Join(order, "")
		}
		assert.Equal(t, "abdabd", next(6))
		a.answers(noCredit)
		assert.Equal(t, "bbdbd", next(5), "a's turn goes to b")
		a.answers(nil)
		<-time.After(15 * time.Minute)
		got := next(9)
		assert.Equal(t, 3, strings.Count(got, "a"), got)

		m := message()
		m.Metadata = map[string]string{"a": "b"}
		d.calls.Store(0)
		for range 10 {
			_, err := c.Send(t.Context(), m)
			require.NoError(t, err)
		}
		assert.Zero(t, d.calls.Load())
	})
}

func TestRules(t *testing.T) {
	iran, news, rest := new(fake), new(fake), new(fake)
	c, err := route.Rules(rest.client(t, "rest"),
		route.Rule{RecipientDomain: "Example.IR", Member: iran.client(t, "iran")},
		route.Rule{RecipientDomain: "مثال.ایران", Member: iran.client(t, "iran2")},
		route.Rule{Tag: "news", Member: news.client(t, "news")},
	)
	require.NoError(t, err)
	with := func(tag string, m *provider.Message) *provider.Message {
		m.Tags = []string{"other", tag}
		return m
	}
	copied := message("a@example.ir")
	copied.Bcc = []provider.Address{{Email: "b@example.com"}}
	personal := message()
	personal.To, personal.Recipients = nil, []provider.Recipient{{Email: "a@example.ir"}, {Email: "b@EXAMPLE.ir"}}
	for _, tt := range []struct {
		want string
		m    *provider.Message
	}{
		{"iran", message("a@example.ir")},
		{"iran", message("a@EXAMPLE.IR", "b@example.ir")},
		{"iran", with("news", message("a@example.ir"))},
		{"iran", personal},
		{"iran2", message("a@xn--mgbh0fb.xn--mgba3a4f16a")},
		{"rest", message("a@mail.example.ir")},
		{"rest", message("a@example.ir", "b@example.com")},
		{"rest", copied},
		{"news", with("news", message())},
		{"rest", with("News", message())},
	} {
		r, err := c.Send(t.Context(), tt.m)
		require.NoError(t, err)
		assert.Equal(t, tt.want, r.Account, "%v %v", tt.m.To, tt.m.Tags)
	}
	// A rule's word is final.
	iran.answers(unreachable)
	_, err = c.Send(t.Context(), message("a@example.ir"))
	assert.ErrorIs(t, err, provider.ErrUnavailable)
}

func TestConstructorsRefuse(t *testing.T) {
	a := new(fake).client(t, "a")
	for name, open := range map[string]func() (*provider.Client, error){
		"empty":       func() (*provider.Client, error) { return route.Failover() },
		"nil":         func() (*provider.Client, error) { return route.RoundRobin(nil) },
		"twice":       func() (*provider.Client, error) { return route.Failover(a, a) },
		"no weight":   func() (*provider.Client, error) { return route.Weighted(route.Share{Member: a}) },
		"no default":  func() (*provider.Client, error) { return route.Rules(nil) },
		"empty rule":  func() (*provider.Client, error) { return route.Rules(a, route.Rule{Member: a}) },
		"no member":   func() (*provider.Client, error) { return route.Rules(a, route.Rule{Tag: "x"}) },
		"bad domain":  func() (*provider.Client, error) { return route.Rules(a, route.Rule{RecipientDomain: "x", Member: a}) },
		"empty share": func() (*provider.Client, error) { return route.Weighted() },
	} {
		_, err := open()
		assert.ErrorIs(t, err, provider.ErrConfig, name)
	}
	_, ok := route.States(a)
	assert.False(t, ok)
	assert.Nil(t, route.Members(a))
}

// 32 goroutines over a route whose members fail in every way. Run with -race.
func TestRace(t *testing.T) {
	var w watch
	var n atomic.Int64
	var sent sync.Map
	ways := []*provider.Error{nil, nil, nil, unreachable, noAnswer, badAddress, nil}
	mk := func(name string) *provider.Client {
		f := new(fake)
		f.reply = func(_ context.Context, m *provider.Message) error {
			if e := ways[n.Add(1)%int64(len(ways))]; e != nil {
				return e
			}
			_, twice := sent.LoadOrStore(m.Subject, true)
			assert.False(t, twice)
			return nil
		}
		return f.client(t, name)
	}
	inner, err := route.RoundRobin(mk("a"), mk("b"))
	require.NoError(t, err)
	c, err := route.Options{Hooks: w.hooks()}.Weighted(route.Share{Member: inner, Weight: 2}, route.Share{Member: mk("c"), Weight: 1})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 100 {
				m := message()
				m.Subject = string(rune('A'+g)) + string(rune(0x4e00+i))
				if i%2 == 0 {
					m.IdempotencyKey = m.Subject
				}
				_, _ = c.Send(t.Context(), m)
				_, _ = route.States(c)
			}
		})
	}
	wg.Wait()
}
