package sendpulse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest"
)

// UpsertContact looks the address up, then makes a call for each list. It adds
// the address only where that cannot bring it back to mail it has left: what
// adding does to a final status is not documented. An address that unsubscribes
// between the look-up and the call may be added all the same. Stops come first.
func (a *adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return nil, err
	}
	s, err := stopsOf(change)
	if err != nil {
		return nil, err
	}
	joins, _ := adapterkit.Joins(change)
	lists, err := adapterkit.Numbers(joins)
	if err != nil {
		return nil, err
	}
	variables, err := a.names.variablesToAPI(change)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: s.notes}
	members, err := a.memberships(ctx, wire, rest.WithThen("add the contact to each list, or set its variables there"))
	after := provider.ContactUpdated
	switch {
	case errors.Is(err, provider.ErrNotFound):
		after = provider.ContactCreated
	case err != nil:
		return r, err
	}
	u := &upsert{adapter: a, steps: steps{r: r}, wire: wire, variables: variables, phone: change.Phone, members: members}
	if err := u.stop(ctx, s); err != nil {
		return r, err
	}
	for _, list := range lists {
		do := u.on
		if s.marketing { // on the list too
			do = u.off
		}
		if err := do(ctx, list); err != nil {
			return r, err
		}
	}
	if len(u.done) == 0 && len(u.barred) > 0 {
		return nil, u.barred.Err(false)
	}
	r.State = after
	return r, u.barred.Err(true)
}

// stops are the kinds of mail that a change stops.
type stops struct {
	lists                           []int64
	marketing, transactional, black bool
	reason                          string // for the last two
	notes                           []provider.Note
}

// stopsOf maps the words of a change: the vendor keeps an unsubscription for each list, one
// for transactional mail, and the blacklist for all mail. A status that is about the
// address and not about a list counts for all of them.
func stopsOf(change provider.ContactChange) (s stops, err error) {
	_, off := adapterkit.Joins(change)
	var ids []string
	address := change.Status.Terminal() && len(change.Memberships) == 0
	for _, m := range off {
		ids = append(ids, m.List)
		address = address || m.Status != provider.StatusUnsubscribed
	}
	if address {
		s.marketing = true
		s.notes = append(s.notes, provider.Note{Field: "status", Action: provider.NoteConverted, Why: "unsubscribed from every list that it is on"})
	}
	if s.lists, err = adapterkit.Numbers(ids); err != nil {
		return s, err
	}
	notes, err := adapterkit.Suppressions(change, true, func(x provider.Suppression) error {
		switch {
		case x.Channel != provider.ChannelEmail || x.Sender != "":
			return adapterkit.NoSuppression(feature.ContactsUpsertSuppressed, x)
		case x.Scope == provider.ScopeMarketing:
			s.marketing = true
			s.notes = append(s.notes, adapterkit.NoReason(string(x.Reason), "the provider stores no reason for a list")...)
			return nil
		case x.Scope == provider.ScopeTransactional:
			s.transactional = true
		default:
			s.black = true
		}
		s.reason = string(x.Reason)
		return nil
	})
	s.notes = append(s.notes, notes...)
	return s, err
}

// upsert is an upsert under way.
type upsert struct {
	*adapter
	steps
	wire      string
	variables map[string]any
	phone     provider.Change[string]
	members   []sendpulseapi.Membership
	barred    adapterkit.Barred // lists that it may not join
}

// stop makes the calls for mail that is to stop.
func (u *upsert) stop(ctx context.Context, s stops) error {
	if s.black {
		wire, err := listed(u.wire)
		if err != nil {
			return err
		}
		_, err = u.api.AddToBlacklist(ctx, sendpulseapi.AddToBlacklistRequest{Emails: []byte(wire), Comment: adapterkit.Text(s.reason)})
		if err := u.step("the blacklist", err); err != nil {
			return err
		}
	}
	if s.transactional {
		if err := u.step(smtpStep, u.unsubscribeSMTP(ctx, u.wire, s.reason)); err != nil {
			return err
		}
	}
	if s.marketing {
		for _, m := range u.members {
			if !slices.Contains(s.lists, int64(m.ListID)) && statusOn(int64(m.ListID), u.members) != provider.StatusRemoved {
				s.lists = append(s.lists, int64(m.ListID))
			}
		}
	}
	for _, list := range s.lists {
		if err := u.off(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

// off unsubscribes the address from a list, on which it is put for that when it is not
// there: a list keeps no other standing.
func (u *upsert) off(ctx context.Context, list int64) error {
	status := statusOn(list, u.members)
	if status == "" || status == provider.StatusRemoved {
		if err := u.step("adding to "+listStep(list), u.add(ctx, list)); err != nil {
			return err
		}
	} else if err := u.set(ctx, list); err != nil {
		return err
	}
	if status.Terminal() {
		return nil
	}
	return u.step("leaving "+listStep(list), u.unsubscribeFrom(ctx, list, u.wire))
}

func (u *upsert) add(ctx context.Context, list int64) error {
	_, err := u.api.AddContacts(ctx, list, sendpulseapi.AddContactsRequest{Emails: []sendpulseapi.NewContact{u.contact()}}, unconfirmed)
	return err
}

// on does what the standing of the address allows on one list: add it and set
// its variables, only set them, or nothing.
func (u *upsert) on(ctx context.Context, list int64) error {
	there, why := mayAdd(list, u.members)
	if why == "" {
		return u.step(listStep(list), u.add(ctx, list))
	}
	u.barred.Add(strconv.FormatInt(list, 10), why)
	if !there {
		return nil
	}
	return u.set(ctx, list)
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
	var s adapterkit.Standing
	for _, m := range members {
		standing := standingOf(int64(m.Status))
		s.Memberships = append(s.Memberships, provider.Membership{List: strconv.FormatInt(int64(m.ListID), 10), Status: standing.status})
		if standing.everywhere != "" && s.Blocked == "" {
			s.Blocked = fmt.Sprintf("it is %s (status %d on list %d)", standing.everywhere, m.Status, m.ListID)
		}
		if int64(m.ListID) == list {
			on = true
			if standing.fixed() {
				return true, fmt.Sprintf("it is %s there (status %d)", standing.status, m.Status)
			}
		}
	}
	return on, s.Bars(strconv.FormatInt(list, 10))
}
