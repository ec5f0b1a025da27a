package provider

import (
	"context"
	"time"
)

// GuardStore remembers what became of sends under a key, so that a repeat sends
// nothing at a provider that has no such keys. Package guard has the one for a
// single process. One on a database serves many, and survives a restart; it is
// right when
//
//   - Begin is atomic: of all calls with one key at most one gets the claim;
//   - an entry is durable before Begin returns: a claim that is lost with its
//     process is a mail that is sent twice;
//   - an entry that was begun and never finished stays StateBegun. Its process
//     may have died after the request left, so it counts as unknown and is
//     never claimed again.
//
// Entries hold addresses and, while the outcome is unknown, the subject. Keys
// are made of the account's name and the caller's key. Implementations are safe
// for concurrent use.
type GuardStore interface {
	// Begin claims key for a send and returns true. An entry is stored with the
	// digest, the time, and status StateBegun; it keeps the Receipt it had. The
	// claim is given when there is no entry, and when the entry is StatePartlyAccepted
	// with the same digest. The GuardEntry returned is the one from before the
	// claim, empty when there was none.
	//
	// Otherwise Begin claims nothing and returns the entry and false. While the
	// send that has the claim still runs, it waits for its end or the end of ctx
	// first, unless the digests differ. A store that cannot tell whether it runs
	// may poll for as long as a send takes, or return the begun entry at once:
	// the caller then hears that the outcome is unknown.
	//
	// An error sends nothing.
	Begin(ctx context.Context, key, digest string) (GuardEntry, bool, error)
	// Finish stores what became of the send that has the claim: it replaces the
	// status and the receipt, keeps the digest, and wakes those who wait. Status
	// StateRefused removes the entry. An entry that is StateAccepted already
	// stays, a key without an entry stays without one: neither is an error.
	Finish(ctx context.Context, key string, e GuardEntry) error
}

// GuardEntry is what a GuardStore keeps for a key. It is plain JSON.
type GuardEntry struct {
	Digest string `json:"digest"` // of the message; says nothing about it
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

// guard is a GuardStore in the service of a Client; nil does nothing.
type guard struct{ store GuardStore }
