package sendpulse

import (
	"context"
	"strconv"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

// CreateList makes a list. A name that is in use is refused, so that after a
// lost answer a second call shows that the first one was carried out.
func (a *adapter) CreateList(ctx context.Context, name string) (*provider.List, error) {
	made, err := a.api.CreateList(ctx, sendpulseapi.CreateListRequest{Name: name})
	if err != nil {
		return nil, err
	}
	if made.ID == 0 {
		return nil, adapterkit.NoListID()
	}
	return &provider.List{ID: strconv.FormatInt(int64(made.ID), 10), Name: name, Count: -1}, nil
}

// DeleteList removes a list. An address on no other list is no contact any more,
// and what the list knew of it, an unsubscription too, is gone.
func (a *adapter) DeleteList(ctx context.Context, list provider.Ref) error {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return err
	}
	_, err = a.api.DeleteList(ctx, id)
	return err
}
