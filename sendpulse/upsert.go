package sendpulse

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// UpsertContact looks the address up, then makes a call for each list. It adds
// the address only where that cannot bring it back to mail it has left: what
// adding does to a final status is not documented. An address that unsubscribes
// between the look-up and the call may be added all the same.
func (a *adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return nil, err
	}
	lists, err := adapterkit.ListIDs(change.Lists)
	if err != nil {
		return nil, err
	}
	variables, err := a.names.variablesToAPI(change)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	members, err := a.memberships(ctx, wire, rest.WithThen("add the contact to each list, or set its variables there"))
	after := provider.ContactUpdated
	switch {
	case errors.Is(err, provider.ErrNotFound):
		after = provider.ContactCreated
	case err != nil:
		return r, err
	}
	u := &upsert{adapter: a, steps: steps{r: r}, wire: wire, variables: variables, phone: change.Phone, members: members}
	for _, list := range lists {
		if err := u.on(ctx, list); err != nil {
			return r, err
		}
	}
	r.State = after
	return r, nil
}

// upsert is an upsert under way.
type upsert struct {
	*adapter
	steps
	wire      string
	variables map[string]any
	phone     provider.Change[string]
	members   []sendpulseapi.Membership
}

// on does what the standing of the address allows on one list: add it and set
// its variables, only set them, or nothing.
func (u *upsert) on(ctx context.Context, list int64) error {
	there, why := mayAdd(list, u.members)
	if why == "" {
		_, err := u.api.AddContacts(ctx, list, sendpulseapi.AddContactsRequest{Emails: []sendpulseapi.NewContact{u.contact()}}, unconfirmed)
		return u.step(listStep(list), err)
	}
	note := len(u.r.Notes)
	u.r.Notes = append(u.r.Notes, provider.Note{Field: "lists", Action: provider.NoteDropped, Why: fmt.Sprintf("not added to list %d: %s", list, why)})
	if !there || len(u.variables) == 0 && !u.phone.IsSet() {
		return nil
	}
	if err := u.set(ctx, list); err != nil {
		return err
	}
	u.r.Notes[note].Why += "; the fields were set"
	return nil
}

// contact is the contact as an add takes it.
func (u *upsert) contact() sendpulseapi.NewContact {
	c := sendpulseapi.NewContact{Email: u.wire, Variables: u.variables}
	if u.phone.IsSet() {
		c.Variables = maps.Clone(u.variables)
		c.Variables[phoneVariable] = u.phone.Value()
	}
	return c
}

// set sets the variables on a list that the address is on, and the phone number,
// which is a call of its own.
func (u *upsert) set(ctx context.Context, list int64) error {
	if len(u.variables) > 0 {
		_, err := u.api.UpdateContactVariables(ctx, list, sendpulseapi.UpdateContactVariablesRequest{Email: u.wire, Variables: valuesToAPI(u.variables)})
		if err := u.step("fields of "+listStep(list), err); err != nil {
			return err
		}
	}
	if !u.phone.IsSet() {
		return nil
	}
	_, err := u.api.UpdateContactPhone(ctx, list, sendpulseapi.UpdateContactPhoneRequest{Email: u.wire, Phone: u.phone.Value()})
	return u.step("phone of "+listStep(list), err)
}

// unconfirmed is for adding contacts without a confirmation: the call mails nobody
// then, and a repeat ends in the same state.
var unconfirmed = rest.WithEffect(rest.Upsert)

// mayAdd reports whether the address is on the list, and why it must not be
// added to it; empty means that it may be.
func mayAdd(list int64, members []sendpulseapi.Membership) (on bool, why string) {
	for _, m := range members {
		s := standingOf(int64(m.Status))
		switch {
		case int64(m.ListID) == list:
			on = true
			if s.fixed() {
				why = fmt.Sprintf("the address is %s there (status %d)", s.status, m.Status)
			}
		case s.everywhere != "" && why == "":
			why = fmt.Sprintf("the address is %s (status %d on list %d)", s.everywhere, m.Status, m.ListID)
		}
	}
	return on, why
}
