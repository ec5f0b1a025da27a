package sendpulse

import (
	"context"
	"errors"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func (a *adapter) ListLists(ctx context.Context, cursor string) (*provider.Page[provider.List], error) {
	return adapterkit.PageOf(pages, cursor, func(at, size int64, into *provider.Page[provider.List]) (adapterkit.Answer, error) {
		rows, err := a.api.ListLists(ctx, &sendpulseapi.ListListsParams{Limit: &size, Offset: &at})
		into.Items = nil
		for _, row := range rows {
			if l, there := listFromAPI(row); there {
				into.Items = append(into.Items, l)
			}
		}
		return adapterkit.AnswerOf(rows, listName), err
	})
}

// AddToList looks every address up before it is added, for the reason told at
// UpsertContact; the same race is there. Who is on the list already stays as it is.
func (a *adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	return inGroups(emails, func(group []string) (map[string]*provider.Error, error) {
		var body sendpulseapi.AddContactsRequest
		then := rest.WithThen("look up each further address and add those to the list that may be")
		open, refused, err := a.look(ctx, group, then, func(members []sendpulseapi.Membership) (bool, *provider.Error) {
			if _, why := mayAdd(id, members); why != "" {
				var barred adapterkit.Barred
				barred.Add(list.ID, why)
				e, _ := errors.AsType[*provider.Error](barred.Err(false))
				return false, e
			}
			status := statusOn(id, members)
			return status != provider.StatusSubscribed && status != provider.StatusPending, nil
		})
		if err != nil || len(open) == 0 {
			return refused, err
		}
		for _, wire := range open {
			body.Emails = append(body.Emails, sendpulseapi.NewContact{Email: wire})
		}
		_, err = a.api.AddContacts(ctx, id, body, unconfirmed)
		return ofGroup(err, open, refused)
	})
}

// RemoveFromList deletes what the list knows of an address. Who has unsubscribed
// from it or is blocked there is kept, so that the next upsert does not put the
// address back: each is looked up before. One that leaves between the look-up
// and the call is deleted all the same.
func (a *adapter) RemoveFromList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	return inGroups(emails, func(group []string) (map[string]*provider.Error, error) {
		then := rest.WithThen("look up each further address and remove those from the list that have not left it by themselves")
		open, refused, err := a.look(ctx, group, then, func(members []sendpulseapi.Membership) (bool, *provider.Error) {
			if status := statusOn(id, members); status.Terminal() {
				return false, adapterkit.Conflict("email", "the address is "+string(status)+" on the list, and removing it would forget that")
			}
			return true, nil
		})
		if err != nil || len(open) == 0 {
			return refused, err
		}
		_, err = a.api.RemoveContacts(ctx, id, sendpulseapi.Addresses{Emails: open})
		return ofGroup(err, open, refused)
	})
}

// look asks where each address of a group is, and judge whether the change is
// to be made for it. open are those for which it is, refused those that may not
// be changed.
func (a *adapter) look(ctx context.Context, group []string, then rest.Option, judge func([]sendpulseapi.Membership) (bool, *provider.Error)) (open []string, refused map[string]*provider.Error, err error) {
	refused = map[string]*provider.Error{}
	for _, wire := range group {
		members, err := a.memberships(ctx, wire, then)
		if err != nil && !errors.Is(err, provider.ErrNotFound) {
			return nil, nil, err
		}
		needed, e := judge(members)
		if e != nil {
			refused[mailaddr.Key(wire)] = e
		} else if needed {
			open = append(open, wire)
		}
	}
	return open, refused, nil
}

// statusOn is empty for an address that is not on the list.
func statusOn(list int64, members []sendpulseapi.Membership) provider.MembershipStatus {
	for _, m := range members {
		if int64(m.ListID) == list {
			return standingOf(int64(m.Status)).status
		}
	}
	return ""
}

// ofGroup gives err to each address of the group when it is about them and not
// about the call, the account or the list. A change whose answer is of no use is made.
func ofGroup(err error, group []string, refused map[string]*provider.Error) (map[string]*provider.Error, error) {
	var e *provider.Error
	const notOnList = "303"
	switch {
	case err == nil || adapterkit.Taken(err):
		return refused, nil
	case !errors.As(err, &e) || e.Kind != provider.ErrInvalid && e.Code != notOnList:
		return nil, err
	}
	for _, wire := range group {
		refused[mailaddr.Key(wire)] = e
	}
	return refused, nil
}

// inGroups calls change for groups of addresses and gives each its result. When
// a call fails, the results are those of the groups before.
func inGroups(emails []string, change func(group []string) (map[string]*provider.Error, error)) ([]provider.MemberResult, error) {
	all, err := adapterkit.Wires(emails)
	if err != nil {
		return nil, err
	}
	results := make([]provider.MemberResult, 0, len(emails))
	for start := 0; start < len(all); start += groupMost {
		group := all[start:min(start+groupMost, len(all))]
		refused, err := change(group)
		if err != nil {
			return results, err
		}
		for i, wire := range group {
			results = append(results, provider.MemberResult{Email: emails[start+i], Error: refused[mailaddr.Key(wire)]})
		}
	}
	return results, nil
}
