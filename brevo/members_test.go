package brevo_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// An answer to a change of a list is read wherever it names the addresses, and an
// address that it does not name is not done.
func TestMembersAreNamed(t *testing.T) {
	for _, row := range []struct {
		name, body string
		kind       provider.Kind // empty: done
	}{
		{name: "done", body: `{"contacts":{"success":["Seed@example.com"],"failure":[]}}`},
		{name: "done, at the root", body: `{"success":["seed@example.com"],"failure":[]}`},
		{name: "refused", body: `{"contacts":{"success":[],"failure":["seed@example.com"]}}`, kind: provider.ErrConflict},
		{name: "refused, at the root", body: `{"success":[],"failure":["seed@example.com"]}`, kind: provider.ErrConflict},
		{name: "nobody named", body: `{"contacts":{"success":[],"failure":[]}}`, kind: provider.ErrOutcomeUnknown},
		{name: "refused, beside nothing as PHP writes it", body: `{"contacts":{"success":{},"failure":["seed@example.com"]}}`, kind: provider.ErrConflict},
		{name: "done, beside false", body: `{"contacts":{"success":["seed@example.com"],"failure":false}}`},
		{name: "done, with keys as PHP writes them", body: `{"contacts":{"success":{"3":"seed@example.com"},"failure":[]}}`},
		{name: "nothing in each place", body: `{"contacts":{"success":false,"failure":""}}`, kind: provider.ErrOutcomeUnknown},
		{name: "another named", body: `{"contacts":{"success":["other@example.com"]}}`, kind: provider.ErrOutcomeUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			for operation, change := range map[string]func(c *provider.Client) ([]provider.MemberResult, error){
				"addContactsToList": func(c *provider.Client) ([]provider.MemberResult, error) {
					return c.AddToList(t.Context(), provider.Ref{ID: "4"}, []string{"seed@example.com"})
				},
				"removeContactsFromList": func(c *provider.Client) ([]provider.MemberResult, error) {
					return c.RemoveFromList(t.Context(), provider.Ref{ID: "4"}, []string{"seed@example.com"})
				},
			} {
				sb := sandbox.New(t)
				sb.AddContact("brevo", provider.Contact{Email: "seed@example.com"})
				sb.Fail("brevo", sandbox.Fault{Operation: operation, Status: 201, Body: row.body})
				results, err := change(opened(t, sb, 0))
				require.NoError(t, err)
				require.Len(t, results, 1)
				if row.kind == "" {
					assert.Nil(t, results[0].Error)
					continue
				}
				require.NotNil(t, results[0].Error, operation)
				assert.Equal(t, row.kind, results[0].Error.Kind)
			}
		})
	}
}

// A message id of a webhook has no angle brackets.
func TestBareMessageID(t *testing.T) {
	sb := sandbox.New(t)
	c := opened(t, sb, 0)
	_, _ = c.Status(t.Context(), &provider.Receipt{MessageID: "1@example.com"})
	_ = c.Cancel(t.Context(), &provider.Receipt{MessageID: "1@example.com"})
	requests := sb.Requests("brevo")
	require.Len(t, requests, 3, "the log, the schedule and the cancellation")
	for _, r := range requests {
		assert.Contains(t, r.Path+r.Query.Get("messageId"), "<1@example.com>", r.Operation)
	}
}
