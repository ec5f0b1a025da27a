package provider_test

import (
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// A time to send at that has passed is refused, or, when it passed a moment ago, the
// mail goes out at once: no provider gets a time in the past.
func TestSendAtInThePast(t *testing.T) {
	for _, tt := range []struct {
		name   string
		offset time.Duration
		sent   bool
		kept   bool // the provider gets the time
	}{
		{name: "in an hour", offset: time.Hour, sent: true, kept: true},
		{name: "in a second", offset: time.Second, sent: true, kept: true},
		{name: "now", sent: true},
		{name: "a minute ago", offset: -time.Minute, sent: true},
		{name: "more than a minute ago", offset: -time.Minute - time.Second},
		{name: "years ago", offset: -5 * 365 * 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stub{caps: keylessCaps}
				c := client(t, s, provider.AccountSettings{}, provider.DriverEnv{})
				m := order()
				m.SendAt = time.Now().Add(tt.offset)
				r, err := c.Send(t.Context(), m)
				if !tt.sent {
					var e *provider.Error
					require.ErrorAs(t, err, &e)
					assert.ErrorIs(t, err, provider.ErrInvalid)
					assert.Equal(t, "send_at", e.Field)
					assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
					assert.Empty(t, s.sent)
					assert.Error(t, c.Accepts(m))
					return
				}
				require.NoError(t, err)
				require.Len(t, s.sent, 1)
				assert.Equal(t, tt.kept, !s.sent[0].SendAt.IsZero())
				assert.Equal(t, !tt.kept, len(r.Notes) > 0 && r.Notes[0].Field == "send_at")
				assert.False(t, m.SendAt.IsZero(), "the caller's message is not changed")
			})
		})
	}
}

// A batch compares with the time at which it began: what passes while it runs goes out.
func TestSendAtPassesDuringABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &stub{caps: keylessCaps}
		c := client(t, s, provider.AccountSettings{}, provider.DriverEnv{})
		var messages iter.Seq2[*provider.Message, error] = func(yield func(*provider.Message, error) bool) {
			for _, at := range []time.Duration{10 * time.Minute, -2 * time.Minute} {
				<-time.After(time.Hour) // the input comes slowly
				m := order()
				m.SendAt = began.Add(at)
				if !yield(m, nil) {
					return
				}
			}
		}
		var results []provider.BatchResult
		report, err := c.SendBatch(t.Context(), messages, func(r provider.BatchResult) error {
			results = append(results, r)
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, provider.BatchReport{Messages: 2, Accepted: 1, Refused: 1}, report)
		require.Len(t, s.sent, 1)
		assert.True(t, s.sent[0].SendAt.IsZero())
		require.NotEmpty(t, results[0].Receipt.Notes)
		assert.Equal(t, "send_at", results[0].Receipt.Notes[0].Field)
		require.ErrorIs(t, results[1].Err, provider.ErrInvalid)
	})
}
