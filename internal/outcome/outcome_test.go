package outcome

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

const (
	no    = provider.OutcomeNotSent
	maybe = provider.OutcomeMaybeSent
	sent  = provider.OutcomeSent
)

// want is a row as docs/reliability.md prints it: what is done after the
// failure and what is known of the mail.
type want struct {
	next      Next
	outcome   provider.Outcome
	elsewhere bool
}

var table = []struct {
	class  Class
	noKey  want // a send without a key
	keyed  want // a send under a key whose window is open
	change want // upsert, update, delete
	breaks bool
}{
	{NoConnection, want{Repeat, no, true}, want{Repeat, no, true}, want{Repeat, no, true}, true},
	{NoSuchHost, want{Repeat, no, true}, want{Repeat, no, true}, want{Repeat, no, true}, true},
	{BadTLS, want{Stop, no, true}, want{Stop, no, true}, want{Stop, no, true}, true},
	{BrokenTLS, want{Repeat, no, true}, want{Repeat, no, true}, want{Repeat, no, true}, true},
	{Incomplete, want{Repeat, no, true}, want{Repeat, no, true}, want{Repeat, no, true}, true},
	{NoAnswer, want{Stop, maybe, false}, want{Repeat, maybe, false}, want{Repeat, maybe, false}, true},
	{Throttled, want{Repeat, no, true}, want{Repeat, no, true}, want{Repeat, no, true}, false},
	{Unauthorized, want{Stop, no, true}, want{Stop, no, true}, want{Stop, no, true}, false},
	{NoCredit, want{Stop, no, true}, want{Stop, no, true}, want{Stop, no, true}, false},
	{Refused, want{Stop, no, false}, want{Stop, no, false}, want{Stop, no, false}, false},
	{Duplicate, want{Accept, sent, false}, want{Accept, sent, false}, want{Accept, sent, false}, false},
	{Misdirected, want{Stop, no, true}, want{Stop, no, true}, want{Stop, no, true}, false},
	{NotThere, want{Stop, no, false}, want{Stop, no, false}, want{Stop, no, false}, false},
	{Conflict, want{Stop, no, false}, want{Stop, no, false}, want{Stop, no, false}, false},
	{TimedOut, want{Stop, maybe, false}, want{Repeat, maybe, false}, want{Repeat, maybe, false}, true},
	{ServerFault, want{Stop, maybe, false}, want{Repeat, maybe, false}, want{Repeat, maybe, false}, true},
	{Unreadable, want{Accept, sent, false}, want{Accept, sent, false}, want{Accept, sent, false}, false},
	{Canceled, want{Stop, no, false}, want{Stop, no, false}, want{Stop, no, false}, false},
	{Busy, want{Stop, no, true}, want{Stop, no, true}, want{Stop, no, true}, false},
	{NoCredential, want{Stop, no, true}, want{Stop, no, true}, want{Stop, no, true}, false},
	{Local, want{Stop, no, false}, want{Stop, no, false}, want{Stop, no, false}, false},
	{Class(99), want{Stop, maybe, false}, want{Repeat, maybe, false}, want{Repeat, maybe, false}, true}, // a row nobody wrote is never called harmless
}

func TestDecide(t *testing.T) {
	for _, row := range table {
		for _, c := range []struct {
			name string
			in   Input
			want want
		}{
			{"send", Input{Class: row.class, Effect: rest.Send}, row.noKey},
			{"send keyed", Input{Class: row.class, Effect: rest.Send, Keyed: true}, row.keyed},
			{"upsert", Input{Class: row.class, Effect: rest.Upsert}, row.change},
		} {
			t.Run(fmt.Sprintf("%d %s", row.class, c.name), func(t *testing.T) {
				v := Decide(c.in)
				assert.Equal(t, c.want, want{v.Next, v.Outcome, v.Elsewhere})
				assert.Equal(t, row.breaks, v.Breaker)
				if v.Outcome == maybe {
					assert.Equal(t, provider.ErrOutcomeUnknown, v.Kind)
				}
			})
		}
	}
}

// After an attempt whose outcome is unclear only success or the vendor's word
// that it knows the key settles the matter.
func TestDecideSticky(t *testing.T) {
	for _, row := range table {
		t.Run(fmt.Sprint(row.class), func(t *testing.T) {
			v := Decide(Input{Class: row.class, Effect: rest.Send, Keyed: true, Unclear: true})
			assert.NotEqual(t, no, v.Outcome, "a later refusal does not prove that the first attempt failed")
			assert.False(t, v.Elsewhere, "the message stays with its provider")
			if v.Outcome == maybe {
				assert.Equal(t, provider.ErrOutcomeUnknown, v.Kind)
			}
		})
	}
}

func TestDecideReadsHaveNoOutcome(t *testing.T) {
	for _, row := range table {
		v := Decide(Input{Class: row.class, Effect: rest.Read})
		assert.Empty(t, v.Outcome)
		assert.NotEqual(t, provider.ErrOutcomeUnknown, v.Kind)
	}
}
