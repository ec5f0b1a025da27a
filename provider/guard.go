package provider

import (
	"context"
	"time"
)

// GuardStore stores the results of sends by key, so that a repeat sends nothing.
// Package guard has a store for a single process. A store on a database serves
// several processes and survives a restart. Both methods read an entry, ask a method
// of GuardEntry what becomes of it, and write that:
//
//	begun, ok := entry.Claim(by)     // Begin: store begun if ok
//	next, keep := entry.Finish(end)  // Finish: store next, or remove the entry
//
// It must fulfil this:
//
//   - reading and writing is one atomic step: of all concurrent calls of Begin with
//     one key at most one gets the claim;
//   - an entry is durable before Begin returns: a lost claim is a mail that is sent
//     twice;
//   - an entry without Finish stays StateBegun. Its process may have died after the
//     request left, so it counts as unknown and is never claimed again.
//
// Entries hold addresses and, while the outcome is unknown, the subject. A key is
// the namespace, path-escaped, a slash, and the caller's key. Implementations are
// safe for concurrent use.
type GuardStore interface {
	// Begin claims key for the send that by describes, as far as GuardEntry.Claim
	// allows, and returns true. The GuardEntry returned is the one before the claim,
	// the zero GuardEntry when there was none.
	//
	// Without a claim it returns the entry and false. While the send with the claim
	// still runs, Begin first waits for its end or the end of ctx, unless the digests
	// differ. A store that does not know whether the send runs may poll for as long
	// as a send takes, or return the begun entry at once; the outcome is then
	// reported as unknown.
	//
	// After an error nothing is sent.
	Begin(ctx context.Context, key string, by GuardEntry) (GuardEntry, bool, error)
	// Finish stores the result of the send with the claim, or what Settle found, as
	// GuardEntry.Finish says, and wakes waiting calls. A key without an entry is no
	// error.
	Finish(ctx context.Context, key string, end GuardEntry) error
}

// GuardEntry is the entry of a GuardStore for a key. It is plain JSON.
type GuardEntry struct {
	Digest string `json:"digest"` // SHA-256 of the message as the caller gave it
	// Status is one of
	//
	//	begun            the send runs, or its process died
	//	accepted         nothing is left to send
	//	unknown          may have been sent
	//	partly_accepted  some recipients were provably not sent to, and may be
	//	refused          provably nothing was sent; in Finish only
	Status State `json:"status"`
	// Provider and Account sent the mail, or tried to. Those of a begun entry may be
	// a route.
	Provider string    `json:"provider"`
	Account  string    `json:"account"`
	At       time.Time `json:"at"` // of the latest Begin, by the clock of its process
	Receipt  *Receipt  `json:"receipt,omitempty"`
	// Scope and Until allow the repeat of an unknown send under the provider's own
	// key: that key at that provider's account, as a sum, and until when it is known.
	Scope string    `json:"scope,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Claim reports whether the send that by describes may begin, and returns the entry
// to store then. e is the entry of its key; the zero GuardEntry stands for none.
func (e GuardEntry) Claim(by GuardEntry) (GuardEntry, bool) {
	switch e.Status {
	case "":
	case StatePartlyAccepted:
		if e.Digest != by.Digest {
			return e, false
		}
	case StateUnknown:
		// A clock that went back says nothing about the window.
		if e.Digest != by.Digest || by.At.Before(e.At) || !by.At.Before(e.Until) {
			return e, false
		}
	default:
		return e, false
	}
	by.Status, by.Receipt = StateBegun, e.Receipt
	return by, true
}

// Finish returns the entry after the result end, and false when none is kept. e is
// the entry of the key; the zero GuardEntry stands for none, and stays none. An
// accepted entry stays as it is, and so does one of another message.
func (e GuardEntry) Finish(end GuardEntry) (GuardEntry, bool) {
	switch {
	case e.Status == "":
		return e, false
	case e.Status == StateAccepted, end.Digest != "" && end.Digest != e.Digest:
		return e, true
	case end.Status == StateRefused:
		return GuardEntry{}, false
	}
	end.Digest, end.At = e.Digest, e.At
	if end.Account == "" {
		end.Provider, end.Account = e.Provider, e.Account
	}
	return end, true
}

// guard is the GuardStore of a Client, and the namespace of its keys; nil does
// nothing.
type guard struct {
	store     GuardStore
	namespace string
}
