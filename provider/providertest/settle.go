package providertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// settles: a mail whose response was lost is found, with the vendor's id; one that
// never arrived stays unknown, also after a long time; and of two equal mails none
// is chosen.
func settles(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
	if !c.Capabilities().Can(feature.MessageSettle) {
		_, err := c.Settle(t.Context(), &provider.Receipt{
			State: provider.StateUnknown, Unsettled: &provider.Trace{
				At: time.Now(), Until: time.Now(), Subject: "x",
			},
			Recipients: []provider.RecipientResult{{Email: needleEmail, State: provider.StateUnknown}},
		})
		return err
	}
	lose := func(subject string, f sandbox.Fault) *provider.Receipt {
		t.Helper()
		f.Operation = h.SendOperation
		v.Fail(v.name, f)
		m := h.baseline()
		m.Subject = subject
		r, err := c.Send(t.Context(), m)
		require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
		require.Equal(t, provider.StateUnknown, r.State)
		require.NotNil(t, r.Unsettled, "the receipt carries what a look-up needs")
		assert.Equal(t, subject, r.Unsettled.Subject)
		return r
	}
	stays := func(r *provider.Receipt) {
		t.Helper()
		got, err := c.Settle(t.Context(), r)
		require.NoError(t, err)
		assert.Equal(t, provider.StateUnknown, got.State)
		assert.Empty(t, got.MessageID)
		assert.NotEmpty(t, got.Notes, "a note tells what was looked for")
	}

	accepted := lose("گزارش 1", sandbox.Fault{Drop: true, After: true})
	got, err := c.Settle(t.Context(), accepted)
	if err != nil {
		return err
	}
	mails := v.Messages(v.name)
	require.Len(t, mails, 1)
	assert.NotContains(
		t, []provider.State{provider.StateUnknown, provider.StateRefused}, got.State, "%+v",
		got.Notes,
	)
	assert.Equal(t, mails[0].ID, got.MessageID)
	assert.Equal(t, mails[0].ID, got.Recipients[0].MessageID)
	assert.Nil(t, got.Unsettled)
	assert.Equal(t, "account", got.Account)

	never := lose("گزارش 2", sandbox.Fault{Drop: true})
	require.Len(t, v.Messages(v.name), 1)
	stays(never)
	long := *never.Unsettled // an hour later
	long.At, long.Until = long.At.Add(-time.Hour), long.Until.Add(-time.Hour)
	never.Unsettled = &long
	stays(never)

	twin := lose("گزارش 3", sandbox.Fault{Drop: true, After: true})
	lose("گزارش 3", sandbox.Fault{Drop: true, After: true})
	require.Len(t, v.Messages(v.name), 3)
	stays(twin)
	assert.Len(t, v.sends(), 4, "a look-up sends nothing")
	return nil
}
