package provider

import (
	"context"
	"time"
)

// GuardStore stores the results of sends by key, so that a repeat sends nothing at
// a provider without such keys. Package guard has a store for a single process. A
// store on a database serves several processes and survives a restart. It must
// fulfil this:
//
//   - Begin is atomic: of all concurrent calls with one key at most one gets the
//     claim;
//   - an entry is durable before Begin returns: a lost claim is a mail that is sent
//     twice;
//   - an entry without Finish stays StateBegun. Its process may have died after the
//     request left, so it counts as unknown and is never claimed again.
//
// Entries hold addresses and, while the outcome is unknown, the subject. Keys
// consist of the account's name and the caller's key. Implementations are safe for
// concurrent use.
type GuardStore interface {
	// Begin claims key for a send and returns true when there is no entry, or when
	// the entry is StatePartlyAccepted with the same digest. It stores an entry
	// with the digest, the time and the status StateBegun, which keeps the Receipt
	// it had. The GuardEntry returned is the one before the claim, empty when there
	// was none.
	//
	// Otherwise Begin claims nothing and returns the entry and false. While the
	// send with the claim still runs, Begin first waits for its end or the end of
	// ctx, unless the digests differ. A store that does not know whether the send
	// runs may poll for as long as a send takes, or return the begun entry at once;
	// the outcome is then reported as unknown.
	//
	// After an error nothing is sent.
	Begin(ctx context.Context, key, digest string) (GuardEntry, bool, error)
	// Finish stores the result of the send with the claim: it replaces the status
	// and the receipt, keeps the digest, and wakes waiting calls. Status
	// StateRefused removes the entry. An entry that is StateAccepted already stays
	// unchanged, and no entry is made for a key without one: neither is an error.
	Finish(ctx context.Context, key string, e GuardEntry) error
}

// GuardEntry is the entry of a GuardStore for a key. It is plain JSON.
type GuardEntry struct {
	Digest string `json:"digest"` // SHA-256 of the message
	// Status is one of
	//
	//	begun            the send runs, or its process died
	//	accepted         nothing is left to send
	//	unknown          may have been sent: never again
	//	partly_accepted  some recipients were provably not sent to, and may be
	//	refused          provably nothing was sent; in Finish only
	Status  State     `json:"status"`
	Receipt *Receipt  `json:"receipt,omitempty"`
	At      time.Time `json:"at"` // of the latest Begin
}

// guard is the GuardStore of a Client; nil does nothing.
type guard struct{ store GuardStore }
