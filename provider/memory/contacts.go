package memory

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/postmux/postmux/provider"
)

const pageSize = 100

func (a *adapter) GetContact(ctx context.Context, email string) (*provider.Contact, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	c, ok := a.contacts[key(email)]
	if !ok {
		return nil, notFound("no such contact")
	}
	out := a.portable(c)
	return &out, nil
}

func (a *adapter) ListContacts(
	ctx context.Context, q provider.ContactQuery,
) (*provider.Page[provider.Contact], error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	if _, ok := a.lists[q.List.ID]; !ok && !q.List.IsZero() {
		return nil, notFound("no such list")
	}
	size := q.Limit
	if size == 0 {
		size = pageSize
	}
	page := &provider.Page[provider.Contact]{}
	// The cursor is the last address of the previous page: contacts added meanwhile do
	// not shift the pages.
	for _, email := range slices.Sorted(maps.Keys(a.contacts)) {
		c := a.contacts[email]
		_, member := c.lists[q.List.ID]
		if email <= q.Cursor || !q.List.IsZero() && !member || c.ModifiedAt.Before(q.ModifiedSince) {
			continue
		}
		if len(page.Items) == size {
			page.Next = key(page.Items[size-1].Email)
			break
		}
		page.Items = append(page.Items, a.portable(c))
	}
	return page, nil
}

func (a *adapter) UpsertContact(
	ctx context.Context, change provider.ContactChange,
) (*provider.ContactReceipt, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	for _, l := range change.Lists {
		if _, ok := a.lists[l.ID]; !ok {
			return nil, &provider.Error{
				Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: 404,
				Field: "lists", Message: "no such list",
			}
		}
	}
	c, old := a.contacts[key(change.Email)]
	r := &provider.ContactReceipt{ID: key(change.Email), State: provider.ContactUpdated}
	if !old {
		r.State = provider.ContactCreated
		c = &contact{
			Contact: provider.Contact{Email: change.Email, CreatedAt: now()},
			lists:   map[string]provider.MembershipStatus{},
		}
		a.contacts[key(change.Email)] = c
	}
	c.ModifiedAt = now()
	for to, by := range map[*string]provider.Change[string]{&c.Phone: change.Phone, &c.ExternalID: change.ExternalID, &c.FirstName: change.FirstName, &c.LastName: change.LastName} {
		if !by.IsZero() {
			*to = by.Value()
		}
	}
	for name, v := range change.Fields {
		if c.Fields == nil {
			c.Fields = map[string]any{}
		}
		if v == nil {
			delete(c.Fields, name)
		} else {
			c.Fields[name] = v
		}
	}
	status := change.Status
	if status == "" {
		status = provider.StatusSubscribed
	}
	for _, l := range change.Lists {
		if !c.lists[l.ID].Terminal() {
			c.lists[l.ID] = status
		}
	}
	if status.Terminal() {
		a.suppress(change.Email, string(status))
	}
	return r, nil
}

func (a *adapter) DeleteContact(ctx context.Context, email string) error {
	if err := a.enter(ctx); err != nil {
		return err
	}
	defer a.mu.Unlock()
	if _, ok := a.contacts[key(email)]; !ok {
		return notFound("no such contact")
	}
	delete(a.contacts, key(email))
	return nil
}

func (a *adapter) Unsubscribe(
	ctx context.Context, email string, list provider.Ref, reason string,
) (*provider.ContactReceipt, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	c, ok := a.contacts[key(email)]
	if !ok {
		return nil, notFound("no such contact")
	}
	for id := range c.lists {
		if list.IsZero() || list.ID == id {
			c.lists[id] = provider.StatusUnsubscribed
		}
	}
	if list.IsZero() {
		a.suppress(email, reason)
	}
	return &provider.ContactReceipt{State: provider.ContactDone}, nil
}

func (a *adapter) ListLists(
	ctx context.Context, cursor string,
) (*provider.Page[provider.List], error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	start, err := strconv.Atoi("0" + cursor)
	if err != nil {
		return nil, provider.Invalid("cursor", "expected the cursor of a page")
	}
	page := &provider.Page[provider.List]{}
	ids := slices.Sorted(maps.Keys(a.lists))
	for _, id := range ids[min(start, len(ids)):min(start+pageSize, len(ids))] {
		l := provider.List{ID: id, Name: a.lists[id]}
		for _, c := range a.contacts {
			if _, ok := c.lists[id]; ok {
				l.Count++
			}
		}
		page.Items = append(page.Items, l)
	}
	if start+pageSize < len(ids) {
		page.Next = strconv.Itoa(start + pageSize)
	}
	return page, nil
}

func (a *adapter) AddToList(
	ctx context.Context, list provider.Ref, emails []string,
) ([]provider.MemberResult, error) {
	return a.members(ctx, list, emails, func(c *contact) {
		if !c.lists[list.ID].Terminal() {
			c.lists[list.ID] = provider.StatusSubscribed
		}
	})
}

func (a *adapter) RemoveFromList(
	ctx context.Context, list provider.Ref, emails []string,
) ([]provider.MemberResult, error) {
	return a.members(ctx, list, emails, func(c *contact) { delete(c.lists, list.ID) })
}

func (a *adapter) members(
	ctx context.Context, list provider.Ref, emails []string, change func(*contact),
) ([]provider.MemberResult, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	if _, ok := a.lists[list.ID]; !ok {
		return nil, notFound("no such list")
	}
	out := make([]provider.MemberResult, len(emails))
	for i, email := range emails {
		out[i].Email = email
		if c, ok := a.contacts[key(email)]; ok {
			change(c)
		} else {
			out[i].Error = &provider.Error{
				Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: 404,
				Message: "no such contact",
			}
		}
	}
	return out, nil
}
