package sendpulse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// Resubscribe to one list adds the address to it again and reads afterwards
// whether that brought it back, which is not documented. To all mail it lifts
// the unsubscription from transactional mail and does the same for every list
// the address has left. A block, a bounce and the blacklist are no
// unsubscriptions and stay. Nothing is mailed: the vendor's own call for this
// asks the person by mail, and is reached through API.
func (a *adapter) Resubscribe(ctx context.Context, email string, to provider.Ref) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if to.IsZero() {
		return r, a.resubscribeAll(ctx, wire, r)
	}
	list, err := adapterkit.ListID("list", to)
	if err != nil {
		return nil, err
	}
	onList, err := a.api.GetContact(ctx, list, wire, rest.WithThen("add the address to the list again if it has unsubscribed from it"))
	if errors.Is(err, provider.ErrNotFound) {
		return a.joinAgain(ctx, list, wire, err)
	}
	if err != nil {
		return nil, err
	}
	s := standingOf(int64(onList.Status))
	switch s.status {
	case provider.StatusUnsubscribed:
	case provider.StatusSubscribed:
		r.State = provider.ContactDone
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "it was subscribed already"})
		return r, nil
	default:
		return nil, adapterkit.Conflict("email", fmt.Sprintf("the address is %s on the list (status %d), which is no unsubscription", s.status, onList.Status))
	}
	if err := a.resubscribeOn(ctx, list, wire); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	return r, nil
}

// joinAgain puts an address that is known on other lists on one more, whether it has left
// them or not: the person has asked for it. notOnList is the error when it is known on none.
func (a *adapter) joinAgain(ctx context.Context, list int64, wire string, notOnList error) (*provider.ContactReceipt, error) {
	members, err := a.memberships(ctx, wire)
	if errors.Is(err, provider.ErrNotFound) {
		return nil, notOnList
	}
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if s := standingOf(int64(m.Status)); s.everywhere != "" {
			return nil, adapterkit.Conflict("email", fmt.Sprintf("the address is %s (status %d on list %d), which is no unsubscription", s.everywhere, m.Status, m.ListID))
		}
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if err := a.resubscribeOn(ctx, list, wire); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	r.Notes = append(r.Notes, provider.Note{Field: "list", Action: provider.NoteWarning, Why: "it was not on the list and has been put on it"})
	return r, nil
}

// resubscribeOn adds an address that has left the list, without variables, so
// that those it has stay, and reads what came of it.
func (a *adapter) resubscribeOn(ctx context.Context, list int64, wire string) error {
	_, err := a.api.AddContacts(ctx, list, sendpulseapi.AddContactsRequest{Emails: []sendpulseapi.NewContact{{Email: wire}}}, unconfirmed)
	if err != nil && !adapterkit.Taken(err) {
		return err
	}
	onList, err := a.api.GetContact(ctx, list, wire)
	if err != nil {
		return &provider.Error{
			Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Err: err,
			Message: "the address was added again, but what came of it could not be read: " + err.Error(),
		}
	}
	if s := standingOf(int64(onList.Status)).status; s.Terminal() {
		return adapterkit.Conflict("email", fmt.Sprintf("the provider left the address %s on list %d (status %d); ask the person by mail, or change it in the account", s, list, onList.Status))
	}
	return nil
}

func (a *adapter) resubscribeAll(ctx context.Context, wire string, r *provider.ContactReceipt) error {
	members, err := a.memberships(ctx, wire, rest.WithThen("let transactional mail to the address through again, and add it to each list it has unsubscribed from"))
	if err != nil && !errors.Is(err, provider.ErrNotFound) {
		return err
	}
	check, err := a.api.GetSMTPUnsubscribe(ctx, &sendpulseapi.GetSMTPUnsubscribeParams{Email: wire})
	if err != nil {
		return err
	}
	var left []string
	done := steps{r: r}
	if check.Unsubscribed {
		_, err := a.api.RemoveSMTPUnsubscribes(ctx, sendpulseapi.Addresses{Emails: []string{wire}})
		if err := done.step(smtpStep, err); err != nil {
			return err
		}
	}
	for _, m := range members {
		name := listStep(int64(m.ListID))
		switch s := standingOf(int64(m.Status)).status; {
		case s == provider.StatusUnsubscribed:
			if err := done.step(name, a.resubscribeOn(ctx, int64(m.ListID), wire)); err != nil {
				return err
			}
		case s.Terminal():
			left = append(left, fmt.Sprintf("%s (%s)", name, s))
		}
	}
	r.State = provider.ContactDone
	if len(done.done) > 0 {
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteEmulated, Why: "brought back to " + strings.Join(done.done, ", ")})
	} else {
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "it was unsubscribed from nothing"})
	}
	if len(left) > 0 {
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "left as it is on " + strings.Join(left, ", ")})
	}
	return nil
}
