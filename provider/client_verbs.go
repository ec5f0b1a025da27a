package provider

import (
	"context"
	"fmt"
	"iter"
)

// Cancel withdraws a scheduled mail by the MessageID of its Receipt. nil means
// that it will not go out; ErrNotFound or ErrConflict that it has gone out, or
// never was there.
func (c *Client) Cancel(ctx context.Context, messageID string) error {
	return c.do(ctx, "cancel", featureCancel, func() error {
		if err := checkID("message_id", messageID); err != nil {
			return err
		}
		a, err := addOn[Canceler](c, featureCancel)
		if err != nil {
			return err
		}
		return a.Cancel(ctx, messageID)
	})
}

// do is run for operations that return nothing.
func (c *Client) do(ctx context.Context, op string, f Feature, call func() error) error {
	_, err := run(ctx, c, op, []Feature{f}, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// ListSuppressions returns one page of the addresses that get no mail.
// AllSuppressions iterates.
func (c *Client) ListSuppressions(ctx context.Context, cursor string) (*SuppressionPage, error) {
	return run(ctx, c, "suppressions.list", []Feature{featureSuppressions}, func() (*SuppressionPage, error) {
		if err := checkCursor(cursor); err != nil {
			return nil, err
		}
		a, err := addOn[Suppressions](c, featureSuppressions)
		if err != nil {
			return nil, err
		}
		return a.ListSuppressions(ctx, cursor)
	})
}

// AllSuppressions iterates over all addresses that get no mail. An error comes
// once and last; breaking stops fetching. An address may come more than once,
// for different senders or kinds of mail.
func (c *Client) AllSuppressions(ctx context.Context) iter.Seq2[SuppressedAddress, error] {
	return func(yield func(SuppressedAddress, error) bool) {
		pages(ctx, "", func(ctx context.Context, cursor string) ([]SuppressedAddress, string, error) {
			page, err := c.ListSuppressions(ctx, cursor)
			if err != nil {
				return nil, "", err
			}
			return page.Addresses, page.Next, nil
		}, func(a SuppressedAddress) string { return fmt.Sprint(a) }, c.endless("suppressions.list"), yield)
	}
}

// AddSuppression keeps mail from an address, contact or not. Which mail is said
// by the notes of the receipt.
func (c *Client) AddSuppression(ctx context.Context, email, reason string) (*ContactReceipt, error) {
	return changeAddress(ctx, c, "suppressions.add", featureSuppressionAdd, email, func(a Suppressions) (*ContactReceipt, error) {
		if err := checkLine("reason", reason); err != nil {
			return nil, err
		}
		return a.AddSuppression(ctx, email, reason)
	})
}

// RemoveSuppression lets mail to an address through again. It is the caller's
// word that the person wants it.
func (c *Client) RemoveSuppression(ctx context.Context, email string) (*ContactReceipt, error) {
	return changeAddress(ctx, c, "suppressions.remove", featureSuppressionRemove, email, func(a Suppressions) (*ContactReceipt, error) {
		return a.RemoveSuppression(ctx, email)
	})
}

// Resubscribe undoes an unsubscription: from one list, or from all mail when no
// list is named. It is the caller's word that the person asked for it. What it
// does not lift is said by the notes of the receipt.
func (c *Client) Resubscribe(ctx context.Context, r Resubscription) (*ContactReceipt, error) {
	return changeAddress(ctx, c, "contacts.resubscribe", featureResubscribe, r.Email, func(a Resubscriber) (*ContactReceipt, error) {
		var err error
		if r.List, err = c.aliases.id("list", c.aliases.Lists, r.List); err != nil {
			return nil, err
		}
		return a.Resubscribe(ctx, r)
	})
}

// changeAddress is run for a change of what one address gets; call has the
// add-on interface that the change needs.
func changeAddress[A any](ctx context.Context, c *Client, op string, f Feature, email string, call func(A) (*ContactReceipt, error)) (*ContactReceipt, error) {
	return run(ctx, c, op, []Feature{f}, func() (*ContactReceipt, error) {
		if err := CheckEmail(email); err != nil {
			return nil, err
		}
		a, err := addOn[A](c, f)
		if err != nil {
			return nil, err
		}
		r, err := call(a)
		return c.contactReceipt(r, email, err)
	})
}

// CreateList makes a list. It is not repeatable: after ErrOutcomeUnknown, and
// after an error whose Outcome is Sent, look for the name before creating it
// again.
func (c *Client) CreateList(ctx context.Context, name string) (*List, error) {
	return run(ctx, c, "lists.create", []Feature{featureListCreate}, func() (*List, error) {
		if name == "" {
			return nil, Invalid("name", "expected the name of the list")
		}
		if err := checkLine("name", name); err != nil {
			return nil, err
		}
		a, err := addOn[ListKeeper](c, featureListCreate)
		if err != nil {
			return nil, err
		}
		l, err := a.CreateList(ctx, name)
		if err == nil && l.ID == "" {
			return l, &Error{Kind: ErrBadResponse, Outcome: Sent, Message: "the list was made, but the answer has no id; look for its name"}
		}
		return l, err
	})
}

// DeleteList removes a list; its contacts stay contacts where the provider
// keeps them beside lists. ErrNotFound when it is not there.
func (c *Client) DeleteList(ctx context.Context, list Ref) error {
	return c.do(ctx, "lists.delete", featureListDelete, func() error {
		list, err := c.aliases.id("list", c.aliases.Lists, list)
		if err != nil {
			return err
		}
		if list.IsZero() {
			return Invalid("list", "expected id or alias")
		}
		a, err := addOn[ListKeeper](c, featureListDelete)
		if err != nil {
			return err
		}
		return a.DeleteList(ctx, list)
	})
}
