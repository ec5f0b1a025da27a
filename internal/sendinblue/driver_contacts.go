package sendinblue

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest"
)

// ListContacts reads a page of all contacts, or of those on a list.
func (d *Driver) ListContacts(
	ctx context.Context, q provider.ContactQuery,
) (*provider.Page[provider.Contact], error) {
	ask, size := ContactQuery{WithoutEmail: q.WithoutEmail}, d.pages.Contacts
	if !q.List.IsZero() {
		var err error
		if ask.List, err = adapterkit.ListID("list", q.List); err != nil {
			return nil, err
		}
		size = d.pages.Members
	}
	if q.Limit > 0 {
		size = min(size, int64(q.Limit))
	}
	if !q.ModifiedSince.IsZero() {
		ask.ModifiedSince = new(q.ModifiedSince.UTC().Format(time.RFC3339))
	}
	paging := adapterkit.Paging{Size: size}
	return adapterkit.PageOf(paging, q.Cursor, func(
		at, limit int64, into *provider.Page[provider.Contact],
	) (adapterkit.Answer, error) {
		ask.Offset, ask.Limit = at, limit
		rows, err := d.calls.ListContacts(ctx, ask)
		if err != nil {
			return adapterkit.Answer{}, err
		}
		*into = *rows.Page
		return adapterkit.Answer{
			Rows: rows.Got, First: rows.First, Count: rows.Count,
			// The vendor says that the count is of all contacts, whatever the filter.
			Filtered: ask.ModifiedSince != nil,
		}, nil
	})
}

// UpsertContact creates or changes a contact by one request, before which the
// vendor may be asked who the contact is and which lists it may join. Between the
// look and the change somebody may unsubscribe; the vendors have no conditional update.
func (d *Driver) UpsertContact(
	ctx context.Context, change provider.ContactChange,
) (*provider.ContactReceipt, error) {
	if change.ExternalID.Clears() {
		return nil, provider.Unsupported(
			feature.ContactsUpsertClear, "an external id cannot be emptied",
		)
	}
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return nil, err
	}
	joins, stops := adapterkit.Joins(change)
	body := ContactBody{Email: wire, ExternalID: change.ExternalID.Value()}
	if body.Lists, err = adapterkit.Numbers(joins); err != nil {
		return nil, err
	}
	off, notes, err := body.stop(change, stops)
	if err != nil {
		return nil, err
	}
	attrs, converted, err := d.Attributes.Convert(ctx, change)
	if err != nil {
		return nil, err
	}
	body.Attributes = attrs
	return d.Change(ctx, body, off, append(notes, converted...))
}

// stop makes of what a change says about mail that is to stop the switches of the
// contact, and the lists that it is to be taken off. The switches are only ever turned on:
// off would lift a block that somebody else has put up. The vendors keep no standing
// on one list, so who has left one is taken off it; every other final status is about the
// address.
func (b *ContactBody) stop(
	change provider.ContactChange, stops []provider.Membership,
) (off []int64, notes []provider.Note, err error) {
	notes, err = adapterkit.Suppressions(change, false, func(s provider.Suppression) error {
		switch {
		case s.Sender != "" || s.Scope == provider.ScopeTransactional:
			// Whether senders that are named replace those named before is not certain.
			return adapterkit.NoSuppression(feature.ContactsUpsertSuppressed, s)
		case s.Channel == provider.ChannelSMS:
			b.SMSBlocked = new(true)
		default:
			b.Blocked = new(true)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if b.Blocked != nil {
		notes = append(notes, noteBlocked)
	}
	var left []string
	if change.Status.Terminal() {
		b.Blocked = new(true)
		for _, m := range stops {
			left = append(left, m.List)
		}
		b.Also, err = adapterkit.Numbers(left)
		return nil, append(notes, noteAccount), err
	}
	for _, m := range stops {
		if m.Status == provider.StatusUnsubscribed {
			left = append(left, m.List)
			continue
		}
		if b.Blocked == nil {
			note := noteAccount
			note.Field = "memberships"
			notes = append(notes, note)
		}
		b.Blocked = new(true)
	}
	if off, err = adapterkit.Numbers(left); len(off) > 0 {
		notes = append(notes, noteOffList)
	}
	return off, notes, err
}

// Change stores a contact after a look at it: without the lists that it may not join,
// which are the error then. It is taken off the lists of off.
func (d *Driver) Change(
	ctx context.Context, body ContactBody, off []int64, notes []provider.Note,
) (*provider.ContactReceipt, error) {
	also := body.Also
	body.Lists, body.Also = append(slices.Clip(body.Lists), also...), nil
	known, looks, err := d.calls.Look(ctx, body)
	if err != nil {
		return nil, err
	}
	var barred adapterkit.Barred
	switch {
	case len(body.Lists) == 0:
	case !looks:
		if len(body.Lists) > len(also) {
			notes = append(notes, noteNoLook)
		}
	case known != nil:
		standing := known.Standing()
		body.Lists = slices.DeleteFunc(slices.Clone(body.Lists), func(id int64) bool {
			list := strconv.FormatInt(id, 10)
			why := standing.Bars(list)
			if why != "" && !slices.Contains(also, id) {
				barred.Add(list, why)
			}
			return why != ""
		})
	}
	if len(barred) > 0 && body.empty() && len(off) == 0 {
		return nil, barred.Err(false)
	}
	r, err := d.Store(ctx, body, notes)
	if err != nil {
		return r, err
	}
	for i, list := range off {
		err := d.calls.Leave(ctx, body.Email, list)
		if err != nil && !adapterkit.Taken(err) {
			r.State = provider.ContactUnknown
			return r, adapterkit.Midway(err, i+1, "stored; then taking it off list %d", list)
		}
	}
	return r, barred.Err(true)
}

// Store creates or updates a contact, and says which by the status of the answer:
// 201 means created and 204 updated. An answer under another status that proves the
// change all the same says neither.
func (d *Driver) Store(
	ctx context.Context, body ContactBody, notes []provider.Note,
) (*provider.ContactReceipt, error) {
	r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: notes}
	var reply rest.Reply
	id, err := d.calls.CreateContact(ctx, body, rest.WithReply(&reply))
	if err != nil {
		return r, err
	}
	if id != 0 {
		r.ID = strconv.FormatInt(id, 10)
	}
	switch reply.Status {
	case http.StatusCreated:
		r.State = provider.ContactCreated
	case http.StatusNoContent:
		r.State = provider.ContactUpdated
	default:
		r.State = provider.ContactStored
		r.Notes = append(r.Notes, provider.Note{
			Field: "id", Action: provider.NoteWarning,
			Why: fmt.Sprintf("status %d does not tell whether the contact was created or updated", reply.Status),
		})
	}
	return r, nil
}

// Unsubscribe from all is an upsert, so that an address which is not a contact yet
// is kept from mail too. The vendors keep no standing on one list, so from there the
// address is only taken off.
func (d *Driver) Unsubscribe(
	ctx context.Context, email string, list provider.Ref, reason string,
) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	notes := adapterkit.NoReason(reason, "the provider stores no reason")
	if list.IsZero() {
		notes = append(notes, noteBlocked)
		return d.Store(ctx, ContactBody{Email: wire, Blocked: new(true)}, notes)
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: notes}
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return r, err
	}
	if err := d.calls.Leave(ctx, email, id); err != nil {
		return r, err
	}
	r.State, r.Notes = provider.ContactDone, append(r.Notes, noteOffList)
	return r, nil
}

// Resubscribe changes a contact that is there; an unknown address is ErrNotFound. The
// contact is read afterwards: whether the vendor lifts what somebody else has set is not
// documented.
func (d *Driver) Resubscribe(
	ctx context.Context, email string, list provider.Ref,
) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	body, note := ContactBody{Blocked: new(false)}, noteMarketing
	if !list.IsZero() {
		id, err := adapterkit.ListID("list", list)
		if err != nil {
			return nil, err
		}
		body, note = ContactBody{Lists: []int64{id}}, noteList
	}
	before := time.Now()
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if err := d.calls.UpdateContact(ctx, wire, body); err != nil {
		return r, err
	}
	after, err := d.calls.ReadBack(ctx, wire, before)
	switch {
	case err != nil:
		return r, &provider.Error{
			Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Err: err,
			Message: "the contact was changed, but what came of it could not be read: " + err.Error(),
		}
	case after == nil:
		r.Notes = append(r.Notes, noteNotRead)
		return r, nil
	case after.still(body) != "":
		return r, adapterkit.Conflict("email", "the provider took the change, but "+after.still(body))
	}
	r.State, r.Notes = provider.ContactDone, append(r.Notes, note)
	return r, nil
}

// still says which wish of a Resubscribe was not met, empty when all were.
func (c *Contact) still(body ContactBody) string {
	if body.Blocked != nil && c.EmailBlacklisted {
		return "the contact is still blocked"
	}
	for _, id := range body.Lists {
		switch {
		case slices.Contains(c.ListUnsubscribed, id):
			return fmt.Sprintf("the contact is still unsubscribed from list %d", id)
		case !slices.Contains(c.ListIDs, id):
			return fmt.Sprintf("the contact is not on list %d", id)
		}
	}
	return ""
}

// Notes of the verbs.
var (
	noteAccount = provider.Note{
		Field: "status", Action: provider.NoteConverted,
		Why: "blocks marketing mail of the whole account",
	}
	noteBlocked = provider.Note{
		Field: "email", Action: provider.NoteConverted,
		Why: "blocks marketing mail; transactional mail still goes out",
	}
	noteOffList = provider.Note{
		Field: "list", Action: provider.NoteEmulated,
		Why: "taken off the list; the provider keeps no standing of one list, so any upsert, " +
			"import or addition may put the address on it again",
	}
	noteNoLook = adapterkit.NotALook(
		"whether joining a list lifts an unsubscription from it is not documented, " +
			"and the provider shows none to look at before",
	)
	noteMarketing = provider.Note{
		Field: "email", Action: provider.NoteWarning,
		Why: "lets marketing mail through again; a block of transactional mail and " +
			"unsubscriptions from single lists stay",
	}
	noteNotRead = provider.Note{
		Field: "email", Action: provider.NoteWarning,
		Why: "the provider took the change, but does not show the contact, so whether it " +
			"came back is not known",
	}
	noteList = provider.Note{
		Field: "list", Action: provider.NoteWarning,
		Why: "put on the list again; a block of all marketing mail stays",
	}
)

// ListLists reads a page of lists, oldest first: a list that is added meanwhile comes
// at the end and shifts no page. A list counts -1 contacts when the vendor shows no
// number.
func (d *Driver) ListLists(
	ctx context.Context, cursor string,
) (*provider.Page[provider.List], error) {
	paging := adapterkit.Paging{Size: d.pages.Lists}
	return adapterkit.PageOf(paging, cursor, func(
		at, limit int64, into *provider.Page[provider.List],
	) (adapterkit.Answer, error) {
		lists, count, err := d.calls.ListLists(ctx, limit, at)
		if err != nil {
			return adapterkit.Answer{}, err
		}
		into.Items = nil
		for _, l := range lists {
			if l.Subscribers == 0 {
				l.Subscribers = -1
			}
			into.Items = append(into.Items, provider.List{
				ID: adapterkit.IDText(l.ID), Name: l.Name, Count: l.Subscribers,
			})
		}
		a := adapterkit.AnswerOf(lists, func(l *List) string { return adapterkit.IDText(l.ID) })
		a.Count = count
		return a, nil
	})
}

// CreateList makes a list in the account's folder: the vendors keep none outside of
// folders.
func (d *Driver) CreateList(ctx context.Context, name string) (*provider.List, error) {
	if d.folder == 0 {
		return nil, provider.Invalid(
			"providers."+d.account+".folder_id",
			"a list of this provider is in a folder: set the number of one here; \"postmux lists folders\" shows them",
		)
	}
	id, err := d.calls.CreateList(ctx, name, d.folder)
	if err != nil {
		return nil, err
	}
	list := &provider.List{Name: name}
	if id != 0 {
		list.ID = strconv.FormatInt(id, 10)
	}
	return list, nil
}

// ListSuppressions lists blocked transactional mail. Marketing mail is a switch of
// each contact and is told with the contact.
func (d *Driver) ListSuppressions(
	ctx context.Context, cursor string,
) (*provider.Page[provider.Suppression], error) {
	paging := adapterkit.Paging{Size: d.pages.Blocked}
	return adapterkit.PageOf(paging, cursor, func(
		at, limit int64, into *provider.Page[provider.Suppression],
	) (adapterkit.Answer, error) {
		blocked, count, err := d.calls.ListBlocked(ctx, limit, at)
		if err != nil {
			return adapterkit.Answer{}, err
		}
		into.Items = blocked
		// An address has a row for each sender, so all of the row tells it from others.
		a := adapterkit.AnswerOf(blocked, func(*provider.Suppression) string { return "" })
		a.Count = count
		return a, nil
	})
}
