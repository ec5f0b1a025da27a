// Package alike tells whether a mail in a provider's list may be one whose
// outcome is unknown. Adapters share it, so that a search means the same at
// every provider.
package alike

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// Mail is a mail as a list shows it. What the list does not tell is empty, and
// speaks neither for the mail nor against it.
type Mail struct {
	Recipient, Sender, Subject string
	Tags                       []string
	At                         time.Time
}

// Slack widens the time of a search.
type Slack struct{ Before, After time.Duration }

var (
	// Exact is for times that have a zone. The caller of a search has allowed
	// for clocks that differ and for mail that is dated late.
	Exact = Slack{}
	// AnyZone is for times that are read as UTC and may be of any zone.
	AnyZone = Slack{Before: 12 * time.Hour, After: 14 * time.Hour}
)

// Search describes the mail that is looked for. A zero time is open.
type Search struct {
	Recipient, Sender, Subject string
	Tags                       []string
	From, To                   time.Time
}

// SearchFor is the search for a mail to recipient that t tells of.
func SearchFor(recipient string, t provider.Trace) Search {
	return Search{Recipient: recipient, Sender: t.From, Subject: t.Subject, Tags: t.Tags, From: t.At, To: t.Until}
}

// May reports whether m may be the mail that s searches for.
func May(s Search, m Mail, slack Slack) bool {
	return sameAddress(s.Recipient, m.Recipient) && sameAddress(s.Sender, m.Sender) &&
		sameSubject(s.Subject, m.Subject) &&
		sameTags(s.Tags, m.Tags) && Within(s, m.At, slack)
}

// Within reports whether at lies in the time of s. A zero time is unknown, a
// zero end of s is open. Seconds are compared, because providers cut the rest.
func Within(s Search, at time.Time, slack Slack) bool {
	switch {
	case at.IsZero():
		return true
	case !s.From.IsZero() && at.Before(s.From.Truncate(time.Second).Add(-slack.Before)):
		return false
	case !s.To.IsZero() && at.After(s.To.Add(slack.After)):
		return false
	}
	return true
}

func sameAddress(a, b string) bool {
	return a == "" || b == "" || mailaddr.Key(a) == mailaddr.Key(b)
}

// sameTags compares tags in any order.
func sameTags(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// sameSubject takes any subject for one with places that the provider fills in.
func sameSubject(wanted, got string) bool {
	if wanted == "" || got == "" || strings.Contains(wanted, "{{") || strings.Contains(wanted, "{%") {
		return true
	}
	return plain(wanted) == plain(got)
}

// plain is a subject without what a mail system may change: the form of its
// letters and the blanks where lines were folded.
func plain(subject string) string {
	return strings.Join(strings.Fields(norm.NFC.String(subject)), " ")
}
