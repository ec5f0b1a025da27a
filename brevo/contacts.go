package brevo

import (
	"context"
	"slices"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/sendinblue"
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
	err = a.lookAtEach(ctx, m, "add the contacts to the list, 150 a call", func(i int, c *sendinblue.Contact) {
		var barred adapterkit.Barred
		switch why := c.Standing().Bars(list.ID); {
		case why != "":
			barred.Add(list.ID, why)
			m.refuse(i, barred.Err(false))
		case slices.Contains(c.ListIDs, id):
			m.settle(i, nil)
		}
	})
	if err != nil {
		return nil, err
	}
	return m.change(func(group []string) (*brevoapi.ListChange, error) {
		return a.api.AddContactsToList(ctx, id, brevoapi.AddContactsToListRequest{Emails: group})
	})
}

// RemoveFromList looks at each contact first: taking off who has left the list would
// forget that, and the next upsert would put the contact on it again.
func (a *adapter) RemoveFromList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	m, err := newMembers(emails)
	if err != nil {
		return nil, err
	}
	err = a.lookAtEach(ctx, m, "take the contacts off the list, 150 a call", func(i int, c *sendinblue.Contact) {
		if slices.Contains(c.ListUnsubscribed, id) {
			m.refuse(i, adapterkit.Conflict("email", "the contact has unsubscribed from the list, and taking it off would forget that"))
		}
	})
	if err != nil {
		return nil, err
	}
	return m.change(calls{a.api}.remove(ctx, id))
}

// lookAtEach gives judge each of the addresses that is a contact; the others are refused.
func (a *adapter) lookAtEach(
	ctx context.Context, m *members, then string, judge func(i int, c *sendinblue.Contact),
) error {
	for i, wire := range m.wires {
		found, err := calls{a.api}.look(ctx, wire, byEmail, then)
		switch {
		case err != nil:
			return err
		case found == nil:
			m.settle(i, noContact())
		default:
			judge(i, new(contactFromDetails(found)))
		}
	}
	return nil
}

func (a *adapter) DeleteList(ctx context.Context, list provider.Ref) error {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return err
	}
	_, err = a.api.DeleteList(ctx, id)
	return err
}
