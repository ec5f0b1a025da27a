package route

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

const maxWeight = 1_000_000

// plan chooses the members that may get a message, and their order.
type plan interface {
	// candidates returns the members that may get m, before their capabilities are
	// checked.
	candidates(m *provider.Message, all []*member) ([]*member, error)
	// order sorts the members that can take the message.
	order(able []*member) []*member
}

// inOrder is the plan of failover.
type inOrder struct{}

func (inOrder) candidates(m *provider.Message, all []*member) ([]*member, error) {
	if m.Template.ID != "" {
		return all[:1], nil // the same id is another template at each member
	}
	return all, nil
}

func (inOrder) order(able []*member) []*member { return able }

// turns is the plan of round_robin and weighted: smooth weighted round robin over
// the members that can take the message now. A member does not collect turns while
// it gets no mail.
type turns struct {
	weights []int // by index of the member
	mu      sync.Mutex
	credit  []int
}

func newTurns(weights []int) *turns {
	return &turns{weights: weights, credit: make([]int, len(weights))}
}

func (t *turns) candidates(m *provider.Message, all []*member) ([]*member, error) {
	if m.Template.ID != "" && len(all) > 1 {
		return nil, provider.Invalid(
			"template",
			"expected an alias with an id for each member of the route: an id means another template at each",
		)
	}
	return all, nil
}

func (t *turns) order(able []*member) []*member {
	ready := slices.DeleteFunc(slices.Clone(able), func(m *member) bool { return !m.ready() })
	if len(ready) == 0 {
		return able // none permits it; each returns its reason
	}
	first := slices.Index(able, t.next(ready))
	return slices.Concat(able[first:], able[:first])
}

func (t *turns) next(ready []*member) *member {
	t.mu.Lock()
	defer t.mu.Unlock()
	total, best := 0, ready[0]
	for _, m := range ready {
		total += t.weights[m.index]
		t.credit[m.index] += t.weights[m.index]
		if t.credit[m.index] > t.credit[best.index] {
			best = m
		}
	}
	t.credit[best.index] -= total
	return best
}

// ruleTable is the plan of rules; member 0 is the default.
type ruleTable []compiled

type compiled struct {
	domain, tag string
	member      int
}

func (t ruleTable) candidates(m *provider.Message, all []*member) ([]*member, error) {
	for _, r := range t {
		if r.matches(m) {
			return all[r.member : r.member+1], nil
		}
	}
	return all[:1], nil
}

func (ruleTable) order(able []*member) []*member { return able }

func (r compiled) matches(m *provider.Message) bool {
	if r.domain == "" {
		return slices.Contains(m.Tags, r.tag)
	}
	for _, list := range [][]provider.Address{m.To, m.Cc, m.Bcc} {
		for _, a := range list {
			if domainOf(a.Email) != r.domain {
				return false
			}
		}
	}
	for _, p := range m.Recipients {
		if domainOf(p.Email) != r.domain {
			return false
		}
	}
	return true
}

func (r Rule) check() error {
	switch {
	case (r.RecipientDomain == "") == (r.Tag == ""):
		return fmt.Errorf("expected either recipient_domain or tag")
	case r.Member == nil:
		return fmt.Errorf("expected a member")
	}
	return checkDomain(r.RecipientDomain)
}

func checkDomain(domain string) error {
	if domain != "" && provider.CheckEmail("x@"+domain) != nil {
		return fmt.Errorf("recipient_domain: expected a domain like example.com")
	}
	return nil
}

// domainKey returns the form in which two spellings of a domain are equal.
func domainKey(domain string) string {
	if domain == "" {
		return ""
	}
	return domainOf("x@" + domain)
}

func domainOf(email string) string {
	at := strings.LastIndexByte(email, '@')
	return strings.TrimPrefix(mailaddr.Key("x"+email[at:]), "x@")
}
