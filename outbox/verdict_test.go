package outbox

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
)

// What becomes of a message after a try, by what is known about all its tries.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	notSent := func(kind provider.Kind) error { return failure(kind, provider.OutcomeNotSent) }
	unknown := failure(provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent)
	asked := failure(provider.ErrRateLimited, provider.OutcomeNotSent)
	asked.RetryAfter = 5 * time.Minute
	local := provider.Invalid("to", "expected an address")
	stopped := &provider.Error{Kind: provider.ErrCanceled, Outcome: provider.OutcomeNotSent, Err: context.Canceled}
	late := &provider.Error{Kind: provider.ErrCanceled, Outcome: provider.OutcomeNotSent, Err: context.DeadlineExceeded}
	for _, row := range []struct {
		name     string
		state    provider.State // of the receipt; empty: there is none
		err      error
		unclear  bool
		keyed    bool
		keyLeft  time.Duration
		failures int
		expires  time.Duration
		want     verdict
	}{
		{name: "accepted", state: provider.StateAccepted, want: verdict{state: Accepted}},
		{name: "accepted, after a try that may have sent it", state: provider.StateAccepted, unclear: true, want: verdict{state: Accepted}},
		{name: "scheduled", state: provider.StateScheduled, want: verdict{state: Scheduled}},
		{
			name: "accepted for some recipients", state: provider.StatePartlyAccepted, err: notSent(provider.ErrInvalid),
			want: verdict{state: Accepted},
		},
		{name: "sent, answer of no use", err: failure(provider.ErrBadResponse, provider.OutcomeSent), want: verdict{state: Accepted}},
		{name: "unknown", err: unknown, want: verdict{state: Unknown, unclear: true, failures: 1, trouble: stumbling}},
		{
			name: "unknown, the provider knows the key", err: unknown, keyed: true, keyLeft: time.Minute,
			want: verdict{state: Queued, wait: time.Second, unclear: true, failures: 1, trouble: stumbling},
		},
		{
			name: "unknown, the key ends before the next try", err: unknown, keyed: true, keyLeft: time.Second,
			want: verdict{state: Unknown, unclear: true, failures: 1, trouble: stumbling},
		},
		{name: "no answer at all", want: verdict{state: Unknown, unclear: true, failures: 1, trouble: stumbling}},
		{name: "refused", err: notSent(provider.ErrInvalid), want: verdict{state: Refused}},
		{name: "refused before any request", err: local, want: verdict{state: Refused, trouble: unasked}},
		{
			name: "refused, after a try that may have sent it", err: notSent(provider.ErrInvalid), unclear: true, keyed: true, keyLeft: time.Minute,
			want: verdict{state: Unknown, unclear: true},
		},
		{
			name: "not now", err: notSent(provider.ErrUnavailable), failures: 2,
			want: verdict{state: Queued, wait: 30 * time.Second, failures: 3, trouble: stumbling},
		},
		{
			name: "not now, after a try that may have sent it, without a key", err: notSent(provider.ErrUnavailable), unclear: true,
			want: verdict{state: Unknown, unclear: true, failures: 1, trouble: stumbling},
		},
		{
			name: "not now, after a try that may have sent it, with a key", err: notSent(provider.ErrUnavailable), unclear: true,
			keyed: true, keyLeft: time.Minute,
			want: verdict{state: Queued, wait: time.Second, unclear: true, failures: 1, trouble: stumbling},
		},
		{
			name: "the provider says when", err: asked,
			want: verdict{state: Queued, wait: 5 * time.Minute, failures: 1, trouble: unasked},
		},
		{
			name: "a wrong key of the account", err: notSent(provider.ErrUnauthorized),
			want: verdict{state: Queued, wait: time.Second, failures: 1, trouble: blocked},
		},
		{
			name: "a dry run", err: notSent(provider.ErrDryRun),
			want: verdict{state: Queued, wait: time.Second, failures: 1, trouble: blocked},
		},
		{name: "this process stops", err: stopped, failures: 3, want: verdict{state: Queued, failures: 3, trouble: unasked}},
		{
			name: "this process stops, after a try that may have sent it", err: stopped, unclear: true,
			want: verdict{state: Unknown, unclear: true, trouble: unasked},
		},
		{
			name: "the key's time is over before anything left", err: late, unclear: true, keyed: true, keyLeft: -time.Second,
			want: verdict{state: Unknown, unclear: true, failures: 1, trouble: unasked},
		},
		{name: "another has it", err: errFenced, failures: 1, want: verdict{state: Queued, failures: 1, trouble: unasked}},
		{
			name: "once more before it expires", err: notSent(provider.ErrUnavailable), failures: 9, expires: 20 * time.Minute,
			want: verdict{state: Queued, wait: 20*time.Minute - time.Second, failures: 10, trouble: stumbling},
		},
		{
			name: "it expires", err: notSent(provider.ErrUnavailable), failures: 9, expires: time.Second,
			want: verdict{state: Dead, failures: 10, trouble: stumbling},
		},
		{
			name: "it expires, and may have been sent", err: unknown, unclear: true, keyed: true, keyLeft: time.Minute, expires: time.Second,
			want: verdict{state: Unknown, unclear: true, failures: 1, trouble: stumbling},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := &Entry{ID: "x", Unclear: row.unclear, Failures: row.failures}
			if row.expires != 0 {
				e.Expires = now.Add(row.expires)
			}
			tr := trial{entry: e, err: row.err, keyed: row.keyed, keyUntil: now.Add(row.keyLeft), now: now}
			if row.state != "" {
				tr.receipt = mail("x").Receipt("1", row.state)
			}
			got := judge(tr)
			assert.Equal(t, row.want, got)
			if row.unclear || row.err == nil && row.state == "" {
				assert.NotContains(t, []State{Refused, Dead}, got.state, "it may have been sent")
			}
		})
	}
}
