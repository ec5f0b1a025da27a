package smsby

import (
	"context"
	"strconv"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest"
)

// UpsertContact imports one row into each list. A contact is a row of a list
// there, so several lists are several calls: when a later one fails, the earlier
// ones have stored the contact, and the error says so.
func (a *adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	if len(change.Lists) == 0 {
		return nil, provider.Unsupported(feature.ContactsUpsertWithoutList, "a contact is always on a list")
	}
	lists, err := adapterkit.ListIDs(change.Lists)
	if err != nil {
		return nil, err
	}
	names, row, notes, err := rowToAPI(change, a.nameField)
	if err != nil {
		return nil, err
	}
	s := storing{r: &provider.ContactReceipt{State: provider.ContactUnknown, Notes: append(notes, mayLift)}}
	var then []rest.Option
	if len(lists) > 1 {
		then = append(then, rest.WithThen("the same for each further list"))
	}
	for _, list := range lists {
		state, err := a.store(ctx, list, names, row, then...)
		if s.settle(list, state, err); s.err != nil {
			break
		}
	}
	return s.r, s.err
}

// store imports one row. The vendor answers counters, no id.
func (a *adapter) store(ctx context.Context, list int64, names, row []string, opts ...rest.Option) (provider.ContactState, error) {
	answer, err := a.api.ImportContacts(ctx, &smsbyapi.ImportContactsParams{ListID: list, FieldNames: names, Data: [][]string{row}}, opts...)
	if err != nil {
		return "", err
	}
	return storedState(answer.Result.Value)
}

func (a *adapter) Unsubscribe(ctx context.Context, email string, list provider.Ref, reason string) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	lists, err := oneList(list)
	if err != nil {
		return nil, err
	}
	_, err = a.api.UnsubscribeEmail(ctx, smsbyapi.UnsubscribeForm{Email: wire, ListIDs: lists, Reason: adapterkit.Text(reason)})
	return adapterkit.Done(err)
}

// oneList is the list as a form names lists, nil for all. It is read as a number, so
// that a comma cannot name further ones.
func oneList(list provider.Ref) (*string, error) {
	if list.IsZero() {
		return nil, nil
	}
	id, err := adapterkit.ListID("list", list)
	return adapterkit.Text(strconv.FormatInt(id, 10)), err
}

// AddToList imports one row for each address. Rows of one call could be told
// apart only by an index whose start is not documented.
func (a *adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	wires, err := adapterkit.Wires(emails)
	if err != nil {
		return nil, err
	}
	var then []rest.Option
	if len(emails) > 1 {
		then = append(then, rest.WithThen("the same for each further address"))
	}
	return adapterkit.EachMember(emails, []provider.Kind{provider.ErrInvalid}, func(i int) error {
		_, err := a.store(ctx, id, []string{"email"}, wires[i:i+1], then...)
		return err
	})
}
