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
	wire   string
	edits  edits
	status provider.MembershipStatus
	r      *provider.ContactReceipt
}

// write is what is to be done in one list.
type write struct {
	list string
	uid  string // empty: create
	form pakatapi.SubscriberForm
}

func (a *adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	lists := listIDs(change.Lists)
	if len(lists) == 0 {
		return nil, provider.Unsupported(feature.ContactsUpsertWithoutList, "contacts exist in lists only")
	}
	e, err := editsToAPI(change, a.phoneTag)
	if err != nil {
		return nil, err
	}
	wire, found, err := a.search(ctx, change.Email, "create or update the record of each list")
	if err != nil {
		return nil, err
	}
	u := &upsert{adapter: a, wire: wire, edits: e, status: change.Status, r: &provider.ContactReceipt{State: provider.ContactUnknown, Notes: e.notes}}
	plan, err := u.plan(ctx, lists, found)
	if err != nil {
		return nil, err // nothing was changed yet
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
	if len(lists) > 1 {
		u.r.ID = "" // another in every list
	}
	return u.r, nil
}

// listIDs are the ids of lists, each once.
func listIDs(refs []provider.Ref) []string {
	var out []string
	for _, r := range refs {
		if !slices.Contains(out, r.ID) {
			out = append(out, r.ID)
		}
	}
	return out
}

// plan reads all that is needed to know the changes, so that what can be
// refused is refused before the first of them.
func (u *upsert) plan(ctx context.Context, lists []string, found []pakatapi.Subscriber) ([]write, error) {
	var plan []write
	for _, list := range lists {
		if err := u.fields.check(ctx, list, u.edits.values); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(found, func(s pakatapi.Subscriber) bool { return s.List.UID == list })
		if i < 0 {
			if err := u.mayJoin(found); err != nil {
				return nil, err
			}
			plan = append(plan, write{list: list, form: subscriberToAPI(u.wire, u.edits, u.status)})
			continue
		}
		w, needed, err := u.update(ctx, list, found[i].UID, found[i].Status)
		if err != nil {
			return nil, err
		}
		if needed {
			plan = append(plan, w)
		}
	}
	return plan, nil
}

// mayJoin refuses to put an address on a list that is blocked on another:
// whoever blocked it did not mean that list alone.
func (u *upsert) mayJoin(found []pakatapi.Subscriber) error {
	if u.status.Terminal() {
		return nil
	}
	return mayJoin(found)
}

func mayJoin(found []pakatapi.Subscriber) error {
	for _, s := range found {
		if statusFromWire(s.Status) == provider.StatusBlocked {
			return adapterkit.Conflict("email", "the address is blacklisted on the list "+s.List.UID+"; it is not put on another")
		}
	}
	return nil
}

// update is the change of a record that exists. Its status is left as it is,
// unless a final one is wanted and it has none.
func (u *upsert) update(ctx context.Context, list, uid, status string) (write, bool, error) {
	w := write{list: list, uid: uid}
	u.r.ID = uid
	old := statusFromWire(status)
	set := u.status.Terminal() && !old.Terminal()
	if !set && old != u.status && old != provider.StatusSubscribed && (old != provider.StatusPending || u.status != "") {
		u.r.Notes = append(u.r.Notes, provider.Note{Field: "status", Action: provider.NoteDropped, Why: "the address is " + status + " on the list " + list + " and is left so"})
	}
	if !set && len(u.edits.values) == 0 {
		return w, false, nil
	}
	record, err := u.api.GetSubscriber(ctx, list, uid)
	if err != nil {
		return w, false, err
	}
	var notes []provider.Note
	w.form, notes = updateToAPI(u.wire, record.Data.Record, u.edits)
	u.r.Notes = append(u.r.Notes, notes...)
	if set {
		w.form.Status = statusToWire(u.status)
	}
	return w, true, nil
}

// write carries out one change and reports whether it created a record.
func (u *upsert) write(ctx context.Context, w write) (created bool, err error) {
	if w.uid != "" {
		_, err := u.api.UpdateSubscriber(ctx, w.list, w.uid, w.form)
		return false, u.unread(err)
	}
	saved, err := u.api.CreateSubscriber(ctx, w.list, w.form)
	if err == nil {
		u.r.ID = savedUID(saved)
		return true, nil
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
	again, needed, err := u.update(ctx, w.list, match.Data.UID, match.Data.Status)
	if err != nil || !needed {
		return false, err
	}
	_, err = u.api.UpdateSubscriber(ctx, again.list, again.uid, again.form)
	return false, u.unread(err)
}

// unread turns an error into a note when the change was made.
func (u *upsert) unread(err error) error {
	if !adapterkit.Taken(err) {
		return err
	}
	u.r.Notes = append(u.r.Notes, provider.Note{Field: "id", Action: provider.NoteWarning, Why: "stored, but the answer could not be read"})
	return nil
}
