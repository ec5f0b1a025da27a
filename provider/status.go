package provider

import (
	"context"
	"slices"

	"github.com/postmux/postmux/internal/text"
)

// Status looks a mail up and returns a new Receipt. It uses the MessageID of r, or the
// ids of the recipients where each has one. ReceiptFor makes a receipt from a stored id.
// On a route, Status asks the account that r names.
func (c *Client) Status(ctx context.Context, r *Receipt) (*Receipt, error) {
	return run(ctx, c, opStatus, nil, func(ctx context.Context) (*Receipt, error) {
		member, err := c.memberOf(r)
		if err != nil {
			return nil, err
		}
		if member != nil {
			return member.Status(ctx, r)
		}
		ids, err := idsOf(r)
		if err != nil {
			return nil, err
		}
		if len(ids) == 1 {
			return c.lookUp(ctx, ids[0])
		}
		out := &Receipt{Provider: c.provider, Account: c.account, BatchID: r.BatchID}
		for _, id := range ids {
			one, err := c.lookUp(ctx, id)
			if err != nil {
				return nil, err
			}
			out.State = out.State.With(one.State)
			out.Recipients = append(out.Recipients, one.Recipients...)
			out.Notes = append(out.Notes, one.Notes...)
		}
		return out, nil
	})
}

// lookUp requests the status of one id.
func (c *Client) lookUp(ctx context.Context, id string) (*Receipt, error) {
	if err := c.supports(featureStatus); err != nil {
		return nil, err
	}
	a, err := addOn[statusReader](c, featureStatus)
	if err != nil {
		return nil, err
	}
	found, err := a.Status(ctx, &Receipt{Provider: c.provider, Account: c.account, MessageID: id})
	if found != nil {
		found.Provider, found.Account = c.provider, c.account
	}
	return found, err
}

// Cancel withdraws a scheduled mail by the ids of its receipt, as Status finds them. nil
// means that it will not go out. ErrNotFound and ErrConflict mean that it has gone out,
// or never existed. Where each recipient has a mail and an id, Cancel withdraws one
// after the other and stops at the first that cannot be withdrawn.
func (c *Client) Cancel(ctx context.Context, r *Receipt) error {
	_, err := run(ctx, c, opCancel, nil, func(ctx context.Context) (struct{}, error) {
		member, err := c.memberOf(r)
		if err != nil {
			return struct{}{}, err
		}
		if member != nil {
			return struct{}{}, member.Cancel(ctx, r)
		}
		ids, err := idsOf(r)
		if err != nil {
			return struct{}{}, err
		}
		if err := c.supports(featureCancel); err != nil {
			return struct{}{}, err
		}
		a, err := addOn[canceler](c, featureCancel)
		if err != nil {
			return struct{}{}, err
		}
		for i, id := range ids {
			if err := a.Cancel(ctx, &Receipt{Provider: c.provider, Account: c.account, MessageID: id}); err != nil {
				return struct{}{}, partlyDone(err, i > 0)
			}
		}
		return struct{}{}, nil
	})
	return err
}

// memberOf checks that r is of this account. On a route it returns the member that
// made r, else nil.
func (c *Client) memberOf(r *Receipt) (*Client, error) {
	if r == nil {
		return nil, Invalid("receipt", "expected a receipt")
	}
	if r.State == stateEnqueued {
		return nil, Invalid(
			"receipt.state", "the mail is enqueued in an outbox, id %q, and no provider was asked yet: ask the outbox",
			text.Clip(r.OutboxID),
		)
	}
	if route, ok := c.adapter.(router); ok {
		account := r.Account
		if account == c.account {
			account = r.sender() // a receipt that was made before the route knew the member
		}
		if account == "" {
			return nil, Invalid(
				"receipt.account", "expected the account that sent the mail: a route has several. "+
					"When it is not known, try the receipt with the name of each",
			)
		}
		member := route.Member(account)
		if member == nil {
			return nil, Invalid(
				"receipt.account", "the route has no account %q", text.Clip(account),
			)
		}
		return member, nil
	}
	switch {
	case r.Provider != "" && r.Provider != c.provider:
		return nil, Invalid(
			"receipt.provider", "the receipt is of %s, this account of %s", text.Clip(r.Provider),
			c.provider,
		)
	case r.Account != "" && r.Account != c.account:
		return nil, Invalid(
			"receipt.account", "the receipt is of account %q, not of %q", text.Clip(r.Account),
			c.account,
		)
	}
	return nil, nil
}

// idsOf returns the ids in a receipt: that of the mail, else those of its
// recipients.
// sender returns the account that may have sent the mail: the last that was asked, unless
// it provably did not. It is empty when none is known.
func (r *Receipt) sender() string {
	for _, a := range slices.Backward(r.Accounts) {
		if a.Outcome != OutcomeNotSent {
			return a.Account
		}
	}
	return ""
}

func idsOf(r *Receipt) ([]string, error) {
	ids := []string{r.MessageID}
	if r.MessageID == "" {
		ids = nil
		for _, p := range r.Recipients {
			if p.MessageID != "" && !slices.Contains(ids, p.MessageID) {
				ids = append(ids, p.MessageID)
			}
		}
	}
	if len(ids) == 0 {
		return nil, Invalid(
			"message_id", "expected a receipt with an id; Settle looks for a mail without one",
		)
	}
	for _, id := range ids {
		if err := checkID("message_id", id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
