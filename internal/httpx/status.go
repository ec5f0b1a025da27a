package httpx

import (
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// KindDuplicate is named by a classifier when the vendor says that it has seen
// our idempotency key before: the mail was accepted then.
const KindDuplicate provider.Kind = "duplicate"

// decider says what makes a row of statuses fit an answer.
type decider int

const (
	// byKind: the kind that the adapter names. The status counts only when the adapter
	// names none, or one for which no other row fits.
	byKind decider = iota
	// byStatus: the status, whatever kind the adapter names.
	byStatus
	// byEither: the status or the kind, whatever the other is.
	byEither
)

// statusRow says what an answer means.
type statusRow struct {
	first, last int           // the statuses, both included; 0 for a kind that has none
	kind        provider.Kind // the kind of the error when the vendor's code says no more
	class       outcome.Class // the row of the failure table
	send        outcome.Class // the row for a send, where it is another one; else 0
	decides     decider
}

// statuses is the table from the status of an answer, and the kind that the adapter
// names, to the kind of the error and its row of the failure table. The first row
// that fits counts: a single status stands before its range, and the rows are in the
// order byEither, byStatus, byKind. An error without a kind gets that of the first
// row of its class.
var statuses = []statusRow{
	{kind: KindDuplicate, class: outcome.Duplicate, decides: byEither},
	{first: 429, last: 429, kind: provider.ErrRateLimited, class: outcome.Throttled, decides: byEither},

	{first: 300, last: 399, kind: provider.ErrBadResponse, class: outcome.Misdirected, decides: byStatus},
	{first: 405, last: 405, kind: provider.ErrInvalid, class: outcome.Misdirected, decides: byStatus},
	{first: 408, last: 408, kind: provider.ErrUnavailable, class: outcome.TimedOut, decides: byStatus},
	// RFC 8470: the server did not process a request that it took for a repeated one.
	{first: 425, last: 425, kind: provider.ErrUnavailable, class: outcome.NoConnection, decides: byStatus},
	{first: 501, last: 501, kind: provider.ErrUnavailable, class: outcome.Misdirected, decides: byStatus},
	{first: 500, last: 999, kind: provider.ErrUnavailable, class: outcome.ServerFault, decides: byStatus},

	{first: 401, last: 401, kind: provider.ErrUnauthorized, class: outcome.Unauthorized},
	{first: 402, last: 402, kind: provider.ErrNoCredit, class: outcome.NoCredit},
	{first: 403, last: 403, kind: provider.ErrForbidden, class: outcome.Unauthorized},
	{first: 404, last: 404, kind: provider.ErrNotFound, class: outcome.NotThere, send: outcome.Misdirected},
	{first: 409, last: 409, kind: provider.ErrConflict, class: outcome.Conflict},
	{first: 410, last: 410, kind: provider.ErrNotFound, class: outcome.NotThere, send: outcome.Misdirected},
	{first: 400, last: 499, kind: provider.ErrInvalid, class: outcome.Refused},
	{kind: provider.ErrOutcomeUnknown, class: outcome.NoAnswer},
	// The vendor's words, under a status of a refusal: nothing was done, and a repeat helps.
	{kind: provider.ErrUnavailable, class: outcome.NoConnection},
}

// otherStatus is the row of a status that is not in the table: 1xx, and 2xx when
// the adapter says that the answer is an error.
var otherStatus = statusRow{kind: provider.ErrBadResponse, class: outcome.Refused}

func (r *statusRow) has(status int) bool {
	return r.first > 0 && r.first <= status && status <= r.last
}

func (r *statusRow) classFor(effect rest.Effect) outcome.Class {
	if effect == rest.Send && r.send != 0 {
		return r.send
	}
	return r.class
}

func rowOfStatus(status int) *statusRow {
	for i := range statuses {
		if statuses[i].has(status) {
			return &statuses[i]
		}
	}
	return &otherStatus
}

// KindOfStatus returns the kind for a status when the vendor's code says no more.
func KindOfStatus(status int) provider.Kind { return rowOfStatus(status).kind }

// classOf returns the row of the failure table for an answer of which the adapter
// names the kind, empty for none.
func classOf(effect rest.Effect, status int, kind provider.Kind) outcome.Class {
	for i := range statuses {
		r := &statuses[i]
		if r.decides != byKind && r.has(status) || r.decides != byStatus && r.kind == kind {
			return r.classFor(effect)
		}
	}
	return rowOfStatus(status).classFor(effect)
}

// kindOfClass returns the kind for an error of the class to which the adapter
// gave none.
func kindOfClass(class outcome.Class) provider.Kind {
	for _, r := range statuses {
		if r.class == class || r.send == class {
			return r.kind
		}
	}
	return provider.ErrInvalid
}
