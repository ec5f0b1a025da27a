package pakat

import (
	"context"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// CreateList makes a list. The vendor wants a description and a sender too: the
// name serves as the one, the account's from as the other; both can be changed
// at the vendor. Whether two lists may have one name is not stated.
func (a *adapter) CreateList(ctx context.Context, name string) (*provider.List, error) {
	if a.from.Email == "" {
		return nil, &provider.Error{
			Kind: provider.ErrConfig, Outcome: provider.OutcomeNotSent, Field: "providers." + a.account + ".from",
			Message: "a list needs a sender, and the account has no from",
		}
	}
	sender, err := adapterkit.Wire("from.email", a.from.Email)
	if err != nil {
		return nil, err
	}
	form := pakatapi.ListForm{Name: name, Description: name, FromName: mailaddr.Name(a.from.Name), FromEmail: sender, ReplyTo: sender}
	if form.FromName == "" {
		form.FromName = sender
	}
	made, err := a.api.CreateList(ctx, form)
	if err != nil {
		return nil, err
	}
	if adapterkit.IDOf(made.UID) == "" {
		return nil, adapterkit.NoListID()
	}
	return &provider.List{ID: made.UID, Name: name, Count: -1}, nil
}

// DeleteList removes a list with its records. Contacts exist in lists only, so
// whoever is on no other list is gone, and that somebody had unsubscribed is
// forgotten.
func (a *adapter) DeleteList(ctx context.Context, list provider.Ref) error {
	if _, err := a.api.DeleteList(ctx, list.ID); !adapterkit.Taken(err) {
		return err
	}
	return nil
}
