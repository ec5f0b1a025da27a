package provider

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Notes of single mails name the recipient of the whole message.
func TestPlaced(t *testing.T) {
	notes := []Note{{"to[0].name", "emulated", "x"}, {"html", "emulated", "x"}, {"to[0]", "warning", "x"}}
	fields := func(m *Message) []string {
		var out []string
		for _, n := range placed(m, 3, notes) {
			out = append(out, n.Field)
		}
		return out
	}
	assert.Equal(t, []string{"to[3].name", "html", "to[3]"}, fields(&Message{}))
	assert.Equal(t, []string{"recipients[3].name", "html", "recipients[3]"}, fields(&Message{Recipients: []Recipient{{}}}))
	assert.Equal(t, "to[0].name", notes[0].Field, "the notes of the mail stay")
}

func TestMidway(t *testing.T) {
	before := &Error{Kind: ErrRateLimited, Outcome: OutcomeNotSent, Elsewhere: true}
	assert.Equal(t, error(before), partlyDone(before, false))
	assert.NoError(t, partlyDone(nil, true))
	var e *Error
	assert.True(t, errors.As(partlyDone(before, true), &e))
	assert.Equal(t, OutcomeMaybeSent, e.Outcome)
	assert.False(t, e.Elsewhere)
	assert.Equal(t, OutcomeNotSent, before.Outcome)
}
