package pakat

import (
	"context"
	"errors"
	"slices"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// afterLists says how far a change of several lists went.
const afterLists = "after %d of %d lists"

// upsert is an upsert under way. The vendor has none: an address is searched
// for in all lists, and then created or updated in each named one. Between the
// search and a change somebody else may act:
//
//   - an address that joins a list meanwhile is refused as a duplicate and then
//     updated;
//   - an address that is deleted meanwhile ends the upsert as not found;
//   - a field that somebody else sets between the reading and the writing of a
//     record is set back, because an update writes all fields.
type upsert struct {
	*adapter
	wire  string
	edits edits
	whole provider.MembershipStatus // on every list that it is on or joins; empty for none
	r     *provider.ContactReceipt
	// barred are the lists that it may not join.
	barred adapterkit.Barred
}

// write is what is to be done in one list.
type write struct {
	list string
	uid  string                    // empty: create
	stop provider.MembershipStatus // to be stored there, empty for none
	form *pakatapi.SubscriberForm  // nil: nothing but the stop
}

func (a *adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	e, err := editsToAPI(change, a.phoneTag)
	if err != nil {
		return nil, err
	}
	whole, notes, err := wholeStop(change)
	if err != nil {
		return nil, err
	}
	if len(change.Memberships) == 0 && whole == "" {
		return nil, provider.Unsupported(feature.ContactsUpsertWithoutList, "contacts exist in lists only")
	}
	wire, found, err := a.search(ctx, change.Email, "create or update the record of each list")
	if err != nil {
		return nil, err
	}
	if len(change.Memberships)+len(found) == 0 {
		return nil, provider.Unsupported(feature.ContactsUpsertWithoutList, "contacts exist in lists only, and the address is on none")
	}
	u := &upsert{adapter: a, wire: wire, edits: e, whole: whole, r: &provider.ContactReceipt{State: provider.ContactUnknown, Notes: append(e.notes, notes...)}}
	plan, err := u.plan(ctx, change.Memberships, found)
	if err != nil {
		return nil, err // nothing was changed yet
	}
	if len(plan) == 0 && len(u.barred) > 0 {
		return nil, u.barred.Err(false)
	}
	created := len(found) == 0
	for i, w := range plan {
		fresh, err := u.write(ctx, w)
		if err != nil {
			return u.r, adapterkit.Midway(err, i, afterLists, i, len(plan))
		}
		created = created && fresh
	}
	u.r.State = provider.ContactUpdated
	if created {
		u.r.State = provider.ContactCreated
	}
	if len(plan) > 1 || len(change.Memberships) > 1 {
		u.r.ID = "" // another in every list
	}
	return u.r, u.barred.Err(len(plan) > 0)
}

// wholeStop is the status that a change wants on every list: the vendor keeps consent by
// list, and blacklisted, which keeps all mail.
func wholeStop(change provider.ContactChange) (whole provider.MembershipStatus, notes []provider.Note, err error) {
	if change.Status.Terminal() && len(change.Memberships) == 0 {
		whole = change.Status
	}
	notes, err = adapterkit.Suppressions(change, false, func(s provider.Suppression) error {
		switch {
		case s.Channel != provider.ChannelEmail || s.Sender != "" || s.Scope == provider.ScopeTransactional:
			return adapterkit.NoSuppression(feature.ContactsUpsertSuppressed, s)
		case s.Scope == provider.ScopeAll:
			whole = provider.StatusBlocked
		case !whole.Terminal():
			whole = provider.StatusUnsubscribed
		}
		return nil
	})
	return whole, notes, err
}

// plan reads all that is needed to know the changes, so that what can be
// refused is refused before the first of them. Stops come first.
func (u *upsert) plan(ctx context.Context, wanted []provider.Membership, found []pakatapi.Subscriber) ([]write, error) {
	if u.whole != "" { // what it is on is meant too
		wanted = slices.Clone(wanted)
		for i := range wanted {
			wanted[i].Status = u.whole
		}
		for _, s := range found {
			if !slices.ContainsFunc(wanted, func(m provider.Membership) bool { return m.List == s.List.UID }) {
				wanted = append(wanted, provider.Membership{List: s.List.UID, Status: u.whole})
			}
		}
	}
	standing := standingOf(found)
	var stops, joins []write
	for _, m := range wanted {
		if err := u.fields.check(ctx, m.List, u.edits.values); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(found, func(s pakatapi.Subscriber) bool { return s.List.UID == m.List })
		why := standing.Bars(m.List)
		switch {
		case m.Status.Terminal():
		case why != "":
			u.barred.Add(m.List, why)
			if i < 0 {
				continue
			}
		}
		w, err := u.change(ctx, m, found, i)
		switch {
		case err != nil:
			return nil, err
		case w.stop != "":
			stops = append(stops, w)
		case w.form != nil:
			joins = append(joins, w)
		}
	}
	return append(stops, joins...), nil
}

// change is what is to be done in one list, of which the record is found[i], or none.
func (u *upsert) change(ctx context.Context, m provider.Membership, found []pakatapi.Subscriber, i int) (write, error) {
	if i < 0 {
		w := write{list: m.List, form: new(subscriberToAPI(u.wire, u.edits, m.Status))}
		if m.Status.Terminal() {
			w.stop = m.Status
		}
		return w, nil
	}
	return u.update(ctx, m, found[i].UID, found[i].Status)
}

// standingOf is what the records of an address say about a further list.
func standingOf(found []pakatapi.Subscriber) adapterkit.Standing {
	var s adapterkit.Standing
	for _, record := range found {
		status := statusFromWire(record.Status)
		s.Memberships = append(s.Memberships, provider.Membership{List: record.List.UID, Status: status})
		if status == provider.StatusBlocked {
			s.Blocked = "it is blacklisted on the list " + record.List.UID // whoever did that did not mean that list alone
		}
	}
	return s
}

// update is the change of a record that exists. Its status is left as it is,
// unless less mail is wanted.
func (u *upsert) update(ctx context.Context, m provider.Membership, uid, status string) (write, error) {
	w := write{list: m.List, uid: uid}
	u.r.ID = uid
	old := statusFromWire(status)
	switch {
	case m.Status.Terminal() && (!old.Terminal() || old != provider.StatusBlocked && m.Status != provider.StatusUnsubscribed):
		w.stop = m.Status
	case old.Terminal():
	case old != m.Status && old != provider.StatusSubscribed && (old != provider.StatusPending || m.Status != ""):
		u.r.Notes = append(u.r.Notes, provider.Note{Field: "status", Action: provider.NoteDropped, Why: "the address is " + status + " on the list " + m.List + " and is left so"})
	}
	if len(u.edits.values) == 0 && (w.stop == "" || w.stop == provider.StatusUnsubscribed) {
		return w, nil
	}
	record, err := u.api.GetSubscriber(ctx, m.List, uid)
	if err != nil {
		return w, err
	}
	form, notes := updateToAPI(u.wire, record.Data.Record, u.edits)
	u.r.Notes = append(u.r.Notes, notes...)
	if w.stop != provider.StatusUnsubscribed {
		form.Status = statusToWire(w.stop)
	}
	w.form = &form
	return w, nil
}

// write carries out one change and reports whether it created a record. A record is
// unsubscribed before anything else: whether a key may set another status is not stated.
func (u *upsert) write(ctx context.Context, w write) (created bool, err error) {
	if w.uid != "" {
		if w.stop != "" {
			_, err := u.api.UnsubscribeSubscriber(ctx, w.list, w.uid)
			if err = u.unread(err); err != nil {
				return false, err
			}
		}
		if w.form != nil {
			_, err = u.api.UpdateSubscriber(ctx, w.list, w.uid, *w.form)
		}
		return false, u.unread(err)
	}
	saved, err := u.api.CreateSubscriber(ctx, w.list, *w.form)
	if err == nil {
		u.r.ID = savedUID(saved)
		return true, u.ensure(ctx, w, u.r.ID)
	}
	if !errors.Is(err, provider.ErrConflict) {
		return true, u.unread(err)
	}
	// It joined the list after the search.
	match, searchErr := u.api.GetSubscriberByEmail(ctx, w.list, &pakatapi.GetSubscriberByEmailParams{Email: u.wire})
	if errors.Is(searchErr, provider.ErrNotFound) {
		return false, err // refused for something else, such as a full list
	}
	if searchErr != nil {
		return false, searchErr
	}
	wanted := provider.Membership{List: w.list, Status: w.stop}
	if old := statusFromWire(match.Data.Status); old.Terminal() && w.stop == "" {
		u.barred.Add(w.list, "it is "+string(old)+" there")
	}
	again, err := u.update(ctx, wanted, match.Data.UID, match.Data.Status)
	if err != nil || again.stop == "" && again.form == nil {
		return false, err
	}
	return u.write(ctx, again)
}

// ensure unsubscribes a new record that was to be stopped and is not: whether a key may set
// a status is not stated.
func (u *upsert) ensure(ctx context.Context, w write, uid string) error {
	if w.stop == "" {
		return nil
	}
	record, err := u.api.GetSubscriber(ctx, w.list, uid)
	if err == nil && statusFromWire(record.Data.Record.Status).Terminal() {
		return nil
	}
	_, err = u.api.UnsubscribeSubscriber(ctx, w.list, uid)
	if err = u.unread(err); err == nil && w.stop != provider.StatusUnsubscribed {
		u.r.Notes = append(u.r.Notes, provider.Note{Field: "status", Action: provider.NoteConverted, Why: "unsubscribed from the list " + w.list + ": the provider did not take the status " + string(w.stop)})
	}
	return err
}

// unread turns an error into a note when the change was made.
func (u *upsert) unread(err error) error {
	if !adapterkit.Taken(err) {
		return err
	}
	u.r.Notes = append(u.r.Notes, provider.Note{Field: "id", Action: provider.NoteWarning, Why: "stored, but the answer could not be read"})
	return nil
}
