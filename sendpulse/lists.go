package sendpulse

import (
	"context"
	"errors"
	"fmt"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

func (a *adapter) ListLists(ctx context.Context, cursor string) (*provider.ListPage, error) {
	offset, err := parseOffset(cursor)
	if err != nil {
		return nil, err
	}
	size := pageSize(0)
	rows, err := a.api.ListLists(ctx, &sendpulseapi.ListListsParams{Limit: &size, Offset: &offset})
	if err != nil {
		return nil, err
	}
	page := &provider.ListPage{}
	for _, row := range *rows {
		if l, there := listFromAPI(row); there {
			page.Lists = append(page.Lists, l)
		}
	}
	if next := nextOffset(offset, size, len(*rows)); next > 0 {
		page.Next = fmt.Sprint(next)
	}
	return page, nil
}

// AddToList looks every address up before it is added, for the reason told at
// UpsertContact; the same race is there.
func (a *adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := listID("list", list)
	if err != nil {
		return nil, err
	}
	return inGroups(emails, func(group []string) (map[string]*provider.Error, error) {
		refused := map[string]*provider.Error{}
		var body sendpulseapi.AddContactsRequest
		for _, wire := range group {
			members, err := a.memberships(ctx, wire, rest.WithThen("look up each further address and add those to the list that may be"))
			if err != nil && !errors.Is(err, provider.ErrNotFound) {
				return nil, err
			}
			if _, why := mayAdd(id, members); why != "" {
				refused[mailaddr.Key(wire)] = &provider.Error{Kind: provider.ErrConflict, Outcome: provider.NotSent, Message: "not added: " + why}
				continue
			}
			body.Emails = append(body.Emails, sendpulseapi.NewContact{Email: wire})
		}
		if len(body.Emails) == 0 {
			return refused, nil
		}
		_, err := a.api.AddContacts(ctx, id, body, harmless)
		if e := ofGroup(err); e != nil {
			for _, c := range body.Emails {
				refused[mailaddr.Key(c.Email)] = e
			}
			return refused, nil
		}
		return refused, err
	})
}

func (a *adapter) RemoveFromList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := listID("list", list)
	if err != nil {
		return nil, err
	}
	return inGroups(emails, func(group []string) (map[string]*provider.Error, error) {
		_, err := a.api.RemoveContacts(ctx, id, sendpulseapi.AddressList{Emails: group})
		e := ofGroup(err)
		if e == nil {
			return nil, err
		}
		refused := make(map[string]*provider.Error, len(group))
		for _, wire := range group {
			refused[mailaddr.Key(wire)] = e
		}
		return refused, nil
	})
}

// ofGroup is err when it is about the addresses of a group and not about the
// call, the account or the list.
func ofGroup(err error) *provider.Error {
	var e *provider.Error
	const notOnList = "303"
	if errors.As(err, &e) && (e.Kind == provider.ErrInvalid || e.Code == notOnList) {
		return e
	}
	return nil
}

// inGroups calls change for groups of addresses and gives each its result. When
// a call fails, the results are those of the groups before.
func inGroups(emails []string, change func(group []string) (map[string]*provider.Error, error)) ([]provider.MemberResult, error) {
	all, err := wires(emails)
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
