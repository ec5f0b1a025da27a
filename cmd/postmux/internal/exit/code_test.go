package exit

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

func TestExitCode(t *testing.T) {
	remote := func(k provider.Kind, status int, o provider.Outcome) error {
		return &provider.Error{Kind: k, Status: status, Outcome: o}
	}
	for _, tc := range []struct {
		what string
		err  error
		want int
	}{
		{"nothing wrong", nil, 0},
		{"a bug", errors.New("oops"), 1},
		{"an internal error before anything left", remote(provider.ErrInternal, 0, provider.OutcomeNotSent), 1},
		{"an internal error that may have sent", remote(provider.ErrInternal, 0, provider.OutcomeMaybeSent), 7},
		{"usage", UsageError("--to", "bad"), 2},
		{"usage in a file", &FileError{"m.json", UsageError("to", "bad")}, 2},
		{"configuration", ConfigError("default", "bad"), 2},
		{"invalid here", provider.Invalid("to", "bad"), 2},
		{"unsupported", provider.Unsupported(feature.MessageCc, "no"), 2},
		{"invalid there", remote(provider.ErrInvalid, 400, provider.OutcomeNotSent), 5},
		{"unauthorized", remote(provider.ErrUnauthorized, 401, provider.OutcomeNotSent), 4},
		{"forbidden", remote(provider.ErrForbidden, 403, provider.OutcomeNotSent), 4},
		{"no credit", remote(provider.ErrNoCredit, 402, provider.OutcomeNotSent), 5},
		{"conflict", remote(provider.ErrConflict, 409, provider.OutcomeNotSent), 5},
		{"not found", remote(provider.ErrNotFound, 404, ""), 5},
		{"limit", remote(provider.ErrRateLimited, 429, provider.OutcomeNotSent), 6},
		{"outage", remote(provider.ErrUnavailable, 503, provider.OutcomeNotSent), 6},
		{"outage of a read", remote(provider.ErrUnavailable, 0, ""), 6},
		{"an outage whose outcome is open", remote(provider.ErrUnavailable, 503, provider.OutcomeMaybeSent), 7},
		{"unknown", remote(provider.ErrOutcomeUnknown, 0, provider.OutcomeMaybeSent), 7},
		{"an unreadable answer to a read", remote(provider.ErrBadResponse, 200, ""), 6},
		{"a redirect", remote(provider.ErrBadResponse, 302, provider.OutcomeNotSent), 6},
		{"done, but the answer does not tell what", remote(provider.ErrBadResponse, 200, provider.OutcomeSent), 7},
		{"an unreadable answer to a change", remote(provider.ErrBadResponse, 200, provider.OutcomeMaybeSent), 7},
		{"interrupted", context.Canceled, 130},
		{"interrupted in a request that had no effect", remote(provider.ErrCanceled, 0, provider.OutcomeNotSent), 130},
		{"interrupted while the outcome is open", &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Err: context.Canceled}, 7},
		{"out of time", context.DeadlineExceeded, 6},
		{"out of time before the request left", &provider.Error{Kind: provider.ErrCanceled, Outcome: provider.OutcomeNotSent, Err: context.DeadlineExceeded}, 6},
		{"dry run", remote(provider.ErrDryRun, 0, provider.OutcomeNotSent), 0},
		{"a code of its own", fmt.Errorf("more: %w", &Result{Err: errors.New("x"), Code: 3}), 3},
	} {
		t.Run(tc.what, func(t *testing.T) { assert.Equal(t, tc.want, Code(tc.err)) })
	}
}

func TestCombine(t *testing.T) {
	for _, tc := range []struct {
		codes []int
		want  int
	}{
		{nil, 0},
		{[]int{0, 0}, 0},
		{[]int{5}, 5},
		{[]int{5, 5}, 5},
		{[]int{0, 5}, 3},
		{[]int{5, 0, 5}, 3},
		{[]int{2, 5}, 5},
		{[]int{5, 6}, 6},
		{[]int{2, 5, 6, 4}, 4},
		{[]int{2, 2}, 2},
		{[]int{3, 5}, 3},
		{[]int{2, 0, 5}, 3},
		{[]int{0, 7}, 7},
		{[]int{5, 2, 7, 0}, 7},
		{[]int{7, 7}, 7},
	} {
		assert.Equal(t, tc.want, Combine(tc.codes), "%v", tc.codes)
	}
}

func TestReceiptCode(t *testing.T) {
	refused := &provider.Error{Kind: provider.ErrInvalid, Status: 400, Outcome: provider.OutcomeNotSent}
	noKey := &provider.Error{Kind: provider.ErrUnauthorized, Status: 401, Outcome: provider.OutcomeNotSent}
	notTried := &provider.Error{Kind: provider.ErrCanceled, Outcome: provider.OutcomeNotSent}
	unknown := &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent}
	receipt := func(state provider.State, rs ...provider.RecipientResult) *provider.Receipt {
		return &provider.Receipt{State: state, Recipients: rs}
	}
	ok := provider.RecipientResult{State: provider.StateAccepted}
	bad := provider.RecipientResult{State: provider.StateRefused, Error: refused}
	for _, tc := range []struct {
		what string
		r    *provider.Receipt
		err  error
		want int
	}{
		{"no receipt", nil, provider.Invalid("to", "x"), 2},
		{"accepted", receipt(provider.StateAccepted, ok, ok), nil, 0},
		{"scheduled", receipt(provider.StateScheduled, provider.RecipientResult{State: provider.StateScheduled}), nil, 0},
		{"enqueued in an outbox", receipt("enqueued", provider.RecipientResult{State: "enqueued"}), nil, 0},
		{"refused", receipt(provider.StateRefused, bad), refused, 5},
		{"partly", receipt(provider.StatePartlyAccepted, ok, bad), refused, 3},
		{"partly, without an error", receipt(provider.StatePartlyAccepted, ok, bad), nil, 3},
		{"all refused for one reason, the rest not tried", receipt(provider.StateRefused,
			provider.RecipientResult{State: provider.StateRefused, Error: noKey},
			provider.RecipientResult{State: provider.StateRefused, Error: notTried}), noKey, 4},
		{"one unknown", receipt(provider.StateUnknown, ok, provider.RecipientResult{State: provider.StateUnknown}), unknown, 7},
		{"unknown without recipients", receipt(provider.StateUnknown), unknown, 7},
		{"the receipt says more than its recipients", receipt(provider.StatePartlyAccepted, ok), nil, 3},
	} {
		t.Run(tc.what, func(t *testing.T) { assert.Equal(t, tc.want, ReceiptCode(tc.r, tc.err)) })
	}
}
