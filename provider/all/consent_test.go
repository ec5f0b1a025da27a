package all_test

import (
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

var consentFull = flag.Bool("consent.full", false, "all spellings in TestConsent, about 10,000 attacks")

// attacked is a vendor under attack: a sandbox with three lists, and a client.
type attacked struct {
	*sandbox.Server
	*provider.Client
	name    string
	lists   [3]string // the person is known on the first two at most
	between func()    // runs once before the next call that writes contacts
}

// homeLists are lists that the fakes have from the start.
var homeLists = map[string]string{"brevo": "4", "pakatv3": "4", "pakat": "newsletter001", "sendpulse": "4", "smsby": "318"}

func newAttacked(t *testing.T, name string) *attacked {
	t.Helper()
	v := &attacked{Server: sandbox.New(t), name: name}
	home := homeLists[name]
	v.lists = [3]string{home, home + "1", home + "2"}
	for _, id := range v.lists[1:] {
		v.AddList(name, id, "List "+id)
	}
	cfg := v.Config()
	account := cfg.Providers[name]
	if name == "pakat" {
		account["phone_tag"] = "PHONE"
		v.AddField(name, "PHONE", "text")
	}
	cfg = provider.Config{Default: "account", Providers: map[string]provider.AccountConfig{"account": account}}
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet && v.between != nil && !strings.HasSuffix(r.URL.Path, "/emails") {
			do := v.between
			v.between = nil
			do()
		}
		return http.DefaultTransport.RoundTrip(r)
	})}
	var err error
	v.Client, err = all.Registry().Open(t.Context(), cfg, provider.WithHTTPClient(client))
	require.NoError(t, err)
	return v
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// put makes the fake hold the contact with the statuses on the first lists.
func (v *attacked) put(email string, statuses ...provider.MembershipStatus) {
	c := provider.Contact{Email: email, ModifiedAt: time.Now()}
	for i, status := range statuses {
		if status != "" {
			c.Memberships = append(c.Memberships, provider.Membership{List: v.lists[i], Status: status})
		}
	}
	v.AddContact(v.name, c)
}

// mailable are the lists whose mail each contact gets, by address.
func (v *attacked) mailable() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, c := range v.Contacts(v.name) {
		on := map[string]bool{}
		stopped := slices.ContainsFunc(c.Suppressed, func(s provider.Suppression) bool {
			return s.Channel == provider.ChannelEmail && s.Scope != provider.ScopeTransactional && s.Sender == ""
		})
		for _, m := range c.Memberships {
			if !stopped && (m.Status == provider.StatusSubscribed || m.Status == provider.StatusPending) {
				on[m.List] = true
			}
		}
		out[strings.ToLower(c.Email)] = on
	}
	return out
}

// leaving is a way in which a person said no.
type leaving struct {
	name  string
	list  bool // to the first list only, else to all mail
	needs provider.Feature
	leave func(t *testing.T, v *attacked, email string)
}

const (
	subscribed   = provider.StatusSubscribed
	unsubscribed = provider.StatusUnsubscribed
)

func storeAs(status provider.MembershipStatus, change func(*provider.ContactChange)) func(*testing.T, *attacked, string) {
	return func(t *testing.T, v *attacked, email string) {
		t.Helper()
		c := provider.ContactChange{Email: email, Lists: []provider.Ref{{ID: v.lists[0]}}, Status: status}
		if change != nil {
			change(&c)
		}
		_, err := v.UpsertContact(t.Context(), c)
		require.NoError(t, err)
	}
}

func unsubscribes(all bool, statuses ...provider.MembershipStatus) func(*testing.T, *attacked, string) {
	return func(t *testing.T, v *attacked, email string) {
		t.Helper()
		v.put(email, statuses...)
		list := provider.Ref{ID: v.lists[0]}
		if all {
			list = provider.Ref{}
		}
		_, err := v.Unsubscribe(t.Context(), email, list, "")
		require.NoError(t, err)
	}
}

var leavings = []leaving{
	{"left the list by a link", true, "", func(_ *testing.T, v *attacked, email string) { v.put(email, unsubscribed, subscribed) }},
	{"left all lists by a link", false, "", func(_ *testing.T, v *attacked, email string) { v.put(email, unsubscribed) }},
	{"bounced", false, "", func(_ *testing.T, v *attacked, email string) { v.put(email, provider.StatusBounced) }},
	{"unsubscribed from all", false, feature.ContactsUnsubscribe, unsubscribes(true, subscribed, subscribed)},
	{"unsubscribed from the list", true, feature.ContactsUnsubscribeList, unsubscribes(false, subscribed, subscribed)},
	{"stored as unsubscribed", false, feature.ContactsUpsertStatus, storeAs(unsubscribed, nil)},
	{"stored as blocked", false, feature.ContactsUpsertStatus, storeAs(provider.StatusBlocked, nil)},
	{"stored as unsubscribed, with a phone that is none", false, feature.ContactsUpsertStatus, storeAs(unsubscribed, func(c *provider.ContactChange) {
		c.Phone = provider.ChangeTo("not a number")
	})},
	{"stored as blocked, with a field that is none", false, feature.ContactsUpsertStatus, storeAs(provider.StatusBlocked, func(c *provider.ContactChange) {
		c.Fields = map[string]any{"NO SUCH\nFIELD": "x"}
	})},
	{"stopped by a kind of mail", false, feature.ContactsUpsertSuppressed, func(t *testing.T, v *attacked, email string) {
		t.Helper()
		v.put(email, subscribed, subscribed)
		_, err := v.UpsertContact(t.Context(), provider.ContactChange{
			Email: email, Suppressed: []provider.Suppression{{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing}},
		})
		require.NoError(t, err)
	}},
}

// attack tries to bring people back. It may do anything but resubscribe.
type attack struct {
	name  string
	needs provider.Feature
	do    func(t *testing.T, v *attacked, emails []string)
}

// oneByOne makes an attack of one on one person.
func oneByOne(do func(t *testing.T, v *attacked, i int, email string) error) func(*testing.T, *attacked, []string) {
	return func(t *testing.T, v *attacked, emails []string) {
		t.Helper()
		for i, email := range emails {
			fine(t, do(t, v, i, email))
		}
	}
}

// fine accepts what an attack may be answered.
func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, provider.ErrConflict) && !errors.Is(err, provider.ErrNotFound) && !errors.Is(err, provider.ErrInvalid) && !errors.Is(err, provider.ErrUnsupported) {
		assert.NoError(t, err)
	}
}

func upserts(change func(v *attacked, i int, c *provider.ContactChange)) func(*testing.T, *attacked, []string) {
	return oneByOne(func(t *testing.T, v *attacked, i int, email string) error {
		c := provider.ContactChange{Email: email}
		change(v, i, &c)
		_, err := v.UpsertContact(t.Context(), c)
		return err
	})
}

// importing imports the people among fillers.
func importing(fillers int, change func(v *attacked, i int, c *provider.ContactChange)) func(*testing.T, *attacked, []string) {
	return func(t *testing.T, v *attacked, emails []string) {
		t.Helper()
		_, err := v.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
			for i := range fillers {
				if !yield(provider.ContactChange{Email: fmt.Sprintf("filler%03d@example.com", i), Lists: []provider.Ref{{ID: v.lists[0]}}}, nil) {
					return
				}
			}
			for i, email := range emails {
				c := provider.ContactChange{Email: email}
				change(v, i, &c)
				if !yield(c, nil) {
					return
				}
			}
		}, func(r provider.ImportResult) error { fine(t, r.Err); return nil })
		require.NoError(t, err)
	}
}

func onto(k ...int) func(*attacked, int, *provider.ContactChange) {
	return func(v *attacked, _ int, c *provider.ContactChange) {
		for _, i := range k {
			c.Lists = append(c.Lists, provider.Ref{ID: v.lists[i]})
		}
	}
}

func adding(k int) func(*testing.T, *attacked, []string) {
	return func(t *testing.T, v *attacked, emails []string) {
		t.Helper()
		results, err := v.AddToList(t.Context(), provider.Ref{ID: v.lists[k]}, emails)
		fine(t, err)
		for _, r := range results {
			if r.Error != nil {
				fine(t, r.Error)
			}
		}
	}
}

// numberOf is a number for each person.
func numberOf(email string) uint32 { return crc32.ChecksumIEEE([]byte(email)) % 10_000_000 }

// phoneOf is a phone for each person.
func phoneOf(email string) string { return fmt.Sprintf("+98912%07d", numberOf(email)) }

var attacks = []attack{
	{"upsert", feature.ContactsUpsert, upserts(onto(0))},
	{"upsert, with fields", feature.ContactsUpsert, upserts(func(v *attacked, i int, c *provider.ContactChange) {
		onto(0, 1)(v, i, c)
		c.FirstName = provider.ChangeTo("Anna")
	})},
	{"upsert to another list", feature.ContactsUpsert, upserts(onto(2))},
	{"upsert as subscribed", feature.ContactsUpsert, upserts(func(v *attacked, i int, c *provider.ContactChange) {
		onto(0, 1, 2)(v, i, c)
		c.Status = subscribed
	})},
	{"membership", feature.ContactsUpsert, upserts(func(v *attacked, _ int, c *provider.ContactChange) {
		c.Memberships = []provider.Membership{{List: v.lists[0], Status: subscribed}, {List: v.lists[2], Status: subscribed}}
	})},
	{"upsert twice", feature.ContactsUpsert, func(t *testing.T, v *attacked, emails []string) {
		upserts(onto(2))(t, v, emails)
		upserts(onto(0, 2))(t, v, emails)
	}},
	{"import of few", feature.ContactsImport, importing(0, onto(0))},
	{"import of many", feature.ContactsImport, importing(60, onto(0))},
	{"import of many to another list", feature.ContactsImport, importing(60, onto(2, 0))},
	{"import with a phone", feature.ContactsImport, importing(60, func(v *attacked, i int, c *provider.ContactChange) {
		onto(0)(v, i, c)
		if v.Has(feature.ContactsUpsertPhone) {
			c.Phone = provider.ChangeTo(phoneOf(c.Email))
		}
	})},
	{"import, each row twice", feature.ContactsImport, func(t *testing.T, v *attacked, emails []string) {
		importing(60, onto(0))(t, v, append(slices.Clone(emails), emails...))
	}},
	{"add to the list", feature.ListsAdd, adding(0)},
	{"add to another list", feature.ListsAdd, adding(2)},
	{"remove and upsert", feature.ListsRemove, func(t *testing.T, v *attacked, emails []string) {
		for _, list := range v.lists {
			results, err := v.RemoveFromList(t.Context(), provider.Ref{ID: list}, emails)
			fine(t, err)
			for _, r := range results {
				if r.Error != nil {
					fine(t, r.Error)
				}
			}
		}
		upserts(onto(0))(t, v, emails)
	}},
	{"lift what is no unsubscription", feature.SuppressionsRemove, func(t *testing.T, v *attacked, emails []string) {
		upserts(onto(0, 2))(t, v, emails)
		upserts(func(v *attacked, i int, c *provider.ContactChange) {
			onto(2)(v, i, c)
			c.Fields = map[string]any{}
			c.LastName = provider.ChangeToNone[string]()
		})(t, v, emails)
	}},
	{"another person with the phone", feature.ContactsUpsertPhone, func(t *testing.T, v *attacked, emails []string) {
		upserts(func(_ *attacked, _ int, c *provider.ContactChange) { c.Phone = provider.ChangeTo(phoneOf(c.Email)) })(t, v, emails)
		upserts(func(v *attacked, i int, c *provider.ContactChange) {
			c.Email, c.Phone = "husband-of-"+c.Email, provider.ChangeTo(phoneOf(c.Email))
			onto(0)(v, i, c)
		})(t, v, emails)
		importing(60, func(v *attacked, i int, c *provider.ContactChange) {
			c.Email, c.Phone = "wife-of-"+c.Email, provider.ChangeTo(phoneOf(c.Email))
			onto(0)(v, i, c)
		})(t, v, emails)
		upserts(onto(0))(t, v, emails)
	}},
	{"another person with the id", feature.ContactsUpsertExternalID, func(t *testing.T, v *attacked, emails []string) {
		id := func(email string) provider.Change[string] {
			return provider.ChangeTo(fmt.Sprintf("crm-%d", numberOf(email)))
		}
		upserts(func(_ *attacked, _ int, c *provider.ContactChange) { c.ExternalID = id(c.Email) })(t, v, emails)
		importing(60, func(v *attacked, i int, c *provider.ContactChange) {
			c.Email, c.ExternalID = "husband-of-"+c.Email, id(c.Email)
			onto(0)(v, i, c)
		})(t, v, emails)
		upserts(onto(0))(t, v, emails)
	}},
}

// person is one under attack.
type person struct{ stored, spelt string }

// people are addresses with another spelling each.
func people(attack, n int) []person {
	out := make([]person, n)
	for i := range out {
		name := fmt.Sprintf("p%02d-%02d", attack, i)
		switch (i + attack) % 10 {
		case 0:
			out[i] = person{name + "@example.com", name + "@example.com"}
		case 1:
			out[i] = person{name + "@example.com", strings.ToUpper(name) + "@EXAMPLE.com"}
		case 2:
			out[i] = person{name + "@xn--e1afmkfd.example", name + "@пример.example"}
		case 3:
			out[i] = person{strings.ToUpper(name) + "@example.com", name + "@example.com"}
		case 4:
			out[i] = person{name + "@xn--e1afmkfd.example", name + "@ПРИМЕР.example"}
		case 5:
			out[i] = person{name + "@example.com", name + "@Example.Com"}
		case 6:
			out[i] = person{name + "@XN--E1AFMKFD.example", name + "@пример.EXAMPLE"}
		case 7:
			out[i] = person{name + "+tag@example.com", strings.ToUpper(name) + "+Tag@example.com"}
		case 8:
			out[i] = person{name + "@bücher.example", name + "@xn--bcher-kva.example"}
		case 9:
			out[i] = person{"O'" + name + "@example.com", "o'" + name + "@example.com"}
		}
		out[i].stored = wireOf(out[i].stored)
	}
	return out
}

// wireOf is how a vendor stores an address.
func wireOf(email string) string { return strings.Replace(email, "bücher", "xn--bcher-kva", 1) }

// named says where docs/capabilities.md names that an attack works; empty when it must not.
func named(v *attacked, l leaving, a attack) provider.Feature {
	switch {
	case v.name == "pakatv3" && l.list, v.name == "pakatv3" && l.needs == "":
		return a.needs // nobody can look: "may lift an unsubscription"
	case v.name == "smsby" && (l.list || l.needs == ""):
		return a.needs
	case v.name == "brevo" && l.needs == feature.ContactsUnsubscribeList:
		return feature.ContactsUnsubscribeList
	}
	return ""
}

// phrases are what a cell says about an attack that works.
var phrases = []string{"may lift an unsubscription", "keeps no standing of one list", "cannot be looked up", "unsubscriptions are forgotten"}

// TestConsent attacks the promise of docs/contract.md, section 4: who has said no gets no mail
// by anything but a resubscription, whatever the spelling, the identifier and the method.
func TestConsent(t *testing.T) {
	spellings := 1 // another one for each attack
	if *consentFull {
		spellings = 10
	}
	total, again, told := 0, 0, map[string]int{}
	var mu sync.Mutex
	t.Run("vendors", func(t *testing.T) {
		for _, name := range slices.Sorted(maps.Keys(homeLists)) {
			t.Run(name, func(t *testing.T) {
				for _, l := range leavings {
					t.Run(l.name, func(t *testing.T) {
						t.Parallel()
						c := attackAll(t, name, l, spellings)
						mu.Lock()
						defer mu.Unlock()
						total, again = total+c.attacks, again+c.again
						maps.Copy(told, c.told)
					})
				}
			})
		}
	})
	t.Logf("%d attacks: %d mailable again, and by what docs/capabilities.md names:", total, again)
	for _, what := range slices.Sorted(maps.Keys(told)) {
		t.Logf("  %3d %s", told[what], what)
	}
}

// counts are of the attacks on one way of leaving at one vendor.
type counts struct {
	attacks, again int
	told           map[string]int
}

// attackAll makes every attack on people who have left in one way.
func attackAll(t *testing.T, name string, l leaving, spellings int) counts {
	t.Helper()
	out := counts{told: map[string]int{}}
	v := newAttacked(t, name)
	for k, a := range attacks {
		if l.needs != "" && v.Capabilities().Level(l.needs) == provider.LevelNone || !v.Has(a.needs) {
			continue
		}
		crowd := people(k, spellings)
		var spelt []string
		for _, p := range crowd {
			l.leave(t, v, p.stored)
			spelt = append(spelt, p.spelt)
		}
		before := v.mailable()
		a.do(t, v, spelt)
		after := v.mailable()
		v.Violations() // odd values are a part of the attack
		for _, p := range crowd {
			out.attacks++
			key := strings.ToLower(p.stored)
			back, there := after[key]
			for list := range back {
				if before[key][list] || l.list && list != v.lists[0] {
					delete(back, list)
				}
			}
			if there && len(back) == 0 {
				continue
			}
			if f := named(v, l, a); f != "" {
				cell := v.Capabilities()[f]
				if slices.ContainsFunc(phrases, func(p string) bool { return strings.Contains(cell.Limit+cell.Note, p) }) {
					out.told[fmt.Sprintf("%s, %s: %s", name, f, l.name)]++
					continue
				}
			}
			out.again++
			t.Errorf("%s, then %s as %s: mailable on %v (still a contact: %v)", l.name, a.name, p.spelt, slices.Sorted(maps.Keys(back)), there)
		}
	}
	return out
}

// TestConsentRaces lets people leave in the moment between the look and the change. Whom that
// brings back is what docs/capabilities.md says of the vendor, and nobody else.
func TestConsentRaces(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(homeLists)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, a := range attacks[:6] {
				v := newAttacked(t, name)
				const email = "anna@example.com"
				v.put(email, subscribed, subscribed)
				v.between = func() { v.put(email, unsubscribed, subscribed) }
				a.do(t, v, []string{email})
				v.Violations()
				if left := v.between == nil; !left || !v.mailable()[email][v.lists[0]] {
					continue // no call was needed, or nobody was brought back
				}
				cell := v.Capabilities()[feature.ContactsUpsert]
				assert.Regexp(t, "between look-up and change|may lift an unsubscription", cell.Limit+cell.Note, "%s", a.name)
			}
		})
	}
}
