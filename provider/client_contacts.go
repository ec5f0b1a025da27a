package provider

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/postmux/postmux/internal/flow"
	"github.com/postmux/postmux/internal/notes"
	"github.com/postmux/postmux/internal/text"
)

var _ Contacts = (*Client)(nil)

// GetContact returns the contact with this address, or ErrNotFound.
func (c *Client) GetContact(ctx context.Context, email string) (*Contact, error) {
	return run(ctx, c, opContactGet, []Feature{featureContactGet}, func(ctx context.Context) (*Contact, error) {
		if err := CheckEmail(email); err != nil {
			return nil, err
		}
		a, err := addOn[contactGetter](c, featureContactGet)
		if err != nil {
			return nil, err
		}
		contact, err := a.GetContact(ctx, email)
		if contact != nil {
			c.nameFields(contact)
		}
		return contact, err
	})
}

// ListContacts returns one page of contacts. AllContacts iterates over all pages.
func (c *Client) ListContacts(ctx context.Context, q ContactQuery) (*Page[Contact], error) {
	needs := []Feature{featureContactList}
	if !q.List.IsZero() {
		needs = []Feature{featureContactListOf}
	}
	if !q.ModifiedSince.IsZero() {
		needs = append(needs, featureContactSince)
	}
	return run(ctx, c, opContactList, needs, func(ctx context.Context) (*Page[Contact], error) {
		var err error
		if q.List, err = idOf("list", c.aliases.lists, q.List); err != nil {
			return nil, err
		}
		if q.Limit < 0 {
			return nil, Invalid("limit", "expected 0 or more, got %d", q.Limit)
		}
		if err := checkCursor(q.Cursor); err != nil {
			return nil, err
		}
		a, err := addOn[contactLister](c, needs[0])
		if err != nil {
			return nil, err
		}
		page, err := a.ListContacts(ctx, q)
		if page != nil {
			for i := range page.Items {
				c.nameFields(&page.Items[i])
			}
		}
		return page, err
	})
}

// AllContacts iterates over the contacts that q selects, page after page from
// q.Cursor on; the next page is fetched during the second half of a page. Contacts
// without an address are left out unless q.WithoutEmail asks for them; Page.LeftOut
// of ListContacts counts them. An error comes once and last; breaking stops
// fetching. When a provider returns the same page again, the iteration ends with
// ErrBadResponse.
func (c *Client) AllContacts(ctx context.Context, q ContactQuery) iter.Seq2[Contact, error] {
	key := func(a Contact) string {
		if a.Email == "" && a.Phone == "" {
			return "" // nothing tells it from another one
		}
		return fmt.Sprint(a.Email, a.Phone, a.Memberships)
	}
	return allPages(ctx, c, opContactList, q.Cursor, key, func(ctx context.Context, cursor string) (*Page[Contact], error) {
		q := q
		q.Cursor = cursor
		return c.ListContacts(ctx, q)
	})
}

// allPages iterates over the items of a listing. key identifies an item, to notice
// a page that comes again.
func allPages[T any](
	ctx context.Context, c *Client, op Op, cursor string, key func(T) string,
	list func(ctx context.Context, cursor string) (*Page[T], error),
) iter.Seq2[T, error] {
	repeated := &Error{
		Kind: ErrBadResponse, Provider: c.provider, Account: c.account, Op: op,
		Message: "the provider gives the same page again",
	}
	return func(yield func(T, error) bool) {
		flow.Pages(ctx, cursor, func(ctx context.Context, cursor string) ([]T, string, error) {
			page, err := list(ctx, cursor)
			if err != nil {
				return nil, "", err
			}
			return page.Items, page.Next, nil
		}, key, repeated, yield)
	}
}

// UpsertContact creates the contact or changes the fields in change. It never
// undoes an unsubscription, a bounce, a complaint or a block where the provider can
// be asked for them; where it cannot, the capability is limited and the receipt has
// a warning.
//
// A person who has left the list, or all lists, or is blocked, is not put on the list.
// The other fields are stored, and UpsertContact returns a receipt and an ErrConflict.
// Only Resubscribe puts such a person on a list again. A phone or an external id that
// belongs to another contact is an ErrConflict too. When a part of a change that stops
// mail is refused, the stop is stored all the same.
func (c *Client) UpsertContact(ctx context.Context, change ContactChange) (*ContactReceipt, error) {
	return changeAddress(ctx, c, opContactUpsert, featureContactUpsert, change.Email, func(ctx context.Context, a contactUpserter) (*ContactReceipt, error) {
		r, err := c.upsert(ctx, a, change)
		if e := errorOf(err); e != nil && e.aboutItem() && change.stops() {
			return c.upsertStops(ctx, a, change, r, e)
		}
		return r, err
	})
}

func (c *Client) upsert(
	ctx context.Context, a contactUpserter, change ContactChange,
) (*ContactReceipt, error) {
	change, converted, err := c.prepareChange(change)
	if err != nil {
		return nil, err
	}
	r, err := a.UpsertContact(ctx, change)
	if r != nil {
		r.Notes = append(converted, r.Notes...)
	}
	return r, err
}

// upsertStops stores what a refused change says about mail that is to stop: all of
// it in one, or, when a part of that is refused too, piece by piece.
func (c *Client) upsertStops(
	ctx context.Context, a contactUpserter, change ContactChange, r *ContactReceipt, refused *Error,
) (*ContactReceipt, error) {
	field := refused.Field
	if field == "" {
		field = "fields"
	}
	note := Note{
		Field: field, Action: NoteDropped,
		Why: "only the stop was stored, the rest was refused: " + refused.message(),
	}
	stops := change.onlyStops()
	again, err := c.upsert(ctx, a, stops)
	switch e := errorOf(err); {
	case err == nil:
		again.Notes = append(again.Notes, note)
		return again, nil
	case e == nil || !e.aboutItem():
		return again, err
	}
	var done *ContactReceipt
	for _, piece := range stops.pieces() {
		one, err := c.upsert(ctx, a, piece)
		switch e := errorOf(err); {
		case err == nil && done == nil:
			done = one
		case err == nil:
			done.Notes = append(done.Notes, one.Notes...)
		case e == nil || !e.aboutItem():
			return one, err
		}
	}
	if done == nil {
		return r, refused
	}
	// What is left is a stop that the provider cannot keep: the caller must know.
	partly := *errorOf(err)
	partly.Outcome, partly.Elsewhere = OutcomeSent, false
	partly.Message = text.Because("the other stops were stored, this one was not", partly.message())
	done.Notes = append(done.Notes, note)
	return done, &partly
}

// pieces are the stops of a change one by one, by onlyStops.
func (c *ContactChange) pieces() []ContactChange {
	var out []ContactChange
	if c.Status != "" {
		for _, l := range c.Lists {
			out = append(out, ContactChange{Email: c.Email, Status: c.Status, Lists: []Ref{l}})
		}
		if len(c.Lists) == 0 {
			out = append(out, ContactChange{Email: c.Email, Status: c.Status})
		}
	}
	for _, m := range c.Memberships {
		out = append(out, ContactChange{Email: c.Email, Memberships: []Membership{m}})
	}
	for _, s := range c.Suppressed {
		out = append(out, ContactChange{Email: c.Email, Suppressed: []Suppression{s}})
	}
	return out
}

// prepareChange checks change and returns it for the adapter: with ids in place of
// aliases, all lists among the memberships, and cleared fields for empty texts; and with
// notes about what was converted.
func (c *Client) prepareChange(change ContactChange) (ContactChange, []Note, error) {
	change = *clone(changeFields, &change)
	for _, own := range []*Change[string]{&change.Phone, &change.ExternalID, &change.FirstName, &change.LastName} {
		if own.IsSet() && own.Value() == "" {
			*own = ChangeToNone[string]()
		}
	}
	converted, err := change.convert()
	if err == nil {
		err = check(changeFields, &change)
	}
	if err != nil {
		return change, nil, err
	}
	fields := make(map[string]any, len(change.Fields))
	for name, v := range change.Fields {
		if v == "" {
			v = nil
		}
		if id, ok := c.aliases.fields[name]; ok {
			name = id
		}
		if _, twice := fields[name]; twice {
			return change, nil, Invalid("fields."+name, "the field is given twice, once by its alias")
		}
		fields[name] = v
	}
	change.Fields = fields
	if err := c.gatherLists(&change); err != nil {
		return change, nil, err
	}
	return change, converted, c.supports(needs(changeFields, &change, nil)...)
}

// gatherLists puts the lists of change among its memberships, each list once.
func (c *Client) gatherLists(change *ContactChange) error {
	all := make([]Membership, 0, len(change.Lists)+len(change.Memberships))
	for _, l := range change.Lists {
		list, err := idOf("lists", c.aliases.lists, l)
		if err != nil {
			return err
		}
		all = append(all, Membership{List: list.ID, Status: change.Status})
	}
	all = append(all, change.Memberships...)
	change.Lists, change.Memberships = nil, all[:0]
	for _, m := range all {
		before := slices.IndexFunc(change.Memberships, func(x Membership) bool { return x.List == m.List })
		switch {
		case before < 0:
			change.Memberships = append(change.Memberships, m)
		case change.Memberships[before].Status != m.Status:
			return Invalid(
				"memberships", "the list %s is given twice, with two statuses",
				text.Clip(m.List),
			)
		}
	}
	if len(change.Memberships) == 0 {
		change.Memberships = nil
	}
	return nil
}

// nameFields replaces the ids of fields by their aliases.
func (c *Client) nameFields(contact *Contact) {
	for alias, id := range c.aliases.fields {
		if v, ok := contact.Fields[id]; ok && alias != id {
			delete(contact.Fields, id)
			contact.Fields[alias] = v
		}
	}
}

// DeleteContact removes a contact from the account; ErrNotFound when it is not there.
func (c *Client) DeleteContact(ctx context.Context, email string) error {
	return c.runOnly(ctx, opContactDelete, featureContactDelete, func(ctx context.Context) error {
		if err := CheckEmail(email); err != nil {
			return err
		}
		a, err := addOn[contactDeleter](c, featureContactDelete)
		if err != nil {
			return err
		}
		return a.DeleteContact(ctx, email)
	})
}

// Unsubscribe takes an address off one list, or off all mail when list is zero. The
// reason is one line for the provider, which may ignore it.
func (c *Client) Unsubscribe(
	ctx context.Context, email string, list Ref, reason string,
) (*ContactReceipt, error) {
	f := featureUnsubscribe
	if !list.IsZero() {
		f = featureUnsubscribeList
	}
	return changeAddress(ctx, c, opUnsubscribe, f, email, func(ctx context.Context, a unsubscriber) (*ContactReceipt, error) {
		if err := checkLine("reason", reason); err != nil {
			return nil, err
		}
		list, err := idOf("list", c.aliases.lists, list)
		if err != nil {
			return nil, err
		}
		return a.Unsubscribe(ctx, email, list, reason)
	})
}

// Resubscribe undoes an unsubscription: from one list, or from all mail when list
// is zero. No other method does, and the caller asserts that the person asked for
// it. The notes of the receipt name the suppressions that remain.
func (c *Client) Resubscribe(ctx context.Context, email string, list Ref) (*ContactReceipt, error) {
	return changeAddress(ctx, c, opResubscribe, featureResubscribe, email, func(ctx context.Context, a resubscriber) (*ContactReceipt, error) {
		list, err := idOf("list", c.aliases.lists, list)
		if err != nil {
			return nil, err
		}
		return a.Resubscribe(ctx, email, list)
	})
}

// runOnly is run for operations that return nothing.
func (c *Client) runOnly(
	ctx context.Context, op Op, f Feature, call func(context.Context) error,
) error {
	_, err := run(
		ctx, c, op, []Feature{f},
		func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) },
	)
	return err
}

// changeAddress is run for a change of one address; call gets the adapter as the
// interface that the change needs.
func changeAddress[A any](
	ctx context.Context, c *Client, op Op, f Feature, email string,
	call func(context.Context, A) (*ContactReceipt, error),
) (*ContactReceipt, error) {
	return run(ctx, c, op, []Feature{f}, func(ctx context.Context) (*ContactReceipt, error) {
		if err := CheckEmail(email); err != nil {
			return nil, err
		}
		a, err := addOn[A](c, f)
		if err != nil {
			return nil, err
		}
		noticed := notes.Gather(ctx)
		r, err := call(noticed, a)
		if r, err = c.contactReceipt(r, email, err); r != nil {
			r.Notes = append(r.Notes, noticedBy(noticed, "id")...)
		}
		return r, err
	})
}

// contactReceipt completes the receipt of a change. A successful response that
// could not be read still means that the change was made.
func (c *Client) contactReceipt(
	r *ContactReceipt, email string, err error,
) (*ContactReceipt, error) {
	e := errorOf(err)
	if err != nil && (e == nil || e.Outcome == OutcomeNotSent || e.Outcome == "") {
		return nil, err
	}
	if r == nil {
		r = &ContactReceipt{}
	}
	r.Provider, r.Account, r.Email = c.provider, c.account, email
	switch {
	case err == nil:
	case e.Outcome == OutcomeSent && e.aboutItem():
		if r.State == "" || r.State == ContactUnknown {
			r.State = ContactStored
		}
	case e.Outcome == OutcomeSent:
		r.State, err = ContactStored, nil
		r.Notes = append(r.Notes, Note{
			Field: "id", Action: NoteWarning,
			Why: "stored, but the answer could not be read: " + e.Message,
		})
	default:
		r.State = ContactUnknown
	}
	return r, err
}
