package memory

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/postmux/postmux/provider"
)

// Cancel withdraws a mail whose send time has not come.
func (a *adapter) Cancel(ctx context.Context, r *provider.Receipt) error {
	if err := a.enter(ctx); err != nil {
		return err
	}
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.messages, func(m Sent) bool { return m.ID == r.MessageID })
	switch {
	case i < 0 || a.messages[i].Withdrawn:
		return notFound("no such message")
	case !a.messages[i].Message.SendAt.After(time.Now()):
		return &provider.Error{
			Kind: provider.ErrConflict, Outcome: provider.OutcomeNotSent, Status: 409,
			Message: "the message has gone out",
		}
	}
	a.messages[i].Withdrawn = true
	return nil
}

// suppress stops mail to an address; the first reason stays.
func (s *Store) suppress(email, reason string) {
	if _, ok := s.suppressed[key(email)]; !ok {
		s.suppressed[key(email)] = provider.Suppression{
			Email: email, Channel: provider.ChannelEmail, Scope: provider.ScopeAll, Reason: provider.Reason(reason), At: now(),
		}
	}
}

func (a *adapter) ListSuppressions(
	ctx context.Context, cursor string,
) (*provider.Page[provider.Suppression], error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	page := &provider.Page[provider.Suppression]{}
	// The cursor is the last address of the previous page: addresses added meanwhile do
	// not shift the pages.
	for _, email := range slices.Sorted(maps.Keys(a.suppressed)) {
		if email <= cursor {
			continue
		}
		if len(page.Items) == pageSize {
			page.Next = key(page.Items[pageSize-1].Email)
			break
		}
		page.Items = append(page.Items, a.suppressed[email])
	}
	return page, nil
}

func (a *adapter) AddSuppression(
	ctx context.Context, email, reason string,
) (*provider.ContactReceipt, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	a.suppress(email, reason)
	return &provider.ContactReceipt{State: provider.ContactDone}, nil
}

func (a *adapter) RemoveSuppression(
	ctx context.Context, email string,
) (*provider.ContactReceipt, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	if _, ok := a.suppressed[key(email)]; !ok {
		return nil, notFound("the address is not suppressed")
	}
	delete(a.suppressed, key(email))
	return &provider.ContactReceipt{State: provider.ContactDone}, nil
}

func (a *adapter) Resubscribe(
	ctx context.Context, email string, list provider.Ref,
) (*provider.ContactReceipt, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	c, ok := a.contacts[key(email)]
	if !ok {
		return nil, notFound("no such contact")
	}
	if list.IsZero() {
		delete(a.suppressed, key(email))
		for id := range c.lists {
			c.lists[id] = provider.StatusSubscribed
		}
	} else {
		if _, ok := a.lists[list.ID]; !ok {
			return nil, notFound("no such list")
		}
		c.lists[list.ID] = provider.StatusSubscribed
	}
	c.ModifiedAt = now()
	return &provider.ContactReceipt{State: provider.ContactDone}, nil
}

func (a *adapter) CreateList(ctx context.Context, name string) (*provider.List, error) {
	if err := a.enter(ctx); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	n := 1
	for id := range a.lists { // ids given by AddList may be numbers too
		if taken, err := strconv.Atoi(id); err == nil {
			n = max(n, taken+1)
		}
	}
	id := strconv.Itoa(n)
	a.lists[id] = name
	return &provider.List{ID: id, Name: name}, nil
}

func (a *adapter) DeleteList(ctx context.Context, list provider.Ref) error {
	if err := a.enter(ctx); err != nil {
		return err
	}
	defer a.mu.Unlock()
	if _, ok := a.lists[list.ID]; !ok {
		return notFound("no such list")
	}
	delete(a.lists, list.ID)
	for _, c := range a.contacts {
		delete(c.lists, list.ID)
	}
	return nil
}
