package events

import "time"

// PollNow gives Poll another clock.
func PollNow(now func() time.Time) PollOption { return func(p *poll) { p.now = now } }

// SetCompare puts f in the place of the comparison of secrets and returns the one before.
func SetCompare(f func(a, b []byte) int) func(a, b []byte) int {
	old := compare
	compare = f
	return old
}
