package pakat

import (
	"context"
	"errors"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/rest/flex"
)

// perPage is how many records a page is asked to have. The vendor's largest
// page is not stated; a smaller answer is no problem.
const perPage = 50

var (
	pages   = adapterkit.Paging{Size: perPage, Numbered: true}
	onePage = adapterkit.Paging{Size: 1, Numbered: true}
)

// answerOf is what an answer says about its page of records.
func answerOf[R any](records []R, unread int, name func(*R) string, number, next, total, count flex.Int) adapterkit.Answer {
	a := adapterkit.AnswerOf(records, name)
	a.Rows += unread
	a.Number, a.Next, a.Pages, a.Count = int64(number), int64(next), int64(total), int64(count)
	return a
}

// search returns the records that an address has in all lists, without the
// values of fields. None is no error here, in whichever way the vendor says it.
func (a *adapter) search(ctx context.Context, email, then string) (wire string, records []pakatapi.Subscriber, err error) {
	if wire, err = adapterkit.Wire("email", email); err != nil {
		return "", nil, err
	}
	err = pages.Walk(func(page, size int64) (adapterkit.Answer, error) {
		answer, err := a.api.ListSubscribersByEmail(ctx, &pakatapi.ListSubscribersByEmailParams{Email: wire, Page: &page, PerPage: &size}, rest.WithThen(then))
		if errors.Is(err, provider.ErrNotFound) {
			return adapterkit.Answer{}, nil
		}
		if err != nil {
			return adapterkit.Answer{}, err
		}
		d := answer.Data
		for _, s := range d.Records {
			// A search that matches more than it was asked for must not lead to
			// changes of another address.
			if found := address(s); found == "" || same(found, wire) {
				records = append(records, s)
			}
		}
		return answerOf(d.Records, 0, recordName, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
	})
	if err != nil {
		return wire, nil, err
	}
	return wire, records, nil
}

// recordName is empty for a record without an id.
func recordName(s *pakatapi.Subscriber) string {
	if adapterkit.IDOf(s.UID) == "" {
		return ""
	}
	return s.List.UID + "/" + s.UID
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
	size := int64(perPage)
	if q.Limit > 0 {
		size = int64(q.Limit)
	}
	paging := adapterkit.Paging{Size: size, Numbered: true}
	if !q.List.IsZero() {
		return a.members(ctx, paging, q.List.ID, q.Cursor)
	}
	out := &provider.Page[provider.Contact]{Items: []provider.Contact{}}
	next, err := onePage.ByList(q.Cursor, func(at int64) ([]adapterkit.ListRow, adapterkit.Answer, error) {
		lists, err := a.api.ListLists(ctx, &pakatapi.ListListsParams{Page: &at, PerPage: &onePage.Size}, rest.WithThen("read the subscribers of the list"))
		if err != nil {
			return nil, adapterkit.Answer{}, err
		}
		d := lists.Data
		rows := make([]adapterkit.ListRow, len(d.Records))
		for i, l := range d.Records {
			rows[i].ID = listName(&l)
		}
		return rows, answerOf(d.Records, 0, listName, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
	}, func(list, cursor string) (string, error) {
		page, err := a.members(ctx, paging, list, cursor)
		if err != nil {
			return "", err
		}
		out = page
		return page.Next, nil
	})
	if err != nil {
		return nil, err
	}
	out.Next = next
	return out, nil
}

// members returns a page of a list's subscribers.
func (a *adapter) members(
	ctx context.Context, paging adapterkit.Paging, list, cursor string,
) (*provider.Page[provider.Contact], error) {
	return adapterkit.PageOf(paging, cursor, func(at, size int64, into *provider.Page[provider.Contact]) (adapterkit.Answer, error) {
		var unread int
		answer, err := a.api.ListSubscribers(ctx, list, &pakatapi.ListSubscribersParams{Page: &at, PerPage: &size}, rest.WithUnread(&unread))
		if err != nil {
			return adapterkit.Answer{}, err
		}
		d := answer.Data
		if unread > 1 && len(d.Records) == 0 {
			return adapterkit.Answer{}, adapterkit.AllUnread(unread)
		}
		*into = provider.Page[provider.Contact]{Items: make([]provider.Contact, 0, len(d.Records)), Unread: unread}
		for _, s := range d.Records {
			s.List.UID = list
			contact := contactFromAPI([]pakatapi.Subscriber{s}, a.phoneTag)
			if contact.Email == "" { // none is documented
				into.LeftOut++
				continue
			}
			into.Items = append(into.Items, contact)
		}
		return answerOf(d.Records, unread, recordName, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
	})
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
