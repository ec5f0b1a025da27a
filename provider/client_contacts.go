package provider

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// GetContact returns the contact with this address, or ErrNotFound.
func (c *Client) GetContact(ctx context.Context, email string) (*Contact, error) {
	return run(ctx, c, "contacts.get", []Feature{featureContactGet}, func() (*Contact, error) {
		if err := CheckEmail(email); err != nil {
			return nil, err
		}
		contact, err := c.adapter.GetContact(ctx, email)
		if contact != nil {
			c.nameFields(contact)
		}
		return contact, err
	})
}

// ListContacts returns one page of contacts. Contacts iterates over all pages.
func (c *Client) ListContacts(ctx context.Context, q ContactQuery) (*ContactPage, error) {
	needs := []Feature{featureContactList}
	if !q.List.IsZero() {
		needs = []Feature{featureContactListOf}
	}
	if !q.ModifiedSince.IsZero() {
		needs = append(needs, featureContactSince)
	}
	return run(ctx, c, "contacts.list", needs, func() (*ContactPage, error) {
		var err error
		if q.List, err = c.aliases.id("list", c.aliases.Lists, q.List); err != nil {
			return nil, err
		}
		if q.Limit < 0 {
			return nil, Invalid("limit", "expected 0 or more, got %d", q.Limit)
		}
		if err := checkCursor(q.Cursor); err != nil {
			return nil, err
		}
		page, err := c.adapter.ListContacts(ctx, q)
		if page != nil {
			for i := range page.Contacts {
				c.nameFields(&page.Contacts[i])
			}
		}
		return page, err
	})
}

// Contacts iterates over the contacts that q selects, page after page from
// q.Cursor on; the next page is fetched while the second half of one is worked
// through. Contacts without an address are left out unless q.WithoutEmail asks for
// them; ContactPage.LeftOut of ListContacts counts them.
// An error comes once and last; breaking stops fetching. A provider
// that gives the same page again ends the iteration with ErrBadResponse.
func (c *Client) Contacts(ctx context.Context, q ContactQuery) iter.Seq2[Contact, error] {
	return func(yield func(Contact, error) bool) {
		pages(ctx, q.Cursor, func(ctx context.Context, cursor string) ([]Contact, string, error) {
			q := q
			q.Cursor = cursor
			page, err := c.ListContacts(ctx, q)
			if err != nil {
				return nil, "", err
			}
			return page.Contacts, page.Next, nil
		}, func(a Contact) string { return fmt.Sprint(a.Email, a.Phone, a.Memberships) }, c.endless("contacts.list"), yield)
	}
}

// UpsertContact creates the contact or changes what change names. It never
// undoes an unsubscription, a bounce, a complaint or a block, where the provider
// lets us look; where it does not, the capability is limited and the receipt warns.
func (c *Client) UpsertContact(ctx context.Context, change ContactChange) (*ContactReceipt, error) {
	return run(ctx, c, "contacts.upsert", []Feature{featureContactUpsert}, func() (*ContactReceipt, error) {
		change, err := c.prepareChange(change)
		if err != nil {
			return nil, err
		}
		r, err := c.adapter.UpsertContact(ctx, change)
		return c.contactReceipt(r, change.Email, err)
	})
}

// prepareChange checks change and returns it as the adapter gets it: aliases
// replaced by ids.
func (c *Client) prepareChange(change ContactChange) (ContactChange, error) {
	if err := check(changeFields, &change); err != nil {
		return change, err
	}
	change = *clone(changeFields, &change)
	fields := make(map[string]any, len(change.Fields))
	for name, v := range change.Fields {
		if id, ok := c.aliases.Fields[name]; ok {
			name = id
		}
		if _, twice := fields[name]; twice {
			return change, Invalid("fields."+name, "the field is given twice, once by its alias")
		}
		fields[name] = v
	}
	change.Fields = fields
	for i, l := range change.Lists {
		var err error
		if change.Lists[i], err = c.aliases.id("lists", c.aliases.Lists, l); err != nil {
			return change, err
		}
	}
	return change, c.supports(needs(changeFields, &change, nil)...)
}

// nameFields gives fields their aliases.
func (c *Client) nameFields(contact *Contact) {
	for alias, id := range c.aliases.Fields {
		if v, ok := contact.Fields[id]; ok && alias != id {
			delete(contact.Fields, id)
			contact.Fields[alias] = v
		}
	}
}

// contactReceipt completes the receipt of a change. An answer that came but
// could not be read is a change that was made.
func (c *Client) contactReceipt(r *ContactReceipt, email string, err error) (*ContactReceipt, error) {
	var e *Error
	if err != nil && (!errors.As(err, &e) || e.Outcome == NotSent || e.Outcome == "") {
		return nil, err
	}
	if r == nil {
		r = &ContactReceipt{}
	}
	r.Provider, r.Account, r.Email = c.provider, c.account, email
	switch {
	case err == nil:
	case e.Outcome == Sent:
		r.State, err = ContactStored, nil
		r.Notes = append(r.Notes, Note{"id", "warning", "stored, but the answer could not be read: " + e.Message})
	default:
		r.State = ContactUnknown
	}
	return r, err
}

// DeleteContact removes a contact from the account; ErrNotFound when it is not there.
func (c *Client) DeleteContact(ctx context.Context, email string) error {
	_, err := run(ctx, c, "contacts.delete", []Feature{featureContactDelete}, func() (struct{}, error) {
		if err := CheckEmail(email); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, c.adapter.DeleteContact(ctx, email)
	})
	return err
}

// Unsubscribe takes an address off one list, or off all mail when no list is named.
func (c *Client) Unsubscribe(ctx context.Context, u Unsubscription) (*ContactReceipt, error) {
	f := featureUnsubscribe
	if !u.List.IsZero() {
		f = featureUnsubscribeList
	}
	return run(ctx, c, "contacts.unsubscribe", []Feature{f}, func() (*ContactReceipt, error) {
		if err := CheckEmail(u.Email); err != nil {
			return nil, err
		}
		if err := checkLine("reason", u.Reason); err != nil {
			return nil, err
		}
		var err error
		if u.List, err = c.aliases.id("list", c.aliases.Lists, u.List); err != nil {
			return nil, err
		}
		a, err := addOn[Unsubscriber](c, f)
		if err != nil {
			return nil, err
		}
		r, err := a.Unsubscribe(ctx, u)
		return c.contactReceipt(r, u.Email, err)
	})
}

// ListLists returns one page of lists. AllLists iterates.
func (c *Client) ListLists(ctx context.Context, cursor string) (*ListPage, error) {
	return run(ctx, c, "lists.list", []Feature{featureLists}, func() (*ListPage, error) {
		if err := checkCursor(cursor); err != nil {
			return nil, err
		}
		a, err := addOn[Lists](c, featureLists)
		if err != nil {
			return nil, err
		}
		return a.ListLists(ctx, cursor)
	})
}

// AllLists iterates over all lists. An error comes once and last.
func (c *Client) AllLists(ctx context.Context) iter.Seq2[List, error] {
	return func(yield func(List, error) bool) {
		pages(ctx, "", func(ctx context.Context, cursor string) ([]List, string, error) {
			page, err := c.ListLists(ctx, cursor)
			if err != nil {
				return nil, "", err
			}
			return page.Lists, page.Next, nil
		}, func(l List) string { return l.ID }, c.endless("lists.list"), yield)
	}
}

// AddToList adds contacts to a list. The results are in input order; an address
// that could not be added has an error of its own.
func (c *Client) AddToList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error) {
	return c.members(ctx, "lists.add", featureListAdd, list, emails, Lists.AddToList)
}

// RemoveFromList takes contacts off a list; they stay contacts.
func (c *Client) RemoveFromList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error) {
	return c.members(ctx, "lists.remove", featureListRemove, list, emails, Lists.RemoveFromList)
}

func (c *Client) members(ctx context.Context, op string, f Feature, list Ref, emails []string, call func(Lists, context.Context, Ref, []string) ([]MemberResult, error)) ([]MemberResult, error) {
	return run(ctx, c, op, []Feature{f}, func() ([]MemberResult, error) {
		list, err := c.aliases.id("list", c.aliases.Lists, list)
		if err != nil {
			return nil, err
		}
		if list.IsZero() {
			return nil, Invalid("list", "expected id or alias")
		}
		if len(emails) == 0 {
			return nil, Invalid("email", "expected at least one address")
		}
		for _, email := range emails {
			if err := CheckEmail(email); err != nil {
				return nil, err
			}
		}
		a, err := addOn[Lists](c, f)
		if err != nil {
			return nil, err
		}
		results, err := call(a, ctx, list, emails)
		changed := false
		for i, x := range results {
			if x.Error == nil {
				changed = true
				continue
			}
			_ = errors.As(asError(x.Error, c.provider, c.account, op), &results[i].Error)
		}
		return results, midway(err, changed)
	})
}

// midway is the error that ended a change of several addresses: when some were
// changed before it, it does not say that nothing was.
func midway(err error, changed bool) error {
	var e *Error
	if !changed || !errors.As(err, &e) || e.Outcome == Sent || e.Kind == ErrDryRun {
		return err
	}
	c := *e
	c.Outcome, c.Elsewhere = MaybeSent, false
	return &c
}
