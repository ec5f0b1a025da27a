package pakat

import (
	"context"
	"errors"
	"strings"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// Resubscribe sets the status of a record that says unsubscribed to confirmed,
// and reads afterwards whether the vendor did: whether a key may set a status is
// not stated. Without a list it does so in every list the address has left. A
// record that is blacklisted, disabled or not confirmed yet is no unsubscription
// and stays as it is. An update writes all fields, so one that somebody else
// sets between the reading and the writing is set back.
func (a *adapter) Resubscribe(ctx context.Context, email string, list provider.Ref) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	if list.IsZero() {
		return a.resubscribeAll(ctx, wire)
	}
	match, err := a.api.GetSubscriberByEmail(ctx, list.ID, &pakatapi.GetSubscriberByEmailParams{Email: wire}, rest.WithThen("set its status to confirmed if it is unsubscribed"))
	if errors.Is(err, provider.ErrNotFound) {
		return a.joinAgain(ctx, wire, list.ID, err)
	}
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown, ID: match.Data.UID}
	switch statusFromWire(match.Data.Status) {
	case provider.StatusUnsubscribed:
	case provider.StatusSubscribed:
		r.State = provider.ContactDone
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "it was subscribed already"})
		return r, nil
	default:
		return nil, adapterkit.Conflict("email", "the address is "+match.Data.Status+" on the list, which is no unsubscription")
	}
	if err := a.resubscribeOn(ctx, list.ID, r.ID, wire); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	return r, nil
}

// joinAgain puts an address that is known on other lists on one more, whether it has left
// them or not: the person has asked for it. notOnList is the error when it is known on none.
func (a *adapter) joinAgain(ctx context.Context, wire, list string, notOnList error) (*provider.ContactReceipt, error) {
	_, found, err := a.search(ctx, wire, "put the address on the list")
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, notOnList
	case standingOf(found).Blocked != "":
		return nil, adapterkit.Conflict("email", standingOf(found).Blocked+", which is no unsubscription")
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	saved, err := a.api.CreateSubscriber(ctx, list, pakatapi.SubscriberForm{Email: wire, Status: statusToWire(provider.StatusSubscribed)})
	if err != nil {
		return r, err
	}
	r.ID, r.State = savedUID(saved), provider.ContactDone
	r.Notes = append(r.Notes, provider.Note{Field: "list", Action: provider.NoteWarning, Why: "it was not on the list and has been put on it"})
	return r, nil
}

// resubscribeOn confirms one record again and says whether it worked.
func (a *adapter) resubscribeOn(ctx context.Context, list, uid, wire string) error {
	record, err := a.api.GetSubscriber(ctx, list, uid)
	if err != nil {
		return err
	}
	form, _ := updateToAPI(wire, record.Data.Record, edits{})
	form.Status = statusToWire(provider.StatusSubscribed)
	if _, err := a.api.UpdateSubscriber(ctx, list, uid, form); err != nil && !adapterkit.Taken(err) {
		return err
	}
	after, err := a.api.GetSubscriber(ctx, list, uid)
	if err != nil {
		return &provider.Error{
			Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Err: err,
			Message: "the status was set, but what came of it could not be read: " + err.Error(),
		}
	}
	if status := after.Data.Record.Status; statusFromWire(status).Terminal() {
		return adapterkit.Conflict("email", "the provider left the address "+status+" on the list "+list+"; the key may not be allowed to change that")
	}
	return nil
}

func (a *adapter) resubscribeAll(ctx context.Context, wire string) (*provider.ContactReceipt, error) {
	_, found, err := a.search(ctx, wire, "set the status to confirmed in each list the address has unsubscribed from")
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, notThere()
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	var left []string
	done := 0
	for _, s := range found {
		switch status := statusFromWire(s.Status); {
		case status == provider.StatusUnsubscribed:
			err := a.resubscribeOn(ctx, s.List.UID, s.UID, wire)
			if errors.Is(err, provider.ErrNotFound) {
				continue // taken off the list after the search
			}
			if err != nil {
				return r, adapterkit.Midway(err, done, afterLists, done, len(found))
			}
			done++
		case status != provider.StatusSubscribed:
			left = append(left, s.List.UID+" ("+s.Status+")")
		}
	}
	r.State = provider.ContactDone
	if done == 0 {
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "it was unsubscribed from no list"})
	}
	if len(left) > 0 {
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "left as it is on " + strings.Join(left, ", ")})
	}
	return r, nil
}
