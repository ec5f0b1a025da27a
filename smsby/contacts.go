package smsby

import (
	"context"
	"errors"
	"fmt"
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
	lists := make([]int64, len(change.Lists))
	for i, l := range change.Lists {
		id, err := listID(fmt.Sprintf("lists[%d]", i), l)
		if err != nil {
			return nil, err
		}
		lists[i] = id
	}
	names, row, notes, err := rowToAPI(change, a.nameField)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: notes}
	var then []rest.Option
	if len(lists) > 1 {
		then = append(then, rest.WithThen("the same for each further list"))
	}
	r.Notes = append(r.Notes, provider.Note{Field: "lists", Action: provider.NoteWarning, Why: "whether an import lifts an unsubscription is not stated, and the provider shows none to look at before"})
	for i, list := range lists {
		state, err := a.store(ctx, list, names, row, then...)
		switch {
		case taken(err):
			state = provider.ContactStored
			r.Notes = append(r.Notes, provider.Note{Field: "lists", Action: provider.NoteWarning, Why: fmt.Sprintf("stored on list %d, but the answer could not be read", list)})
		case err != nil:
			return r, partly(err, i)
		}
		if i == 0 {
			r.State = state
		} else if r.State != state {
			r.State = provider.ContactStored
		}
	}
	return r, nil
}

// taken reports whether a failed call was carried out: only its answer is of no use.
func taken(err error) bool {
	var e *provider.Error
	return errors.As(err, &e) && e.Outcome == provider.OutcomeSent
}

// partly gives the error of a later call the outcome of all of them.
func partly(err error, done int) error {
	if done == 0 {
		return err
	}
	var e *provider.Error
	if !errors.As(err, &e) {
		e = &provider.Error{Kind: provider.ErrOutcomeUnknown, Message: err.Error(), Err: err}
	}
	c := *e
	c.Outcome, c.Elsewhere = provider.OutcomeMaybeSent, false
	c.Message = fmt.Sprintf("stored on %d lists, then: %s", done, e.Message)
	return &c
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
	form := smsbyapi.UnsubscribeForm{Email: wire, Reason: text(reason)}
	if !list.IsZero() {
		// Read as a number, so that a comma cannot name further lists.
		id, err := listID("list", list)
		if err != nil {
			return nil, err
		}
		form.ListIDs = new(strconv.FormatInt(id, 10))
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if _, err := a.api.UnsubscribeEmail(ctx, form); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	return r, nil
}

// AddToList imports one row for each address. Rows of one call could be told
// apart only by an index whose start is not documented.
func (a *adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := listID("list", list)
	if err != nil {
		return nil, err
	}
	wires := make([]string, len(emails))
	for i, email := range emails {
		if wires[i], err = adapterkit.Wire("email", email); err != nil {
			return nil, err
		}
	}
	var then []rest.Option
	if len(emails) > 1 {
		then = append(then, rest.WithThen("the same for each further address"))
	}
	results := make([]provider.MemberResult, 0, len(emails))
	for i, wire := range wires {
		_, err := a.store(ctx, id, []string{"email"}, []string{wire}, then...)
		var e *provider.Error
		if err != nil && !taken(err) && (!errors.As(err, &e) || e.Kind != provider.ErrInvalid) {
			return results, err
		}
		results = append(results, provider.MemberResult{Email: emails[i], Error: e})
	}
	return results, nil
}

func (a *adapter) RemoveFromList(context.Context, provider.Ref, []string) ([]provider.MemberResult, error) {
	return nil, provider.Unsupported(feature.ListsRemove, "unsubscribe from the list instead")
}

func (a *adapter) ListLists(context.Context, string) (*provider.Page[provider.List], error) {
	return nil, provider.Unsupported(feature.ListsList, "the provider's method for that is not known")
}

func (a *adapter) GetContact(context.Context, string) (*provider.Contact, error) {
	return nil, provider.Unsupported(feature.ContactsGet, "the provider has no method that reads contacts")
}

func (a *adapter) ListContacts(context.Context, provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	return nil, provider.Unsupported(feature.ContactsList, "the provider has no method that reads contacts")
}

func (a *adapter) DeleteContact(context.Context, string) error {
	return provider.Unsupported(feature.ContactsDelete, "the provider has no method that deletes contacts")
}
