package provider

import (
	"context"
	"time"
)

// Limiter keeps the vendor's limits of calls for all who share it. Without one, a
// limit is kept by each process for itself; a Limiter on a database keeps it for
// several hosts. WithLimiter sets it. Implementations are safe for concurrent use,
// and pass providertest.RunLimiter.
//
// When Acquire returns an error, it has taken nothing and does not let the call leave. The
// error is one of three:
//
//   - when ctx has ended, the call ends as not sent;
//   - an *Error ends the call as not sent, with the kind ErrRateLimited and the
//     RetryAfter of the error. A Limiter returns one when the time of ctx is too
//     short for the wait, and may do so when a call must not go out without it;
//   - any other error means that the Limiter cannot tell, as when its database is
//     away. Then the call waits for the limit as this process alone keeps it, and
//     Hooks.OnLimit gets the error.
//
// A Limiter bounds the time in which its store answers by itself, best by a second
// or less: the Client cannot tell a store that hangs from a limit that is used up.
// The texts of its errors hold no credential.
type Limiter interface {
	// Acquire waits until n more calls of s may leave, n from 1 to s.Burst, and
	// takes them. One that gives up while it waits takes nothing and keeps nobody
	// else waiting.
	Acquire(ctx context.Context, s Slot, n int) error
	// Pause lets no call of s leave for d, not even one that waits already: the vendor said
	// that its limit is used up. It does not shorten a pause that ends later.
	Pause(ctx context.Context, s Slot, d time.Duration) error
}

// Slot names a limit and its size: in any time T at most Burst + PerSecond·T calls
// leave. Key and Class together name the limit for a store. Two Slots of one name
// with other sizes come from clients whose settings differ.
type Slot struct {
	// Key stands for the account at the vendor: a digest of the address and the
	// credential, in 32 hexadecimal digits. It is the same for all names that an
	// account has in configurations, and reveals no credential.
	Key       string
	Class     string // of calls: "send", "contacts" …; docs/reliability.md has them
	PerSecond float64
	Burst     int
}
