package mailing

import (
	"context"
	"fmt"
	"iter"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// thousand is how many contacts are looked at between two looks for changes. Tests change it.
var thousand = 1000

// Audience is whom a mailing is for: the members of a list, or contacts that the program gives.
// It takes some bytes for each address, for any number of them. It is not safe for concurrent
// use.
type Audience struct {
	// Most is the number of contacts that may be mailed; 0 means any number. All leaves out
	// those that come after it, with that reason. Count ignores it, so that Send can
	// compare the number with it.
	Most int

	client   *provider.Client
	list     provider.Ref
	given    iter.Seq2[provider.Contact, error] // nil: the members of the list
	stops    *Stops
	own      reasons // what given contacts say of themselves
	mailed   map[uint64]bool
	unread   int
	problems error
}

// Candidate is a contact, and why the mailing must not go to it: "" when it may.
type Candidate struct {
	provider.Contact
	Why string // the reason to leave it out, as Standing names it, or another of the Audience's
}

// Members returns an Audience of the members of a list of client's account, which need not
// be the one that sends. They are read page by page, once to count them and once while the
// mails go out, so who may be mailed is read shortly before each mail. from is the sender
// of the mails, or "".
func Members(client *provider.Client, list provider.Ref, from string) *Audience {
	a := newAudience(client, from)
	a.list = list
	a.stops.list, a.problems = client.ListID(list)
	if a.problems == nil && !client.Has(feature.ContactsListMembers) {
		a.problems = provider.Unsupported(feature.ContactsListMembers, "the members of a list cannot be read at %s; give the contacts themselves", client.Provider())
	}
	return a
}

// Given returns an Audience of contacts that the program has itself. The sequence is read
// several times. A contact is left out when it says itself that it gets no mail, when
// another one with the same address says so, or when client's account shows it; see Stops.
// from is the sender of the mails, or "".
func Given(client *provider.Client, contacts iter.Seq2[provider.Contact, error], from string) *Audience {
	a := newAudience(client, from)
	a.given = contacts
	return a
}

func newAudience(client *provider.Client, from string) *Audience {
	return &Audience{client: client, stops: NewStops(client, from), mailed: make(map[uint64]bool)}
}

// Blind reports that the provider shows nobody who has said no, so only the given contacts
// themselves can say it.
func (a *Audience) Blind() bool { return a.given != nil && a.stops.Blind() }

// Unread counts the contacts that could not be read in the last reading. Whether they may
// be mailed is not known, so they get no mail.
func (a *Audience) Unread() int { return a.unread }

// Count reads all contacts, without the look-ups that cost a request for each address. each
// gets every contact, also one whose address was there before. Afterwards All knows which
// given contacts say that they get no mail.
func (a *Audience) Count(ctx context.Context, each func(Candidate) error) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	seen := make(map[uint64]bool)
	for c, err := range a.contacts(ctx) {
		if err != nil {
			return err
		}
		why := a.why(c, seen, 0)
		if why == "" {
			seen[a.stops.sum(c.Email)] = true
		}
		if err := each(Candidate{c, why}); err != nil {
			return err
		}
	}
	return nil
}

// begin looks for stops for the first time, and at what given contacts say of themselves.
func (a *Audience) begin(ctx context.Context) error {
	if a.problems != nil || a.stops.begun {
		return a.problems
	}
	own := reasons{}
	for c, err := range a.ownWords() {
		if err != nil {
			return err
		}
		if why := Standing(c, "", a.stops.from); why != "" && c.Email != "" {
			own[a.stops.sum(c.Email)] = why
		}
	}
	a.own = own
	return a.stops.Look(ctx)
}

// ownWords are the given contacts; none of the members of a list, each of which is read with its
// standing.
func (a *Audience) ownWords() iter.Seq2[provider.Contact, error] {
	if a.given == nil {
		return func(func(provider.Contact, error) bool) {}
	}
	return a.given
}

// why is the first reason to leave c out, by what is known; most of those in seen are enough.
func (a *Audience) why(c provider.Contact, seen map[uint64]bool, most int) string {
	list := a.stops.list
	sum := a.stops.sum(c.Email)
	why := Standing(c, list, a.stops.from)
	switch {
	case why != "":
	case a.own[sum] != "":
		why = a.own[sum]
	case a.stops.known(c.Email) != "":
		why = a.stops.known(c.Email)
	case seen[sum]:
		why = "the address came before"
	case most > 0 && len(seen) >= most:
		why = fmt.Sprintf("beyond the %d that were allowed", most)
	}
	return why
}

// All iterates over the contacts and says of each whether it may be mailed. It reads that
// again before each thousand. An error comes once and last.
func (a *Audience) All(ctx context.Context) iter.Seq2[Candidate, error] {
	return func(yield func(Candidate, error) bool) {
		clear(a.mailed)
		ended := func(err error) { yield(Candidate{}, err) }
		if err := a.begin(ctx); err != nil {
			ended(err)
			return
		}
		next := make([]provider.Contact, 0, thousand)
		flush := func() (bool, error) {
			if err := a.stops.Look(ctx); err != nil {
				return false, err
			}
			for _, c := range next {
				why := a.why(c, a.mailed, a.Most)
				if why == "" {
					var err error
					if why, err = a.stops.Why(ctx, c.Email); err != nil {
						return false, err
					}
				}
				if why == "" {
					a.mailed[a.stops.sum(c.Email)] = true
				}
				if !yield(Candidate{c, why}, nil) {
					return false, nil
				}
			}
			next = next[:0]
			return true, nil
		}
		for c, err := range a.contacts(ctx) {
			if err != nil {
				ended(err)
				return
			}
			if next = append(next, c); len(next) < thousand {
				continue
			}
			if ok, err := flush(); !ok {
				if err != nil {
					ended(err)
				}
				return
			}
		}
		if len(next) > 0 {
			if _, err := flush(); err != nil {
				ended(err)
			}
		}
	}
}

// contacts are the given ones, or the members of the list.
func (a *Audience) contacts(ctx context.Context) iter.Seq2[provider.Contact, error] {
	if a.given != nil {
		return a.given
	}
	return func(yield func(provider.Contact, error) bool) {
		a.unread = 0
		q := provider.ContactQuery{List: a.list, WithoutEmail: true}
		for {
			page, err := a.client.ListContacts(ctx, q)
			if err == nil && page.Next != "" && page.Next == q.Cursor {
				err = &provider.Error{Kind: provider.ErrBadResponse, Provider: a.client.Provider(), Account: a.client.Account(), Op: "contacts.list", Message: "the provider gives the same page again"}
			}
			if err != nil {
				yield(provider.Contact{}, err)
				return
			}
			a.unread += page.Unread
			for _, c := range page.Items {
				if !yield(c, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.Cursor = page.Next
		}
	}
}

// Left looks once more, after the mails went out, and counts those of the last All whom the
// provider shows as stopped now: their mail may have been on its way. Where the provider tells
// no changes, it reads the whole list again; who is not there any more is not counted.
func (a *Audience) Left(ctx context.Context) (int, error) {
	if len(a.mailed) == 0 {
		return 0, nil
	}
	if err := a.stops.Look(ctx); err != nil {
		return 0, err
	}
	gone := make(map[uint64]bool)
	for sum := range a.mailed {
		if a.stops.suppressions[sum] != "" || a.stops.contacts[sum] != "" {
			gone[sum] = true
		}
	}
	if a.given != nil || a.stops.since {
		return len(gone), nil
	}
	for c, err := range a.contacts(ctx) {
		if err != nil {
			return 0, err
		}
		if sum := a.stops.sum(c.Email); a.mailed[sum] && Standing(c, a.stops.list, a.stops.from) != "" {
			gone[sum] = true
		}
	}
	return len(gone), nil
}
