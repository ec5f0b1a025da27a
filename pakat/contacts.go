package pakat

import (
	"context"
	"errors"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// perPage is how many records a page is asked to have. The vendor's largest
// page is not stated; a smaller answer is no problem.
const perPage = 50

// search returns the records that an address has in all lists, without the
// values of fields. None is no error here, in whichever way the vendor says it.
func (a *adapter) search(ctx context.Context, email, then string) (wire string, records []pakatapi.Subscriber, err error) {
	if wire, err = adapterkit.Wire("email", email); err != nil {
		return "", nil, err
	}
	before := ""
	for page := int64(1); page > 0; {
		answer, err := a.api.ListSubscribersByEmail(ctx, &pakatapi.ListSubscribersByEmailParams{Email: wire, Page: &page, PerPage: new(int64(perPage))}, rest.WithThen(then))
		if errors.Is(err, provider.ErrNotFound) {
			return wire, records, nil
		}
		if err != nil {
			return wire, nil, err
		}
		for _, s := range answer.Data.Records {
			// A search that matches more than it was asked for must not lead to
			// changes of another address.
			if found := address(s); found == "" || same(found, wire) {
				records = append(records, s)
			}
		}
		if found := answer.Data.Records; len(found) > 0 {
			first := found[0].List.UID + "/" + found[0].UID
			if first == before && len(first) > 1 {
				return wire, nil, adapterkit.SamePage()
			}
			before = first
		}
		if page, err = pagingOf(answer.Data.CurrentPage, answer.Data.NextPage, answer.Data.TotalPages).after(page, len(answer.Data.Records)); err != nil {
			return wire, nil, err
		}
	}
	return wire, records, nil
}

// GetContact reads the record of each list by itself: a search is not
// documented to tell the values of fields.
func (a *adapter) GetContact(ctx context.Context, email string) (*provider.Contact, error) {
	wire, found, err := a.search(ctx, email, "read the record of each list")
	if err != nil {
		return nil, err
	}
	var records []pakatapi.Subscriber
	for _, s := range found {
		answer, err := a.api.GetSubscriber(ctx, s.List.UID, s.UID)
		if errors.Is(err, provider.ErrNotFound) {
			continue // taken off the list after the search
		}
		if err != nil {
			return nil, err
		}
		full := answer.Data.Record
		full.List = s.List
		records = append(records, full)
	}
	if len(records) == 0 {
		return nil, notThere()
	}
	contact := contactFromAPI(records, a.phoneTag)
	if contact.Email == "" {
		contact.Email = wire
	}
	return &contact, nil
}

func notThere() *provider.Error {
	return &provider.Error{Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Field: "email", Message: "the address is on no list"}
}

// ListContacts goes through the lists one by one when no list is named. The
// cursor counts lists, so that one which is added or deleted meanwhile can make
// contacts come twice or not at all.
func (a *adapter) ListContacts(ctx context.Context, q provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	if !q.List.IsZero() {
		at, err := adapterkit.ParsePlace(q.Cursor, 1)
		if err != nil {
			return nil, err
		}
		out, next, err := a.members(ctx, q.List.ID, at, q.Limit)
		if err != nil {
			return nil, err
		}
		if next.At > 0 {
			out.Next = next.String()
		}
		return out, nil
	}
	at, err := parsePlace(q.Cursor)
	if err != nil {
		return nil, err
	}
	if at.list == "" {
		number := at.next
		lists, err := a.api.ListLists(ctx, &pakatapi.ListListsParams{Page: &number, PerPage: new(int64(1))}, rest.WithThen("read the subscribers of the list"))
		if err != nil {
			return nil, err
		}
		if len(lists.Data.Records) == 0 {
			return &provider.Page[provider.Contact]{Items: []provider.Contact{}}, nil
		}
		at.list = lists.Data.Records[0].General.UID
		if at.next, err = pagingOf(lists.Data.CurrentPage, lists.Data.NextPage, lists.Data.TotalPages).after(number, len(lists.Data.Records)); err != nil {
			return nil, err
		}
	}
	out, next, err := a.members(ctx, at.list, at.members, q.Limit)
	switch {
	case err != nil:
		return nil, err
	case next.At > 0:
		out.Next = place{at.next, at.list, next}.String()
	case at.next > 0:
		out.Next = place{next: at.next, members: adapterkit.Place{At: 1}}.String()
	}
	return out, nil
}

// members returns a page of a list's subscribers and the place of the next, which is at
// 0 after the last.
func (a *adapter) members(
	ctx context.Context, list string, at adapterkit.Place, limit int,
) (*provider.Page[provider.Contact], adapterkit.Place, error) {
	if limit == 0 {
		limit = perPage
	}
	answer, err := a.api.ListSubscribers(ctx, list, &pakatapi.ListSubscribersParams{Page: &at.At, PerPage: new(int64(limit))})
	if err != nil {
		return nil, at, err
	}
	out := &provider.Page[provider.Contact]{Items: make([]provider.Contact, 0, len(answer.Data.Records))}
	for _, s := range answer.Data.Records {
		s.List.UID = list
		contact := contactFromAPI([]pakatapi.Subscriber{s}, a.phoneTag)
		if contact.Email == "" { // none is documented
			out.LeftOut++
			continue
		}
		out.Items = append(out.Items, contact)
	}
	records := answer.Data.Records
	next, err := pagingOf(answer.Data.CurrentPage, answer.Data.NextPage, answer.Data.TotalPages).after(at.At, len(records))
	if err != nil {
		return nil, at, err
	}
	first := ""
	if len(records) > 0 {
		first = records[0].UID
	}
	if at, err = at.After(next, first); err != nil {
		return nil, at, err
	}
	return out, at, nil
}

// DeleteContact deletes the records of all lists one by one. A list that the
// address joins meanwhile keeps it.
func (a *adapter) DeleteContact(ctx context.Context, email string) error {
	_, found, err := a.search(ctx, email, "delete the record of each list")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return notThere()
	}
	for i, s := range found {
		_, err := a.api.DeleteSubscriber(ctx, s.List.UID, s.UID)
		if err != nil && !errors.Is(err, provider.ErrNotFound) && !adapterkit.Taken(err) {
			return adapterkit.Midway(err, i, afterLists, i, len(found))
		}
	}
	return nil
}

// Unsubscribe of an address that is blocked or off the list already changes
// nothing, so that a block does not become a mere unsubscription.
func (a *adapter) Unsubscribe(ctx context.Context, email string, list provider.Ref, reason string) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown, Notes: adapterkit.NoReason(reason, "the provider stores no reason")}
	if list.IsZero() {
		return a.unsubscribeAll(ctx, wire, r)
	}
	match, err := a.api.GetSubscriberByEmail(ctx, list.ID, &pakatapi.GetSubscriberByEmailParams{Email: wire}, rest.WithThen("unsubscribe it"))
	if err != nil {
		return nil, err
	}
	r.ID = match.Data.UID
	if statusFromWire(match.Data.Status).Terminal() {
		r.State = provider.ContactDone
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "it was " + match.Data.Status + " already"})
		return r, nil
	}
	if _, err := a.api.UnsubscribeSubscriber(ctx, list.ID, r.ID); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	return r, nil
}

// unsubscribeAll looks the address up only to tell whether there was a list to
// take it off; the call is made all the same.
func (a *adapter) unsubscribeAll(ctx context.Context, wire string, r *provider.ContactReceipt) (*provider.ContactReceipt, error) {
	_, found, err := a.search(ctx, wire, "unsubscribe the address from all lists")
	if err != nil {
		return nil, err
	}
	_, err = a.api.UnsubscribeEmailFromAllLists(ctx, pakatapi.EmailForm{Email: wire})
	if len(found) == 0 {
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "the address is on no list, so nothing keeps it from a list that it is put on later"})
		if errors.Is(err, provider.ErrNotFound) {
			err = nil
		}
	}
	if err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	return r, nil
}
