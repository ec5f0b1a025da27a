package adapterkit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

func failure(kind provider.Kind, outcome provider.Outcome) *provider.Error {
	return &provider.Error{Kind: kind, Outcome: outcome, Message: "slow down", Elsewhere: true}
}

func TestMidway(t *testing.T) {
	limited := failure(provider.ErrRateLimited, provider.OutcomeNotSent)
	for _, row := range []struct {
		name string
		err  error
		done int
		text string // empty means that the error stays as it is
		kind provider.Kind
		// cause is what the error wraps.
		cause error
	}{
		{name: "nothing was done", err: limited},
		{name: "something was done", err: limited, done: 1, text: "after 1 of 2 lists: slow down", kind: provider.ErrRateLimited},
		{name: "refused without a word", err: &provider.Error{Kind: provider.ErrForbidden}, done: 1, text: "after 1 of 2 lists", kind: provider.ErrForbidden},
		{name: "carried out", err: failure(provider.ErrBadResponse, provider.OutcomeSent), done: 1},
		{name: "another error", err: context.Canceled, done: 1, text: "after 1 of 2 lists: context canceled", kind: provider.ErrOutcomeUnknown, cause: context.Canceled},
		{name: "none", done: 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := adapterkit.Midway(row.err, row.done, "after %d of %d lists", row.done, 2)
			if row.text == "" {
				assert.Equal(t, row.err, got)
				return
			}
			var e *provider.Error
			require.ErrorAs(t, got, &e)
			assert.Equal(t, row.text, e.Message)
			assert.Equal(t, row.kind, e.Kind)
			assert.Equal(t, provider.OutcomeMaybeSent, e.Outcome)
			assert.False(t, e.Elsewhere)
			assert.Equal(t, row.cause, e.Err)
		})
	}
	assert.Equal(t, provider.OutcomeNotSent, limited.Outcome, "the error of the step is not changed")
}

func TestPatiently(t *testing.T) {
	limited := func(wait time.Duration) *provider.Error {
		return &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, RetryAfter: wait}
	}
	for _, row := range []struct {
		name   string
		errs   []error // of the calls, then nil
		timely time.Duration
		calls  int
		waited time.Duration
		guess  time.Duration // how much longer, where nobody named a time
		fails  bool
	}{
		{name: "at once", calls: 1},
		{name: "twice kept back", errs: []error{limited(time.Minute), limited(2 * time.Minute)}, calls: 3, waited: 3 * time.Minute},
		{name: "too long", errs: []error{limited(4 * time.Minute), limited(2 * time.Minute)}, calls: 2, waited: 4 * time.Minute, fails: true},
		{name: "no time named", errs: []error{limited(0)}, calls: 2, waited: 2500 * time.Millisecond, guess: 2500 * time.Millisecond},
		{name: "no time named, twice", errs: []error{limited(0), limited(0)}, calls: 3, waited: 7500 * time.Millisecond, guess: 7500 * time.Millisecond},
		{name: "named and not", errs: []error{limited(time.Minute), limited(0)}, calls: 3, waited: 62500 * time.Millisecond, guess: 2500 * time.Millisecond},
		{name: "perhaps done", errs: []error{failure(provider.ErrRateLimited, provider.OutcomeMaybeSent)}, calls: 1, fails: true},
		{name: "context ends", errs: []error{limited(time.Minute)}, timely: time.Second, calls: 1, waited: time.Second, fails: true},
		{name: "another error", errs: []error{errors.New("x")}, calls: 1, fails: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if row.timely > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, row.timely)
					defer cancel()
				}
				start, calls := time.Now(), 0
				err := adapterkit.Patiently(ctx, func() error {
					calls++
					if calls <= len(row.errs) {
						return row.errs[calls-1]
					}
					return nil
				})
				assert.Equal(t, row.calls, calls)
				assert.GreaterOrEqual(t, time.Since(start), row.waited)
				assert.LessOrEqual(t, time.Since(start), row.waited+row.guess)
				if row.fails {
					assert.Equal(t, row.errs[len(row.errs)-1], err)
				} else {
					assert.NoError(t, err)
				}
			})
		})
	}
}

func TestAboutItem(t *testing.T) {
	for kind, want := range map[provider.Kind]bool{
		provider.ErrInvalid: true, provider.ErrConflict: true, provider.ErrNotFound: true, provider.ErrOutcomeUnknown: true,
		provider.ErrBadResponse: true, provider.ErrDryRun: true,
		provider.ErrUnauthorized: false, provider.ErrUnavailable: false, provider.ErrRateLimited: false, provider.ErrCanceled: false,
	} {
		assert.Equal(t, want, adapterkit.AboutItem(&provider.Error{Kind: kind}), kind)
	}
	assert.False(t, adapterkit.AboutItem(context.Canceled))
	assert.False(t, adapterkit.AboutItem(nil))
}

func TestEachMember(t *testing.T) {
	notFound := failure(provider.ErrNotFound, provider.OutcomeNotSent)
	for _, row := range []struct {
		name  string
		errs  []error // of the addresses a, b, c
		want  []provider.MemberResult
		fails bool
	}{
		{name: "all are changed", errs: make([]error, 3), want: []provider.MemberResult{{Email: "a"}, {Email: "b"}, {Email: "c"}}},
		{name: "one is not", errs: []error{nil, notFound, nil}, want: []provider.MemberResult{{Email: "a"}, {Email: "b", Error: notFound}, {Email: "c"}}},
		{name: "unreadable", errs: []error{failure(provider.ErrBadResponse, provider.OutcomeSent), nil, nil}, want: []provider.MemberResult{{Email: "a"}, {Email: "b"}, {Email: "c"}}},
		{name: "about all", errs: []error{nil, failure(provider.ErrUnauthorized, provider.OutcomeNotSent)}, want: []provider.MemberResult{{Email: "a"}}, fails: true},
		{name: "unknown", errs: []error{failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent)}, want: []provider.MemberResult{}, fails: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := adapterkit.EachMember([]string{"a", "b", "c"}, []provider.Kind{provider.ErrNotFound}, func(i int) error { return row.errs[i] })
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.fails, err != nil)
		})
	}
}
