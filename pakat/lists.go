package pakat

import (
	"context"
	"errors"
	"slices"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func (a *adapter) ListLists(ctx context.Context, cursor string) (*provider.Page[provider.List], error) {
	return adapterkit.PageOf(pages, cursor, func(at, size int64, into *provider.Page[provider.List]) (adapterkit.Answer, error) {
		answer, err := a.api.ListLists(ctx, &pakatapi.ListListsParams{Page: &at, PerPage: &size})
		if err != nil {
			return adapterkit.Answer{}, err
		}
		d := answer.Data
		into.Items = nil
		for _, l := range d.Records {
			into.Items = append(into.Items, listFromAPI(l))
		}
		return answerOf(d.Records, 0, listName, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
	})
}

func listName(l *pakatapi.List) string { return adapterkit.IDOf(l.General.UID) }

// AddToList creates a record in the list for each address. Whoever has left the
// list or is blocked stays so.
func (a *adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	kinds := []provider.Kind{provider.ErrInvalid, provider.ErrConflict} // not found is the list
	return adapterkit.EachMember(emails, kinds, func(i int) error { return a.addMember(ctx, list.ID, emails[i]) })
}

func (a *adapter) addMember(ctx context.Context, list, email string) error {
	wire, found, err := a.search(ctx, email, "add the address to the list")
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(found, func(s pakatapi.Subscriber) bool { return s.List.UID == list }); i >= 0 {
		return member(found[i].Status)
	}
	if why := standingOf(found).Bars(list); why != "" {
		var barred adapterkit.Barred
		barred.Add(list, why)
		return barred.Err(false)
	}
	_, err = a.api.CreateSubscriber(ctx, list, pakatapi.SubscriberForm{Email: wire})
	if errors.Is(err, provider.ErrConflict) { // it joined the list after the search, or is refused for something else
		match, searchErr := a.api.GetSubscriberByEmail(ctx, list, &pakatapi.GetSubscriberByEmailParams{Email: wire})
		switch {
		case searchErr == nil:
			return member(match.Data.Status)
		case !errors.Is(searchErr, provider.ErrNotFound):
			return searchErr
		}
	}
	return err
}

// member is the result for an address that is on the list already.
func member(status string) error {
	switch statusFromWire(status) {
	case provider.StatusSubscribed, provider.StatusPending:
		return nil
	}
	return adapterkit.Conflict("email", "the address is "+status+" on the list and is left so; resubscribe is the verb for that")
}

// RemoveFromList deletes records. A record that says unsubscribed or blocked is
// kept: without it, the next upsert would put the address back.
func (a *adapter) RemoveFromList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	kinds := []provider.Kind{provider.ErrInvalid, provider.ErrConflict, provider.ErrNotFound}
	return adapterkit.EachMember(emails, kinds, func(i int) error { return a.removeMember(ctx, list.ID, emails[i]) })
}

func (a *adapter) removeMember(ctx context.Context, list, email string) error {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return err
	}
	match, err := a.api.GetSubscriberByEmail(ctx, list, &pakatapi.GetSubscriberByEmailParams{Email: wire}, rest.WithThen("delete it from the list"))
	if err != nil {
		return err
	}
	if statusFromWire(match.Data.Status).Terminal() {
		return adapterkit.Conflict("email", "the address is "+match.Data.Status+" on the list, and deleting it would forget that")
	}
	_, err = a.api.DeleteSubscriber(ctx, list, match.Data.UID)
	return err
}
