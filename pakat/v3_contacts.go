package pakat

import (
	"context"

	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// GetContact is unproved: see V3Config.
func (a *v3Adapter) GetContact(ctx context.Context, email string) (*provider.Contact, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	c, err := a.api.GetContact(ctx, wire)
	if err != nil {
		return nil, err
	}
	p, err := v3ContactFromAPI(*c).Portable()
	return &p, err
}

// DeleteContact is unproved: see V3Config.
func (a *v3Adapter) DeleteContact(ctx context.Context, email string) error {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return err
	}
	_, err = a.api.DeleteContact(ctx, wire)
	return err
}

func (a *v3Adapter) AddToList(
	ctx context.Context, list provider.Ref, emails []string,
) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	return a.change(ctx, emails, pakatv3api.UpdateContactRequest{ListIDs: []int64{id}})
}

func (a *v3Adapter) RemoveFromList(
	ctx context.Context, list provider.Ref, emails []string,
) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	return a.change(ctx, emails, pakatv3api.UpdateContactRequest{UnlinkListIDs: []int64{id}})
}

// change updates one contact after the other.
func (a *v3Adapter) change(
	ctx context.Context, emails []string, body pakatv3api.UpdateContactRequest,
) ([]provider.MemberResult, error) {
	wires, err := adapterkit.Wires(emails)
	if err != nil {
		return nil, err
	}
	var opts []rest.Option
	if len(wires) > 1 {
		opts = append(opts, rest.WithThen("the same for each further address"))
	}
	kinds := []provider.Kind{provider.ErrInvalid, provider.ErrNotFound, provider.ErrConflict}
	return adapterkit.EachMember(emails, kinds, func(i int) error {
		return v3Calls{a.api}.update(ctx, wires[i], body, opts...)
	})
}
