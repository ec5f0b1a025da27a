package route_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/route"
)

// The error of a route has every member's reason, with its account and kind.
func TestReasons(t *testing.T) {
	bcc := provider.Feature(feature.MessageBcc)
	limited := func(wait time.Duration) *provider.Error {
		return &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Elsewhere: true, Status: 429, RetryAfter: wait}
	}
	for _, tt := range []struct {
		name    string
		a, b    *provider.Error
		lacks   []provider.Feature // of a
		lacksB  []provider.Feature
		kind    provider.Kind
		is      []error
		isNot   []error
		account string // that decides
		wait    time.Duration
		members int
		text    string
	}{
		{
			name: "one reason", a: noAnswer, kind: provider.ErrOutcomeUnknown, account: "a",
			text: "a (fake): send: outcome unknown; it may have been sent",
		},
		{
			name: "the key is refused and the backup cannot take it", a: badKey, lacksB: []provider.Feature{bcc},
			kind: provider.ErrUnauthorized, is: []error{errors.ErrUnsupported}, account: "a", members: 2,
			text: `send: a (fake): unauthorized (status 401) | b (fake): message.bcc is not supported: fake has no such feature; a policy allows to do without: "message.bcc: drop"; nothing was sent`,
		},
		{
			name: "no member can take it", lacks: []provider.Feature{bcc}, lacksB: []provider.Feature{feature.MessageCc},
			kind: provider.ErrUnsupported, account: "a", members: 2,
			text: `send: a (fake): message.bcc is not supported: fake has no such feature; a policy allows to do without: "message.bcc: drop" | ` +
				`b (fake): message.cc is not supported: fake has no such feature; a policy allows to do without: "message.cc: drop"; nothing was sent`,
		},
		{
			name: "what may pass decides", a: unreachable, b: badKey, kind: provider.ErrUnavailable,
			is: []error{provider.ErrUnauthorized}, account: "a", members: 2,
			text: "send: a (fake): unavailable: dial: refused | b (fake): unauthorized (status 401); nothing was sent",
		},
		{
			name: "the shortest wait", a: limited(40 * time.Second), b: limited(7 * time.Second), kind: provider.ErrRateLimited,
			account: "b", wait: 7 * time.Second, members: 2,
			text: "send: a (fake): rate limited (status 429, try again in 40s) | b (fake): rate limited (status 429, try again in 7s); nothing was sent",
		},
		{
			name: "a wrong message decides", a: unreachable, b: badAddress, kind: provider.ErrInvalid,
			is: []error{provider.ErrUnavailable}, account: "b", members: 2,
			text: "send: a (fake): unavailable: dial: refused | b (fake): invalid (status 400); nothing was sent",
		},
		{
			name: "unknown is nothing else", a: unreachable, b: noAnswer, kind: provider.ErrOutcomeUnknown,
			isNot: []error{provider.ErrUnavailable}, account: "b", members: 2,
			text: "send: a (fake): unavailable: dial: refused | b (fake): outcome unknown; it may have been sent",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := &fake{lacks: tt.lacks}, &fake{lacks: tt.lacksB}
			a.answers(tt.a)
			b.answers(tt.b)
			c, err := route.Failover(a.client(t, "a"), b.client(t, "b"))
			require.NoError(t, err)
			m := message()
			m.Cc, m.Bcc = message("boris@example.com").To, message("clara@example.com").To
			_, err = c.Send(t.Context(), m)
			e, ok := errors.AsType[*provider.Error](err)
			require.True(t, ok)
			assert.Equal(t, tt.text, e.Error())
			assert.Equal(t, tt.kind, e.Kind)
			assert.Equal(t, tt.account, e.Account)
			assert.Equal(t, tt.wait, e.RetryAfter)
			assert.Len(t, e.Members, tt.members)
			assert.ErrorIs(t, err, tt.kind)
			for _, is := range tt.is {
				assert.ErrorIs(t, err, is)
			}
			for _, not := range tt.isNot {
				assert.NotErrorIs(t, err, not)
			}
			data, err := json.Marshal(e)
			require.NoError(t, err)
			var back provider.Error
			require.NoError(t, json.Unmarshal(data, &back))
			assert.Equal(t, e.Error(), back.Error())
		})
	}
}

// A paused member has a reason too, and one of a route among the members its own.
func TestReasonsOfPauses(t *testing.T) {
	inner, a, b := pair(t, route.Options{Name: "inner"})
	d := new(fake)
	c, err := route.Failover(inner, d.client(t, "d"))
	require.NoError(t, err)
	a.answers(noCredit)
	b.answers(badKey)
	d.answers(unreachable)
	_, err = c.Send(t.Context(), message())
	assert.EqualError(t, err, "send: a (fake): no credit (status 402) | b (fake): unauthorized (status 401) | d (fake): unavailable: dial: refused; nothing was sent")
	_, err = c.Send(t.Context(), message())
	assert.EqualError(t, err, "send: inner (failover): no credit: not tried: it pauses after no credit, status 402 (try again in 15m0s) | "+
		"d (fake): unavailable: dial: refused; nothing was sent")
}

func TestGaps(t *testing.T) {
	m := message()
	m.Cc, m.Bcc, m.IdempotencyKey = message("boris@example.com").To, message("clara@example.com").To, "order 4711"
	has := func(lacks ...provider.Feature) []provider.Feature { return lacks }
	for _, tt := range []struct {
		name   string
		a, b   []provider.Feature // that they lack
		m      *provider.Message
		guard  bool
		nested bool // a and b are below a route
		want   []string
	}{
		{name: "none", m: m},
		{
			name: "several of the backup", b: has(feature.MessageBcc, feature.MessageCc), m: m,
			want: []string{
				`b: message.cc: fake has no such feature; a policy allows to do without: "message.cc: drop"`,
				`b: message.bcc: fake has no such feature; a policy allows to do without: "message.bcc: drop"`,
			},
		},
		{
			name: "of a member of a member", b: has(feature.MessageBcc), m: m, nested: true,
			want: []string{`b: message.bcc: fake has no such feature; a policy allows to do without: "message.bcc: drop"`},
		},
		{
			name: "an alias", m: &provider.Message{To: m.To, Template: provider.Ref{Alias: "welcome"}},
			want: []string{
				`a: template: no alias "welcome" for this account; write "id:welcome" for a literal id`,
				`b: template: no alias "welcome" for this account; write "id:welcome" for a literal id`,
			},
		},
		{name: "the guard has the key", a: has(feature.MessageIdempotencyKey), b: has(feature.MessageIdempotencyKey), m: m, guard: true},
		{name: "no message: what they all lack is no gap", a: has(feature.MessageCc), b: has(feature.MessageCc)},
		{
			name: "no message", a: has(feature.MessageCc), b: has(feature.MessageBcc),
			want: []string{"a: message.cc: fake has none, and b takes it", "b: message.bcc: fake has none, and a takes it"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := &fake{lacks: tt.a}, &fake{lacks: tt.b}
			o := route.Options{Name: "mail"}
			if tt.guard {
				o.Guard, o.Namespace = guard.NewMemory(0, 0), "shop"
			}
			c, err := o.Failover(a.client(t, "a"), b.client(t, "b"))
			require.NoError(t, err)
			if tt.nested {
				c, err = route.Failover(c)
				require.NoError(t, err)
			}
			var got []string
			for _, g := range route.Gaps(c, tt.m) {
				got = append(got, g.String())
			}
			assert.Equal(t, tt.want, got)
		})
	}
	assert.Empty(t, route.Gaps(new(fake).client(t, "a"), m), "no route")
}
