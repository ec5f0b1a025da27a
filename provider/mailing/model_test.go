package mailing_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/mailing"
)

var randomLists = flag.Uint64("mailing.lists", 200, "random lists of TestNobodyWhoLeft")

// Mailings go to random lists of providers of every make, while people leave, come and move the
// pages. Nobody who had left by the last look at him gets a mail, nobody gets two, also not by a
// second run through another account, and those who left after the look are counted.
func TestNobodyWhoLeft(t *testing.T) {
	var mails, late, told, leftOut int
	for seed := range *randomLists {
		synctest.Test(t, func(t *testing.T) {
			g := newGame(t, seed)
			g.play()
			mails, late, told, leftOut = mails+g.mails, late+g.late, told+g.told, leftOut+g.leftOut
		})
		if t.Failed() {
			t.Fatalf("the list with the number %d", seed)
		}
	}
	t.Logf("%d lists: %d mails, %d left out, 0 to people who had left by the last look; %d left after it, %d of them told", *randomLists, mails, leftOut, late, told)
	assert.NotZero(t, mails)
	assert.NotZero(t, late)
}

// game is one list and its mailing.
type game struct {
	t                          *testing.T
	r                          *rand.Rand
	a                          *account
	given                      bool
	each                       int // contacts between two looks
	chunk                      int // the account's clock before the last look
	mails, late, told, leftOut int
}

func newGame(t *testing.T, seed uint64) *game {
	r := rand.New(rand.NewPCG(seed, 1))
	makes := [][]provider.Feature{
		slices.Concat(membersOnly, changes, suppressions), // as Brevo
		slices.Concat(membersOnly, changes),
		slices.Concat(membersOnly, suppressions, single), // as SendPulse
		slices.Concat(membersOnly, single),               // as new.pakat.net
	}
	g := &game{t: t, r: r, given: r.IntN(3) == 0, a: &account{
		features: makes[r.IntN(len(makes))], pageSize: 1 + r.IntN(20), calls: map[string]int{}, got: map[string][]int{},
	}}
	g.a.random(r, r.IntN(60))
	chance := 2 + r.IntN(30)
	g.a.change = func() {
		if r.IntN(chance) == 0 {
			g.a.somebodyLeaves(r)
		}
	}
	longest := []time.Duration{time.Millisecond, time.Minute}[r.IntN(2)]
	g.a.duration = func() time.Duration { return time.Duration(rand.Int64N(int64(longest))) }
	return g
}

func (g *game) audience(c *provider.Client) *mailing.Audience {
	if !g.given {
		return mailing.Members(c, provider.Ref{ID: listID}, "")
	}
	g.a.mu.Lock()
	defer g.a.mu.Unlock()
	var contacts []provider.Contact
	for _, m := range g.a.members {
		contacts = append(contacts, provider.Contact{Email: m.Email})
		if g.r.IntN(5) == 0 {
			contacts = append(contacts, provider.Contact{Email: m.Email})
		}
	}
	return mailing.Given(c, sequence(contacts), "")
}

func (g *game) play() {
	t := g.t
	g.each = 1 + g.r.IntN(15)
	defer mailing.LookEach(g.each)()
	config := config()
	m, err := mailing.New(config)
	require.NoError(t, err)
	env := provider.DriverEnv{Guard: guard.NewMemory(0, 0), Namespace: "shop"}
	g.run(m, g.a.client(t, "main", env))
	g.run(m, g.a.client(t, "backup", env)) // only who was not mailed yet
	for email, calls := range g.a.got {
		assert.Len(t, calls, 1, email)
	}
}

// run sends the mailing once. It takes the parts of Mailing.Send, to know what the account had
// told when a contact was let through.
func (g *game) run(m *mailing.Mailing, c *provider.Client) {
	t, a := g.t, g.a
	audience := g.audience(c)
	before := len(a.got)
	through := map[string]bool{}
	count := 0
	require.NoError(t, audience.Count(t.Context(), func(c mailing.Candidate) error { count++; return nil }))
	_, err := c.SendBatch(t.Context(), func(yield func(*provider.Message, error) bool) {
		seen, next := 0, 0
		for one, err := range audience.All(t.Context()) {
			if seen%g.each == 0 { // it looked after the contact before this one
				g.chunk = next
			}
			if !assert.NoError(t, err) {
				return
			}
			if seen++; seen%g.each == 0 {
				next = a.now()
			}
			if one.Why != "" {
				g.leftOut++
				continue
			}
			g.judge(one.Contact)
			through[keyOf(one.Email)] = true
			msg, _, err := m.Message(one.Contact)
			if !assert.NoError(t, err) || !yield(msg, nil) {
				return
			}
		}
	}, nil)
	require.NoError(t, err)
	left, err := audience.Left(t.Context())
	require.NoError(t, err)

	a.mu.Lock()
	defer a.mu.Unlock()
	gone := 0
	for _, m := range a.members {
		if m.Email == "" || !through[keyOf(m.Email)] {
			continue
		}
		if m.leftAll > 0 || !g.given && m.leftList > 0 {
			gone++
		}
	}
	g.mails += len(a.got) - before
	g.late += gone
	g.told += left
	// What happens during the last look itself may be missed, and a single contact is not asked
	// for again.
	assert.LessOrEqual(t, left, gone)
}

// judge looks whether a contact that is let through had left by what the account had told, or
// would have told in a look before this and the contacts since.
func (g *game) judge(c provider.Contact) {
	g.a.mu.Lock()
	defer g.a.mu.Unlock()
	has := func(f provider.Feature) bool { return slices.Contains(g.a.features, f) }
	since, list := has(feature.ContactsListModifiedSince), has(feature.SuppressionsList)
	for _, m := range g.a.members {
		if m.Email == "" || keyOf(m.Email) != keyOf(c.Email) {
			continue
		}
		if since != list || !since && g.given { // else the suppressions are read once, or with the page
			assert.False(g.t, m.leftAll > 0 && m.leftAll <= g.chunk, "%s left all mail at %d, before the look after %d", m.Email, m.leftAll, g.chunk)
		}
		if since && !g.given {
			assert.False(g.t, m.leftList > 0 && m.leftList <= g.chunk, "%s left the list at %d, before the look after %d", m.Email, m.leftList, g.chunk)
		}
		assert.False(g.t, m.leftAll > 0 && m.leftAll <= m.toldAll, "%s left all mail at %d, which was told at %d", m.Email, m.leftAll, m.toldAll)
		if !g.given {
			assert.False(g.t, m.leftList > 0 && m.leftList <= m.toldList, "%s left the list at %d, which was told at %d", m.Email, m.leftList, m.toldList)
		}
	}
}
