package brevo

import (
	"context"
	"net/http"
	"slices"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

func (a *adapter) GetContact(ctx context.Context, email string) (*provider.Contact, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	c, err := a.api.GetContact(ctx, wire, &brevoapi.GetContactParams{IdentifierType: &byEmail})
	if err != nil {
		return nil, err
	}
	p, err := contactFromDetails(c).Portable()
	return &p, err
}

func (a *adapter) DeleteContact(ctx context.Context, email string) error {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return err
	}
	_, err = a.api.DeleteContact(ctx, wire, &brevoapi.DeleteContactParams{IdentifierType: &byEmail})
	return err
}

// AddToList looks at each contact first, as an upsert does, and for the same
// reason. Who is on the list already needs no change.
func (a *adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	m, err := newMembers(emails)
	if err != nil {
		return nil, err
	}
	for i := range m.wires {
		c, err := calls{a.api}.look(ctx, m.wires[i], "add the contacts to the list, 150 a call")
		switch {
		case err != nil:
			return nil, err
		case c == nil:
			m.settle(i, &provider.Error{Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: http.StatusNotFound, Message: "no such contact"})
		case slices.Contains(c.ListUnsubscribed, id):
			m.settle(i, &provider.Error{Kind: provider.ErrConflict, Outcome: provider.OutcomeNotSent, Status: http.StatusOK, Message: "the contact has unsubscribed from this list; resubscribe is a verb of its own"})
		case slices.Contains(c.ListIDs, id):
			m.settle(i, nil)
		}
	}
	return m.change(func(group []string) (*brevoapi.ListChange, error) {
		return a.api.AddContactsToList(ctx, id, brevoapi.AddContactsToListRequest{Emails: group})
	})
}

func (a *adapter) RemoveFromList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	return calls{a.api}.removeFromList(ctx, id, emails)
}

func (a *adapter) DeleteList(ctx context.Context, list provider.Ref) error {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return err
	}
	_, err = a.api.DeleteList(ctx, id)
	return err
}
