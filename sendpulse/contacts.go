package sendpulse

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

const (
	// pageMost is the largest page that the vendor gives.
	pageMost = 100
	// groupMost is how many addresses one call changes: the documented limit of
	// removing, kept for adding too, whose limit is not documented.
	groupMost = 100
)

// memberships are the lists that the address is on. An address on none is not
// known to the vendor: ErrNotFound.
func (a *adapter) memberships(ctx context.Context, wire string, opts ...rest.Option) ([]sendpulseapi.Membership, error) {
	got, err := a.api.ListMemberships(ctx, wire, opts...)
	if err != nil {
		return nil, err
	}
	if len(got) == 0 {
		return nil, &provider.Error{Kind: provider.ErrNotFound, Message: "the address is on no list"}
	}
	return got, nil
}

// GetContact asks for the lists of the address, whether it gets transactional
// mail, and for its phone number list by list until one has it. The contact may
// change in between.
func (a *adapter) GetContact(ctx context.Context, email string) (*provider.Contact, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	members, err := a.memberships(ctx, wire, rest.WithThen("ask whether the address is unsubscribed from transactional mail, and for its phone number"))
	if err != nil {
		return nil, err
	}
	check, err := a.api.GetSMTPUnsubscribe(ctx, &sendpulseapi.GetSMTPUnsubscribeParams{Email: wire})
	if err != nil {
		return nil, err
	}
	c := a.names.contactFromAPI(email, members)
	if check.Unsubscribed {
		c.Suppressed = append(c.Suppressed, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Reason: "unsubscribed"})
	}
	for _, m := range members {
		if c.Phone != "" {
			break
		}
		onList, err := a.api.GetContact(ctx, int64(m.ListID), wire)
		if errors.Is(err, provider.ErrNotFound) {
			continue // taken off meanwhile
		}
		if err != nil {
			return nil, err
		}
		c.Phone = phone(onList.Phone)
	}
	return &c, nil
}

// ListContacts of no list goes through all lists, one after the other. Contacts
// that come or go meanwhile shift the pages.
func (a *adapter) ListContacts(ctx context.Context, q provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	if !q.List.IsZero() {
		list, err := adapterkit.ListID("list", q.List)
		if err != nil {
			return nil, err
		}
		return a.listOf(ctx, list, q.Cursor, q)
	}
	out := &provider.Page[provider.Contact]{}
	next, err := oneList.ByList(q.Cursor, func(at int64) ([]adapterkit.ListRow, adapterkit.Answer, error) {
		lists, err := a.api.ListLists(ctx, &sendpulseapi.ListListsParams{Limit: &oneList.Size, Offset: &at}, rest.WithThen("list the contacts of this list and of each further one"))
		rows := make([]adapterkit.ListRow, len(lists))
		for i, l := range lists {
			_, there := listFromAPI(l)
			rows[i] = adapterkit.ListRow{ID: listName(&l), Skip: !there}
		}
		return rows, adapterkit.AnswerOf(lists, listName), err
	}, func(id, cursor string) (string, error) {
		list, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return "", adapterkit.BadCursor()
		}
		page, err := a.listOf(ctx, list, cursor, q)
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

// listOf is a page of one list.
func (a *adapter) listOf(ctx context.Context, list int64, cursor string, q provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	return adapterkit.PageOf(pagesOf(q.Limit), cursor, func(at, size int64, into *provider.Page[provider.Contact]) (adapterkit.Answer, error) {
		var unread int
		rows, err := a.api.ListContacts(ctx, list, &sendpulseapi.ListContactsParams{Limit: &size, Offset: &at, Order: new(sendpulseapi.SortOrderAsc)}, rest.WithUnread(&unread))
		if err != nil {
			return adapterkit.Answer{}, err
		}
		if unread > 1 && len(rows) == 0 {
			return adapterkit.Answer{}, adapterkit.AllUnread(unread)
		}
		*into = provider.Page[provider.Contact]{Unread: unread}
		for _, row := range rows {
			if row.Email == "" && !q.WithoutEmail {
				into.LeftOut++
				continue
			}
			into.Items = append(into.Items, a.names.listedFromAPI(list, row))
		}
		answer := adapterkit.AnswerOf(rows, contactName)
		answer.Rows += unread
		return answer, nil
	})
}

// DeleteContact looks the address up first: what the vendor answers for one that
// it does not know is not documented. Another caller may delete it in between.
func (a *adapter) DeleteContact(ctx context.Context, email string) error {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return err
	}
	if _, err := a.memberships(ctx, wire, rest.WithThen("delete the address from all lists")); err != nil {
		return err
	}
	_, err = a.api.DeleteContact(ctx, wire)
	return err
}

// Unsubscribe from one list is one call. From all it is one for transactional
// mail and one for each list; a list that the address joins meanwhile is missed.
func (a *adapter) Unsubscribe(ctx context.Context, email string, to provider.Ref, reason string) (*provider.ContactReceipt, error) {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return nil, err
	}
	r := &provider.ContactReceipt{State: provider.ContactUnknown}
	if to.IsZero() {
		return r, a.unsubscribeAll(ctx, wire, reason, r)
	}
	list, err := adapterkit.ListID("list", to)
	if err != nil {
		return nil, err
	}
	r.Notes = adapterkit.NoReason(reason, "the provider stores no reason for a list")
	if err := a.unsubscribeFrom(ctx, list, wire); err != nil {
		return r, err
	}
	r.State = provider.ContactDone
	return r, nil
}

// unsubscribeFrom takes the address off one list. The vendor refuses an address
// that is not active there, with one code for all reasons; when the address gets
// no mail of the list for good, that is what was asked for.
func (a *adapter) unsubscribeFrom(ctx context.Context, list int64, wire string) error {
	_, err := a.api.UnsubscribeContacts(ctx, list, sendpulseapi.Addresses{Emails: []string{wire}})
	if !errors.Is(err, provider.ErrInvalid) {
		return err
	}
	onList, lookUp := a.api.GetContact(ctx, list, wire)
	switch {
	case errors.Is(lookUp, provider.ErrNotFound):
		return lookUp
	case lookUp == nil && standingOf(int64(onList.Status)).status.Terminal():
		return nil
	}
	return err
}

func (a *adapter) unsubscribeAll(ctx context.Context, wire, reason string, r *provider.ContactReceipt) error {
	members, err := a.memberships(ctx, wire, rest.WithThen("unsubscribe the address from transactional mail and from each list it is on"))
	if err != nil && !errors.Is(err, provider.ErrNotFound) {
		return err
	}
	s := steps{r: r}
	if err := s.step(smtpStep, a.unsubscribeSMTP(ctx, wire, reason)); err != nil {
		return err
	}
	for _, m := range members {
		if s := standingOf(int64(m.Status)).status; s.Terminal() || s == provider.StatusRemoved {
			continue
		}
		err := a.unsubscribeFrom(ctx, int64(m.ListID), wire)
		if errors.Is(err, provider.ErrNotFound) {
			err = nil // taken off meanwhile
		}
		if err := s.step(listStep(int64(m.ListID)), err); err != nil {
			return err
		}
	}
	r.State = provider.ContactDone
	r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteEmulated, Why: "unsubscribed from " + strings.Join(s.done, ", ")})
	if len(members) == 0 {
		r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "the address is on no list, so nothing keeps it from a list that it is put on later"})
	}
	return nil
}

// unsubscribeSMTP stops transactional mail to the address.
func (a *adapter) unsubscribeSMTP(ctx context.Context, wire, reason string) error {
	_, err := a.api.AddSMTPUnsubscribes(ctx, sendpulseapi.AddSMTPUnsubscribesRequest{
		Emails: []sendpulseapi.NewSMTPUnsubscribe{{Email: wire, Comment: adapterkit.Text(reason)}},
	})
	if errors.Is(err, provider.ErrConflict) {
		return nil // it is unsubscribed there already
	}
	return err
}
