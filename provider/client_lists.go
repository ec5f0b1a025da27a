package provider

import (
	"context"
	"fmt"
	"iter"
)

var (
	_ Lists        = (*Client)(nil)
	_ Suppressions = (*Client)(nil)
)

// ListLists returns one page of lists. AllLists iterates.
func (c *Client) ListLists(ctx context.Context, cursor string) (*Page[List], error) {
	return run(ctx, c, opLists, []Feature{featureLists}, func(ctx context.Context) (*Page[List], error) {
		if err := checkCursor(cursor); err != nil {
			return nil, err
		}
		a, err := addOn[listLister](c, featureLists)
		if err != nil {
			return nil, err
		}
		return a.ListLists(ctx, cursor)
	})
}

// AllLists iterates over all lists. An error comes once and last; breaking stops
// fetching.
func (c *Client) AllLists(ctx context.Context) iter.Seq2[List, error] {
	return allPages(ctx, c, opLists, "", func(l List) string { return l.ID }, c.ListLists)
}

// ListID returns list by the id that it has in this account, which Membership.List
// holds. It makes no request. Errors are of kind ErrInvalid: the account has no such
// alias.
func (c *Client) ListID(list Ref) (string, error) {
	ref, err := c.listID(list)
	return ref.ID, err
}

// AddToList adds contacts to a list. The results are in input order; an address
// that could not be added has an error of its own.
func (c *Client) AddToList(ctx context.Context, list Ref, emails []string) ([]MemberResult, error) {
	return changeMembers(ctx, c, opListAdd, featureListAdd, list, emails, listAdder.AddToList)
}

// RemoveFromList takes contacts off a list; they stay contacts. The results are as
// those of AddToList.
func (c *Client) RemoveFromList(
	ctx context.Context, list Ref, emails []string,
) ([]MemberResult, error) {
	return changeMembers(
		ctx, c, opListRemove, featureListRemove, list, emails, listRemover.RemoveFromList,
	)
}

func changeMembers[A any](
	ctx context.Context, c *Client, op Op, f Feature, list Ref, emails []string,
	call func(A, context.Context, Ref, []string) ([]MemberResult, error),
) ([]MemberResult, error) {
	return run(ctx, c, op, []Feature{f}, func(ctx context.Context) ([]MemberResult, error) {
		list, err := c.listID(list)
		if err != nil {
			return nil, err
		}
		if len(emails) == 0 {
			return nil, Invalid("email", "expected at least one address")
		}
		for _, email := range emails {
			if err := CheckEmail(email); err != nil {
				return nil, err
			}
		}
		a, err := addOn[A](c, f)
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
			results[i].Error = errorOf(asError(x.Error, c.provider, c.account, op))
		}
		return results, partlyDone(err, changed)
	})
}

// CreateList makes a list. It is not repeatable: after ErrOutcomeUnknown, and after
// an error whose Outcome is OutcomeSent, look the name up before creating it again.
func (c *Client) CreateList(ctx context.Context, name string) (*List, error) {
	return run(ctx, c, opListCreate, []Feature{featureListCreate}, func(ctx context.Context) (*List, error) {
		if name == "" {
			return nil, Invalid("name", "expected the name of the list")
		}
		if err := checkProse("name", name); err != nil {
			return nil, err
		}
		a, err := addOn[listCreator](c, featureListCreate)
		if err != nil {
			return nil, err
		}
		l, err := a.CreateList(ctx, name)
		if err == nil && l == nil {
			return nil, &Error{
				Kind: ErrInternal, Outcome: OutcomeSent, Message: "the adapter returned no list",
			}
		}
		if err == nil && l.ID == "" {
			return l, &Error{
				Kind: ErrBadResponse, Outcome: OutcomeSent,
				Message: "the list was made, but the answer has no id; look for its name",
			}
		}
		return l, err
	})
}

// DeleteList removes a list; its contacts stay contacts where the provider keeps
// them outside of lists. The error is ErrNotFound when there is no such list.
func (c *Client) DeleteList(ctx context.Context, list Ref) error {
	return c.runOnly(ctx, opListDelete, featureListDelete, func(ctx context.Context) error {
		list, err := c.listID(list)
		if err != nil {
			return err
		}
		a, err := addOn[listDeleter](c, featureListDelete)
		if err != nil {
			return err
		}
		return a.DeleteList(ctx, list)
	})
}

// ListSuppressions returns one page of the addresses that get no mail.
// AllSuppressions iterates.
func (c *Client) ListSuppressions(ctx context.Context, cursor string) (*Page[Suppression], error) {
	return run(ctx, c, opSuppressions, []Feature{featureSuppressions}, func(ctx context.Context) (*Page[Suppression], error) {
		if err := checkCursor(cursor); err != nil {
			return nil, err
		}
		a, err := addOn[suppressionLister](c, featureSuppressions)
		if err != nil {
			return nil, err
		}
		return a.ListSuppressions(ctx, cursor)
	})
}

// AllSuppressions iterates over all addresses that get no mail. An error comes
// once and last; breaking stops fetching. An address may come more than once,
// for different senders or kinds of mail.
func (c *Client) AllSuppressions(ctx context.Context) iter.Seq2[Suppression, error] {
	return allPages(
		ctx, c, opSuppressions, "", func(s Suppression) string { return fmt.Sprint(s) },
		c.ListSuppressions,
	)
}

// AddSuppression stops mail to an address, whether it is a contact or not. The
// notes of the receipt name the kinds of mail.
func (c *Client) AddSuppression(
	ctx context.Context, email, reason string,
) (*ContactReceipt, error) {
	return changeAddress(ctx, c, opSuppressionAdd, featureSuppressionAdd, email, func(ctx context.Context, a suppressionAdder) (*ContactReceipt, error) {
		if err := checkLine("reason", reason); err != nil {
			return nil, err
		}
		return a.AddSuppression(ctx, email, reason)
	})
}

// RemoveSuppression allows mail to an address again. The caller asserts that the
// person wants it.
func (c *Client) RemoveSuppression(ctx context.Context, email string) (*ContactReceipt, error) {
	return changeAddress(ctx, c, opSuppressionRemove, featureSuppressionRemove, email, func(ctx context.Context, a suppressionRemover) (*ContactReceipt, error) {
		return a.RemoveSuppression(ctx, email)
	})
}
