package smsby

import (
	"context"
	"strconv"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

// Resubscribe takes the address off the unsubscribed of one list or of all. The
// vendor shows neither who is unsubscribed nor who is on a list, so nothing is
// looked at before or after; an address that was never unsubscribed is a success.
func (a *adapter) Resubscribe(ctx context.Context, email string, list provider.Ref) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	lists, err := oneList(list)
	if err != nil {
		return nil, err
	}
	_, err = a.api.SubscribeEmail(ctx, smsbyapi.SubscribeForm{Email: wire, ListIDs: lists})
	return adapterkit.Done(err)
}

// CreateList makes a list. Whether a name can be used twice is not stated, and
// lists cannot be listed: after a lost answer only the account's pages tell
// whether it was made.
func (a *adapter) CreateList(ctx context.Context, name string) (*provider.List, error) {
	made, err := a.api.CreateSubscriberList(ctx, &smsbyapi.CreateSubscriberListParams{Name: name})
	if err != nil {
		return nil, err
	}
	id := int64(made.Result.Value.ID)
	if id == 0 {
		return nil, adapterkit.NoListID()
	}
	return &provider.List{ID: strconv.FormatInt(id, 10), Name: name, Count: -1}, nil
}
