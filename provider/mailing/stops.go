package mailing

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// Stops knows who has said no at an account, as far as its provider shows it: from the
// contacts, from those that have changed since the last reading, and from the list of
// suppressions. It takes some bytes for each address that is stopped. It is not safe for
// concurrent use.
type Stops struct {
	client *provider.Client
	from   string // the sender
	list   string // "": standing on any list counts
	since  bool   // the provider tells which contacts have changed
	// each asks for each address: the provider can only be asked for one.
	each       bool
	suppressed bool // the provider lists suppressions
	begun      bool
	seed       maphash.Seed

	contacts     reasons
	suppressions reasons
	looked       time.Time // of the last look
	asked        int       // calls of Next
}

// reasons are why addresses get no mail, by the sums of their keys.
type reasons map[uint64]string

// NewStops returns the stops of an account. It makes no request. from is the sender of the
// mail: suppressions of mail from another sender do not count; "" counts all.
func NewStops(client *provider.Client, from string) *Stops {
	s := &Stops{
		client: client, from: from, seed: maphash.MakeSeed(), contacts: reasons{}, suppressions: reasons{},
		since:      client.Has(feature.ContactsList) && client.Has(feature.ContactsListModifiedSince),
		suppressed: client.Has(feature.SuppressionsList),
	}
	s.each = !s.since && client.Has(feature.ContactsGet)
	return s
}

// Blind reports that the provider shows nobody who has said no.
func (s *Stops) Blind() bool { return !s.since && !s.each && !s.suppressed }

// overlap is how far a look goes back before the last one: clocks differ, and a provider may
// show a change late.
const overlap = 15 * time.Minute

// Look reads who has said no: the first time everybody, later only what has changed.
// Providers that can list changed contacts hold back mail to suppressed addresses
// themselves, so there the list of suppressions is read the first time only.
func (s *Stops) Look(ctx context.Context) error {
	now := time.Now()
	if s.suppressed && (!s.begun || !s.since) {
		found := reasons{}
		for one, err := range s.client.AllSuppressions(ctx) {
			if err != nil {
				return err
			}
			if why := suppressed(one, s.from); why != "" {
				found[s.sum(one.Email)] = why
			}
		}
		s.suppressions = found
	}
	// The members of a list are read with their standing, so only changes are of interest.
	if s.since && (s.begun || s.list == "") {
		q := provider.ContactQuery{}
		if s.begun {
			q.ModifiedSince = s.looked.Add(-overlap)
		}
		for c, err := range s.client.AllContacts(ctx, q) {
			if err != nil {
				return err
			}
			s.take(c)
		}
	}
	s.begun, s.looked = true, now
	return nil
}

func (s *Stops) take(c provider.Contact) {
	if why := Standing(c, s.list, s.from); why != "" {
		s.contacts[s.sum(c.Email)] = why
	} else {
		delete(s.contacts, s.sum(c.Email))
	}
}

// Why returns why an address gets no mail, "" when nothing is known against it. Where the
// provider has to be asked for each address, it makes one request.
func (s *Stops) Why(ctx context.Context, email string) (string, error) {
	if why := s.known(email); why != "" || !s.each || s.list != "" {
		return why, nil
	}
	c, err := s.client.GetContact(ctx, email)
	switch {
	case errors.Is(err, provider.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	}
	c.Email = email
	return Standing(*c, "", s.from), nil
}

// Next returns why m must not go out, "" when nothing is known against it: the first of its
// recipients who has said no, with the reason. Nothing is known against a nil m. Next looks by
// itself, before the first message and each thousand.
func (s *Stops) Next(ctx context.Context, m *provider.Message) (string, error) {
	if s.asked%thousand == 0 {
		if err := s.Look(ctx); err != nil {
			return "", err
		}
	}
	s.asked++
	if m == nil {
		return "", nil
	}
	for _, email := range recipients(m) {
		if why, err := s.Why(ctx, email); why != "" || err != nil {
			return email + ": " + why, err
		}
	}
	return "", nil
}

func recipients(m *provider.Message) []string {
	var out []string
	for _, list := range [][]provider.Address{m.To, m.Cc, m.Bcc} {
		for _, a := range list {
			out = append(out, a.Email)
		}
	}
	for _, r := range m.Recipients {
		out = append(out, r.Email)
	}
	return out
}

// Filter returns the messages that may go out as far as Next knows, for Client.SendBatch.
// leftOut, if not nil, gets the others with the reason.
func (s *Stops) Filter(
	ctx context.Context, messages iter.Seq2[*provider.Message, error], leftOut func(m *provider.Message, why string),
) iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for m, err := range messages {
			why := ""
			if err == nil {
				why, err = s.Next(ctx, m)
			}
			switch {
			case err != nil:
				yield(nil, err)
				return
			case why != "":
				if leftOut != nil {
					leftOut(m, why)
				}
			case !yield(m, nil):
				return
			}
		}
	}
}

func (s *Stops) known(email string) string {
	sum := s.sum(email)
	if why := s.suppressions[sum]; why != "" {
		return why
	}
	return s.contacts[sum]
}

func (s *Stops) sum(email string) uint64 { return maphash.String(s.seed, keyOf(email)) }
