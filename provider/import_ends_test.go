package provider_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// lastCall ends the context in the middle of an upsert.
type lastCall struct {
	stub
	cancel context.CancelFunc
}

func (s *lastCall) UpsertContact(ctx context.Context, _ provider.ContactChange) (*provider.ContactReceipt, error) {
	s.cancel()
	return nil, ctx.Err() // as an adapter that looks at the context before its call
}

// A row that was not tried because the context ended is not called refused.
func TestImportCanceledIsNotRefused(t *testing.T) {
	s := &lastCall{}
	s.caps = everything(nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = cancel
	c, err := provider.NewClient(s, "stub", provider.AccountSettings{Concurrency: 1}, provider.DriverEnv{Account: "main"})
	require.NoError(t, err)
	report, err := c.ImportContacts(ctx, func(yield func(provider.ContactChange, error) bool) {
		for _, name := range []string{"a", "b", "c"} {
			if !yield(row(name, "1"), nil) {
				return
			}
		}
	}, nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Positive(t, report.Rows)
	assert.Equal(t, report.Rows, report.NotTried, "%+v", report)
}

// fatalRows cannot convert a row, for a reason that holds for all of them.
type fatalRows struct{ bulkStub }

func (s *fatalRows) NewBulkImport() provider.BulkImport { return s }

func (s *fatalRows) Row(context.Context, provider.ContactChange) (provider.BulkRow, error) {
	return provider.BulkRow{}, &provider.Error{Kind: provider.ErrUnauthorized, Outcome: provider.OutcomeNotSent, Status: 401}
}

func TestImportEndsAtARowThatTellsOfAll(t *testing.T) {
	s := &fatalRows{}
	s.caps = everything(nil)
	c, err := provider.NewClient(s, "stub", provider.AccountSettings{}, provider.DriverEnv{Account: "main"})
	require.NoError(t, err)
	report, err := c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
		for range 100 {
			if !yield(row("a", "1"), nil) {
				return
			}
		}
	}, nil)
	require.ErrorIs(t, err, provider.ErrUnauthorized)
	assert.Equal(t, 1, report.Rows)
}
