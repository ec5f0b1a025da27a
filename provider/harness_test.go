package provider_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
)

// errEnough is the error with which a test ends a batch.
var errEnough = errors.New("enough")

// batchOf iterates over the results of a batch, and over its error after them.
// Breaking off ends the batch with errEnough.
func batchOf(ctx context.Context, c *provider.Client, messages iter.Seq2[*provider.Message, error], opts ...provider.BatchOption) iter.Seq2[provider.BatchResult, error] {
	return func(yield func(provider.BatchResult, error) bool) {
		gone := false
		_, err := c.SendBatch(ctx, messages, func(r provider.BatchResult) error {
			if gone || !yield(r, nil) {
				gone = true
				return errEnough
			}
			return nil
		}, opts...)
		if err != nil && !gone {
			yield(provider.BatchResult{}, err)
		}
	}
}

// anything has every method that an adapter may have, without doing anything. A
// test's adapter embeds it and has the methods that the test is about.
type anything struct{}

func (anything) Status(context.Context, *provider.Receipt) (*provider.Receipt, error) {
	return nil, nil
}
func (anything) Cancel(context.Context, *provider.Receipt) error { return nil }
func (anything) FindSent(context.Context, string, provider.Trace) ([]provider.SentMail, error) {
	return nil, nil
}
func (anything) GetContact(context.Context, string) (*provider.Contact, error) { return nil, nil }
func (anything) ListContacts(context.Context, provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	return nil, nil
}

func (anything) UpsertContact(context.Context, provider.ContactChange) (*provider.ContactReceipt, error) {
	return nil, nil
}
func (anything) DeleteContact(context.Context, string) error { return nil }
func (anything) Unsubscribe(context.Context, string, provider.Ref, string) (*provider.ContactReceipt, error) {
	return nil, nil
}

func (anything) Resubscribe(context.Context, string, provider.Ref) (*provider.ContactReceipt, error) {
	return nil, nil
}

func (anything) ListLists(context.Context, string) (*provider.Page[provider.List], error) {
	return nil, nil
}

func (anything) AddToList(context.Context, provider.Ref, []string) ([]provider.MemberResult, error) {
	return nil, nil
}

func (anything) RemoveFromList(context.Context, provider.Ref, []string) ([]provider.MemberResult, error) {
	return nil, nil
}
func (anything) CreateList(context.Context, string) (*provider.List, error) { return nil, nil }
func (anything) DeleteList(context.Context, provider.Ref) error             { return nil }
func (anything) ListSuppressions(context.Context, string) (*provider.Page[provider.Suppression], error) {
	return nil, nil
}

func (anything) AddSuppression(context.Context, string, string) (*provider.ContactReceipt, error) {
	return nil, nil
}

func (anything) RemoveSuppression(context.Context, string) (*provider.ContactReceipt, error) {
	return nil, nil
}
func (anything) Check(context.Context) (*provider.Health, error) { return &provider.Health{}, nil }

// inMemory opens an account with these settings at a store.
func inMemory(t *testing.T, store *memory.Store, settings provider.AccountConfig) *provider.Client {
	t.Helper()
	cfg := provider.Config{Providers: map[string]provider.AccountConfig{"memory": settings.With("provider", "memory")}}
	c, err := provider.Registry{store.Driver()}.Open(t.Context(), cfg)
	require.NoError(t, err)
	return c
}
