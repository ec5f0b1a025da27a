package sendpulse

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// UpsertContact looks the address up, then makes a call for each list. It adds
// the address only where that cannot bring it back to mail it has left: what
// adding does to a final status is not documented. An address that unsubscribes
// between the look-up and the call may be added all the same.
func (a *adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	wire, err := mailaddr.Wire("email", change.Email)
	if err != nil {
		return nil, err
	}
	lists, err := listIDs(change.Lists)
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
	var done []string
	for _, list := range lists {
		if err := a.upsertOn(ctx, list, wire, variables, change.Phone, members, r); err != nil {
			return r, partly(err, done, fmt.Sprintf("list %d", list), r)
		}
		done = append(done, fmt.Sprintf("list %d", list))
	}
	r.State = after
	return r, nil
}

// upsertOn does what the standing of the address allows on one list: add it and
// set its variables, only set them, or nothing.
func (a *adapter) upsertOn(ctx context.Context, list int64, wire string, variables map[string]any, phone provider.Change[string], members []sendpulseapi.Membership, r *provider.ContactReceipt) error {
	on, why := mayAdd(list, members)
	if why == "" {
		contact := sendpulseapi.NewContact{Email: wire, Variables: variables}
		if phone.IsSet() {
			contact.Variables = maps.Clone(variables)
			contact.Variables[phoneVariable] = phone.Value
		}
		_, err := a.api.AddContacts(ctx, list, sendpulseapi.AddContactsRequest{Emails: []sendpulseapi.NewContact{contact}}, harmless)
		return err
	}
	note := provider.Note{Field: "lists", Action: "dropped", Why: fmt.Sprintf("not added to list %d: %s", list, why)}
	if on && (len(variables) > 0 || phone.IsSet()) {
		note.Why += "; the fields were set"
	}
	r.Notes = append(r.Notes, note)
	if on && len(variables) > 0 {
		if _, err := a.api.UpdateContactVariables(ctx, list, sendpulseapi.UpdateContactVariablesRequest{Email: wire, Variables: valuesToAPI(variables)}); err != nil {
			return err
		}
	}
	if on && phone.IsSet() {
		_, err := a.api.UpdateContactPhone(ctx, list, sendpulseapi.UpdateContactPhoneRequest{Email: wire, Phone: phone.Value})
		return err
	}
	return nil
}

// harmless lowers the effect of adding contacts: without a confirmation the call
// mails nobody, and a repeat ends in the same state.
func harmless(c *rest.Call) { c.Effect = rest.Upsert }

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
