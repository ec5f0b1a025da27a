package memory

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

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
	if err := a.asVendor(func(c *provider.Client) error { _, err := c.UpsertContact(ctx, asGiven(change)); return err }); err != nil {
		return nil, err
	}
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	for _, m := range change.Memberships {
		if _, ok := a.lists[m.List]; !ok {
			return nil, &provider.Error{
				Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: 404,
				Field: "lists", Message: "no such list",
			}
		}
	}
	for _, own := range []struct {
		field, value string
		of           func(*contact) string
	}{
		{"phone", change.Phone.Value(), func(c *contact) string { return c.Phone }},
		{"external_id", change.ExternalID.Value(), func(c *contact) string { return c.ExternalID }},
	} {
		for email, other := range a.contacts {
			if own.value != "" && own.of(other) == own.value && email != key(change.Email) {
				return nil, conflict(own.field, "another contact has it, "+other.Email)
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
	var barred []string
	for _, m := range change.Memberships {
		switch why := a.bars(c, m.List); {
		case m.Status.Terminal():
			if c.lists[m.List] != provider.StatusBlocked {
				c.lists[m.List] = m.Status
			}
		case why != "":
			barred = append(barred, "not put on list "+m.List+": "+why)
		default:
			c.lists[m.List] = provider.StatusSubscribed
		}
	}
	if change.Status.Terminal() {
		a.suppress(change.Email, string(change.Status))
	}
	for _, s := range change.Suppressed {
		if s.Channel == provider.ChannelEmail && s.Scope != provider.ScopeTransactional && s.Sender == "" {
			a.suppress(change.Email, string(s.Reason))
		} else if !slices.Contains(c.Suppressed, s) {
			c.Suppressed = append(c.Suppressed, s)
		}
	}
	if len(barred) > 0 {
		e := conflict("lists", strings.Join(barred, "; ")+"; resubscribe is the verb for that, and the rest was stored")
		e.Outcome = provider.OutcomeSent
		return r, e
	}
	return r, nil
}

// asGiven returns a change in the form in which a Client takes it: lists without a status
// of their own are in Lists.
func asGiven(change provider.ContactChange) provider.ContactChange {
	all := change.Memberships
	change.Memberships = nil
	for _, m := range all {
		if m.Status == "" {
			change.Lists = append(change.Lists, provider.Ref{ID: m.List})
		} else {
			change.Memberships = append(change.Memberships, m)
		}
	}
	return change
}

func conflict(field, message string) *provider.Error {
	return &provider.Error{
		Kind: provider.ErrConflict, Outcome: provider.OutcomeNotSent, Status: 409, Field: field, Message: message,
	}
}

// bars says why a contact may not be put on a list but by Resubscribe, as at a vendor;
// empty when it may.
func (s *Store) bars(c *contact, list string) string {
	left, on := 0, 0
	for _, status := range c.lists {
		if status.Terminal() {
			left++
		} else {
			on++
		}
	}
	_, stopped := s.suppressed[key(c.Email)]
	switch {
	case c.lists[list].Terminal():
		return "it is " + string(c.lists[list]) + " there"
	case stopped:
		return "it gets no mail at all"
	case left > 0 && on == 0:
		return "it has left every list that it was on"
	}
	return ""
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
	return a.members(ctx, list, emails, func(c *contact) *provider.Error {
		if why := a.bars(c, list.ID); why != "" {
			return conflict("email", "not put on the list: "+why+"; resubscribe is the verb for that")
		}
		c.lists[list.ID] = provider.StatusSubscribed
		return nil
	})
}

// RemoveFromList keeps who has left the list: without that an upsert would put the
// contact on it again.
func (a *adapter) RemoveFromList(
	ctx context.Context, list provider.Ref, emails []string,
) ([]provider.MemberResult, error) {
	return a.members(ctx, list, emails, func(c *contact) *provider.Error {
		if status := c.lists[list.ID]; status.Terminal() {
			return conflict("email", "it is "+string(status)+" on the list, and removing it would forget that")
		}
		delete(c.lists, list.ID)
		return nil
	})
}

func (a *adapter) members(
	ctx context.Context, list provider.Ref, emails []string, change func(*contact) *provider.Error,
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
			out[i].Error = change(c)
		} else {
			out[i].Error = &provider.Error{
				Kind: provider.ErrNotFound, Outcome: provider.OutcomeNotSent, Status: 404,
				Message: "no such contact",
			}
		}
	}
	return out, nil
}
