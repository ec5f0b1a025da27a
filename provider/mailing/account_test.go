package mailing_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// account is a provider with contacts that change while mails go out. It pages by offset, so that
// changes move the pages, and counts its calls.
type account struct {
	features []provider.Feature
	pageSize int

	mu       sync.Mutex
	members  []*member
	calls    map[string]int
	got      map[string][]int // the numbers of the calls that sent to an address
	clock    int              // calls so far
	change   func()           // called with mu held, before each call
	duration func() time.Duration
}

type member struct {
	provider.Contact
	// When the person left the list, and all mail, by the account's clock; 0 means not.
	leftList, leftAll int
	// When the account last told of each.
	toldList, toldAll int
}

const listID = "4"

var (
	sends        = []provider.Feature{feature.MessageHTML, feature.MessageText, feature.MessageTextOnly, feature.MessageHeaders, feature.MessageHeadersListUnsubscribe, feature.MessageToMany}
	membersOnly  = []provider.Feature{feature.ContactsListMembers}
	suppressions = []provider.Feature{feature.SuppressionsList}
	changes      = []provider.Feature{feature.ContactsList, feature.ContactsListModifiedSince}
	single       = []provider.Feature{feature.ContactsGet}
)

func (a *account) Capabilities() provider.Capabilities {
	out := make(provider.Capabilities)
	for _, f := range slices.Concat(sends, a.features) {
		out[f] = provider.Support{Level: provider.LevelNative, Basis: "document", Checked: "fake"}
	}
	return out
}

// enter begins a call.
func (a *account) enter(ctx context.Context, call string) error {
	if a.duration != nil {
		select {
		case <-time.After(a.duration()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	a.mu.Lock()
	if a.change != nil {
		a.change()
	}
	a.clock++
	a.calls[call]++
	return nil
}

func (a *account) now() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.clock
}

func (a *account) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	if err := a.enter(ctx, "send"); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	email := keyOf(m.To[0].Email)
	if a.got != nil {
		a.got[email] = append(a.got[email], a.clock)
	}
	return m.Accepted(strconv.Itoa(a.clock)), nil
}

func keyOf(email string) string {
	key, err := provider.EmailKey(email)
	if err != nil {
		panic(err)
	}
	return key
}

// told is the contact as the account shows it.
func (a *account) told(m *member) provider.Contact {
	c := m.Contact
	m.toldList = a.clock
	if !slices.Contains(a.features, feature.SuppressionsList) {
		m.toldAll = a.clock
		if m.leftAll > 0 {
			c.Suppressed = []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeAll, Reason: "unsubscribed"}}
		}
	}
	return c
}

func (a *account) ListContacts(ctx context.Context, q provider.ContactQuery) (*provider.Page[provider.Contact], error) {
	if err := a.enter(ctx, "list"); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	if !q.ModifiedSince.IsZero() && q.Cursor == "" {
		for _, m := range a.members {
			a.told(m) // it tells of all, also by saying nothing
		}
	}
	// The members of a list are counted off, so changes move them; the contacts have numbers.
	from, _ := strconv.Atoi(q.Cursor)
	page := &provider.Page[provider.Contact]{}
	at := 0
	for i, m := range a.members {
		onList := slices.ContainsFunc(m.Memberships, func(x provider.Membership) bool { return x.List == q.List.ID })
		if !q.List.IsZero() && !onList || m.ModifiedAt.Before(q.ModifiedSince) {
			continue
		}
		if q.List.IsZero() {
			at = i
		}
		if at >= from {
			if len(page.Items) == a.pageSize {
				page.Next = strconv.Itoa(at)
				break
			}
			page.Items = append(page.Items, a.told(m))
		}
		at++
	}
	return page, nil
}

func (a *account) GetContact(ctx context.Context, email string) (*provider.Contact, error) {
	if err := a.enter(ctx, "get"); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	for _, m := range a.members {
		if m.Email != "" && keyOf(m.Email) == keyOf(email) {
			c := a.told(m)
			return &c, nil
		}
	}
	return nil, &provider.Error{Kind: provider.ErrNotFound, Status: 404, Message: "no such contact"}
}

func (a *account) ListSuppressions(ctx context.Context, _ string) (*provider.Page[provider.Suppression], error) {
	if err := a.enter(ctx, "suppressions"); err != nil {
		return nil, err
	}
	defer a.mu.Unlock()
	page := &provider.Page[provider.Suppression]{}
	for _, m := range a.members {
		m.toldAll = a.clock
		if m.leftAll > 0 && m.Email != "" {
			page.Items = append(page.Items, provider.Suppression{Email: m.Email, Channel: provider.ChannelEmail, Scope: provider.ScopeAll})
		}
	}
	return page, nil
}

// client opens the account.
func (a *account) client(t testing.TB, name string, env provider.DriverEnv) *provider.Client {
	env.Account = name
	c, err := provider.NewClient(a, "fake", provider.AccountSettings{}, env)
	require.NoError(t, err)
	return c
}

// random fills the account with n people of every standing.
func (a *account) random(r *rand.Rand, n int) {
	statuses := []provider.MembershipStatus{
		provider.StatusPending, provider.StatusUnsubscribed, provider.StatusBounced, provider.StatusComplained,
		provider.StatusBlocked, provider.StatusRemoved, provider.StatusOther,
	}
	for i := range n {
		m := &member{Contact: provider.Contact{
			Email: fmt.Sprintf("Person%d@Example.com", i), FirstName: "P", ModifiedAt: time.Now(),
			Memberships: []provider.Membership{{List: "9", Status: provider.StatusSubscribed}, {List: listID, Status: provider.StatusSubscribed}},
		}}
		switch r.IntN(12) {
		case 0:
			m.Email = ""
		case 1:
			m.Memberships[1].Status = statuses[r.IntN(len(statuses))]
			m.leftList = -1
		case 2:
			m.leftAll = -1
		}
		if m.leftAll != 0 {
			m.leftAll = 1
		}
		if m.leftList != 0 {
			m.leftList = 1
		}
		a.members = append(a.members, m)
	}
}

// somebodyLeaves lets one of the people leave, come, or go from the account's list.
func (a *account) somebodyLeaves(r *rand.Rand) {
	if len(a.members) == 0 {
		return
	}
	m := a.members[r.IntN(len(a.members))]
	switch r.IntN(4) {
	case 0:
		if m.leftList == 0 {
			m.leftList, m.ModifiedAt = a.clock+1, time.Now()
			m.Memberships = slices.Clone(m.Memberships)
			m.Memberships[1].Status = provider.StatusUnsubscribed
		}
	case 1:
		if m.leftList == 0 { // taken off the list: the pages move
			m.leftList, m.ModifiedAt = a.clock+1, time.Now()
			m.Memberships = slices.Clone(m.Memberships[:1])
		}
	case 2:
		if m.leftAll == 0 {
			m.leftAll, m.ModifiedAt = a.clock+1, time.Now()
		}
	case 3:
		if len(a.members) > 80 { // or the list grows faster than it is read
			return
		}
		a.members = append(a.members, &member{Contact: provider.Contact{
			Email: fmt.Sprintf("new%d@example.com", len(a.members)), ModifiedAt: time.Now(),
			Memberships: []provider.Membership{{List: "9", Status: provider.StatusSubscribed}, {List: listID, Status: provider.StatusSubscribed}},
		}})
	}
}

// sequence are values without errors.
func sequence[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}
