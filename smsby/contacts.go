package smsby

import (
	"context"
	"strconv"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest"
)

// UpsertContact imports one row into each list. A contact is a row of a list
// there, so several lists are several calls: when a later one fails, the earlier
// ones have stored the contact, and the error says so. Who is to get no mail is
// unsubscribed after that, because an import puts the address on the list.
func (a *adapter) UpsertContact(ctx context.Context, change provider.ContactChange) (*provider.ContactReceipt, error) {
	off, everywhere, reason, notes, err := stopsOf(change)
	if err != nil {
		return nil, err
	}
	if len(change.Memberships) == 0 && !everywhere {
		return nil, provider.Unsupported(feature.ContactsUpsertWithoutList, "a contact is always on a list")
	}
	joins, _ := adapterkit.Joins(change)
	lists, err := adapterkit.Numbers(append(off, joins...))
	if err != nil {
		return nil, err
	}
	names, row, more, err := rowToAPI(change, a.nameField)
	if err != nil {
		return nil, err
	}
	notes = append(notes, more...)
	if len(joins) > 0 {
		notes = append(notes, mayLift)
	}
	s := storing{r: &provider.ContactReceipt{State: provider.ContactUnknown, Notes: notes}}
	var then []rest.Option
	if len(lists) > 1 {
		then = append(then, rest.WithThen("the same for each further list"))
	}
	for i, list := range lists {
		state, err := a.store(ctx, list, names, row, then...)
		if s.settle(list, state, err); s.err == nil && i < len(off) && !everywhere {
			s.err = s.stopped(a.unsubscribe(ctx, change.Email, adapterkit.Text(off[i]), reason))
		}
		if s.err != nil {
			break
		}
	}
	if everywhere && s.err == nil {
		s.err = s.stopped(a.unsubscribe(ctx, change.Email, nil, reason))
		if s.err == nil && s.done == 0 {
			s.r.State = provider.ContactDone
		}
	}
	return s.r, s.err
}

// stopped is the error of a change whose last step was to unsubscribe.
func (s *storing) stopped(err error) error {
	if err == nil || adapterkit.Taken(err) {
		return nil
	}
	s.r.State = provider.ContactUnknown
	return adapterkit.Midway(err, s.done, "stored on %d lists, then unsubscribing", s.done)
}

// stopsOf maps the words of a change: the vendor keeps an unsubscription from a list, and one
// from all lists. The status of the whole change is the second,
// and so is one that is about the address and not about a list.
func stopsOf(change provider.ContactChange) (off []string, everywhere bool, reason string, notes []provider.Note, err error) {
	_, stops := adapterkit.Joins(change)
	everywhere = change.Status.Terminal()
	for _, m := range stops {
		off = append(off, m.List)
		everywhere = everywhere || m.Status != provider.StatusUnsubscribed
	}
	if everywhere {
		notes = append(notes, provider.Note{Field: "status", Action: provider.NoteConverted, Why: "unsubscribed from all lists"})
	}
	more, err := adapterkit.Suppressions(change, true, func(s provider.Suppression) error {
		if s.Channel != provider.ChannelEmail || s.Sender != "" || s.Scope == provider.ScopeTransactional {
			return adapterkit.NoSuppression(feature.ContactsUpsertSuppressed, s)
		}
		everywhere, reason = true, string(s.Reason)
		return nil
	})
	return off, everywhere, reason, append(notes, more...), err
}

func (a *adapter) unsubscribe(ctx context.Context, email string, list *string, reason string) error {
	wire, err := adapterkit.Wire("email", email)
	if err != nil {
		return err
	}
	_, err = a.api.UnsubscribeEmail(ctx, smsbyapi.UnsubscribeForm{Email: wire, ListIDs: list, Reason: adapterkit.Text(reason)})
	return err
}

// store imports one row. The vendor answers counters, no id.
func (a *adapter) store(ctx context.Context, list int64, names, row []string, opts ...rest.Option) (provider.ContactState, error) {
	answer, err := a.api.ImportContacts(ctx, &smsbyapi.ImportContactsParams{ListID: list, FieldNames: names, Data: [][]string{row}}, opts...)
	if err != nil {
		return "", err
	}
	return storedState(answer.Result.Value)
}

func (a *adapter) Unsubscribe(ctx context.Context, email string, list provider.Ref, reason string) (*provider.ContactReceipt, error) {
	lists, err := oneList(list)
	if err != nil {
		return nil, err
	}
	if _, err := adapterkit.Wire("email", email); err != nil {
		return nil, err
	}
	return adapterkit.Done(a.unsubscribe(ctx, email, lists, reason))
}

// oneList is the list as a form names lists, nil for all. It is read as a number, so
// that a comma cannot name further ones.
func oneList(list provider.Ref) (*string, error) {
	if list.IsZero() {
		return nil, nil
	}
	id, err := adapterkit.ListID("list", list)
	return adapterkit.Text(strconv.FormatInt(id, 10)), err
}

// AddToList imports one row for each address. Rows of one call could be told
// apart only by an index whose start is not documented.
func (a *adapter) AddToList(ctx context.Context, list provider.Ref, emails []string) ([]provider.MemberResult, error) {
	id, err := adapterkit.ListID("list", list)
	if err != nil {
		return nil, err
	}
	wires, err := adapterkit.Wires(emails)
	if err != nil {
		return nil, err
	}
	var then []rest.Option
	if len(emails) > 1 {
		then = append(then, rest.WithThen("the same for each further address"))
	}
	return adapterkit.EachMember(emails, []provider.Kind{provider.ErrInvalid}, func(i int) error {
		_, err := a.store(ctx, id, []string{"email"}, wires[i:i+1], then...)
		return err
	})
}
