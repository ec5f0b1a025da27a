package sendpulse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

const (
	// importMost is how many addresses a look-up and an add take. The vendor names
	// no number for either; this one is a guess. A call that is refused is halved.
	importMost = 500
	// importCost is what a row costs in memory beside its texts.
	importCost = 800
)

// bulkImport stores rows by one look-up and one add a list for many of them.
type bulkImport struct {
	*adapter
	shared adapterkit.Shared[[]int64] // lists
}

// importRow is a contact on its way.
type importRow struct {
	lists     *[]int64
	wire      string
	variables map[string]any // without the phone number
	phone     provider.Change[string]
}

func (a *adapter) NewBulkImport() provider.BulkImport { return &bulkImport{adapter: a} }

func (b *bulkImport) Limits() provider.GroupLimits {
	return provider.GroupLimits{Items: importMost, Bytes: 2_000_000}
}

func (b *bulkImport) Row(_ context.Context, change provider.ContactChange) (provider.BulkRow, error) {
	wire, err := adapterkit.Wire("email", change.Email)
	if err != nil {
		return provider.BulkRow{}, err
	}
	joins, _ := adapterkit.Joins(change)
	lists, err := adapterkit.Numbers(joins)
	if err != nil {
		return provider.BulkRow{}, err
	}
	variables, err := b.names.variablesToAPI(change)
	if err != nil {
		return provider.BulkRow{}, err
	}
	size := importCost + len(wire)
	for name, v := range variables {
		size += 64 + len(name)
		if text, ok := v.(string); ok {
			size += len(text)
		}
	}
	slices.Sort(lists)
	key, shared := b.shared.Of(fmt.Sprint(lists), lists)
	return provider.BulkRow{Key: key, Bytes: size, Data: &importRow{shared, wire, variables, change.Phone}}, nil
}

// storing is a row in Store.
type storing struct {
	*upsert
	after provider.ContactState
	err   error
	left  bool // its standing forbids an add to one of the lists
}

// Store looks up where the addresses are and adds those that may be added to
// every list. The others take the way of UpsertContact, list by list.
func (b *bulkImport) Store(ctx context.Context, rows []provider.BulkRow) ([]provider.ImportResult, error) {
	lists := *rows[0].Data.(*importRow).lists
	all := make([]*storing, len(rows))
	for i, row := range rows {
		data := row.Data.(*importRow)
		all[i] = &storing{upsert: &upsert{
			adapter: b.adapter, wire: data.wire, variables: data.variables, phone: data.phone,
			steps: steps{r: &provider.ContactReceipt{State: provider.ContactUnknown}},
		}}
	}
	if err := b.look(ctx, all, lists); err != nil {
		return nil, err
	}
	for i, list := range lists {
		open := slices.DeleteFunc(slices.Clone(all), func(s *storing) bool { return s.left || s.err != nil })
		if err := b.addAll(ctx, list, open); i == 0 && adapterkit.Limited(err) {
			return nil, err // nothing is stored yet, and the import waits for the limit
		}
	}
	results := make([]provider.ImportResult, len(all))
	for i, s := range all {
		for _, list := range lists {
			if s.left && s.err == nil {
				s.err = s.on(ctx, list)
			}
		}
		if s.err == nil {
			s.r.State, s.err = s.after, s.barred.Err(len(s.done) > 0)
		}
		results[i] = provider.ImportResult{Receipt: s.r, Err: s.err}
	}
	return results, nil
}

// look asks where the addresses are. One that the answer does not name is asked
// for by itself: whether the vendor leaves out those that it does not know, or
// those that are too many, is not documented.
func (b *bulkImport) look(ctx context.Context, all []*storing, lists []int64) error {
	wires := make([]string, len(all))
	for i, s := range all {
		wires[i] = s.wire
	}
	got, err := b.lookUp(ctx, wires)
	if err != nil {
		return err
	}
	for _, s := range all {
		members, there := got[mailaddr.Key(s.wire)]
		if !there {
			members, err = b.memberships(ctx, s.wire)
			if err != nil && !errors.Is(err, provider.ErrNotFound) {
				return err
			}
		}
		s.members, s.after = members, provider.ContactUpdated
		if len(members) == 0 {
			s.after = provider.ContactCreated
		}
		s.left = slices.ContainsFunc(lists, func(list int64) bool {
			_, why := mayAdd(list, members)
			return why != ""
		})
	}
	return nil
}

// lookUp are the memberships of addresses by key, of half of them at a time when
// the vendor refuses so many.
func (b *bulkImport) lookUp(ctx context.Context, wires []string) (map[string][]sendpulseapi.Membership, error) {
	got, err := b.api.ListMembershipsOfAddresses(ctx, sendpulseapi.Addresses{Emails: wires}, rest.WithThen("add the contacts to each list"))
	if refused(err) && len(wires) > 1 {
		half := len(wires) / 2
		first, err := b.lookUp(ctx, wires[:half])
		if err != nil {
			return nil, err
		}
		second, err := b.lookUp(ctx, wires[half:])
		maps.Copy(first, second)
		return first, err
	}
	if refused(err) {
		return map[string][]sendpulseapi.Membership{}, nil // its own look-up tells what is wrong with it
	}
	if err != nil {
		return nil, err
	}
	out := make(map[string][]sendpulseapi.Membership, len(*got))
	for email, members := range *got {
		out[mailaddr.Key(email)] = members
	}
	return out, nil
}

// addAll adds rows to a list. A refusal is about the call as a whole and names no
// row, so each half is tried by itself, down to the row that is meant. What was
// added before is added again, which changes nothing. The error is that of the
// call for all rows; each has it too.
func (b *bulkImport) addAll(ctx context.Context, list int64, rows []*storing) error {
	if len(rows) == 0 {
		return nil
	}
	body := sendpulseapi.AddContactsRequest{Emails: make([]sendpulseapi.NewContact, len(rows))}
	for i, s := range rows {
		body.Emails[i] = s.contact()
	}
	_, err := b.api.AddContacts(ctx, list, body, unconfirmed)
	if refused(err) && len(rows) > 1 {
		half := len(rows) / 2
		_ = b.addAll(ctx, list, rows[:half])
		_ = b.addAll(ctx, list, rows[half:])
		return nil
	}
	for _, s := range rows {
		s.err = s.step(listStep(list), err)
	}
	return err
}

// refused reports whether the vendor refused what is in a call. A list that is
// not there is no such refusal: halves would meet it too.
func refused(err error) bool {
	var e *provider.Error
	if !errors.As(err, &e) || e.Outcome == provider.OutcomeMaybeSent || e.Outcome == provider.OutcomeSent {
		return false
	}
	const noList = "213"
	return e.Kind == provider.ErrInvalid || e.Kind == provider.ErrNotFound && e.Code != noList
}
