package route

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// Gap is something that a member of a route cannot do for a message that others take.
type Gap struct {
	Account string           `json:"account"`           // the member
	Feature provider.Feature `json:"feature,omitempty"` // that it lacks; empty for another reason
	Why     string           `json:"why"`               // in words, without the account
}

// String returns the gap in one line: "backup: message.tags: …".
func (g Gap) String() string {
	parts := []string{g.Account, string(g.Feature), g.Why}
	if g.Feature == "" {
		parts = []string{g.Account, g.Why}
	}
	return strings.Join(parts, ": ")
}

// Gaps returns what keeps members of a route from taking m, in the order of the
// members, so that a program learns at its start, and not in an outage, that its
// backup cannot take its mail. m is a message like those that will be sent; nothing is
// sent. A member that the route's rules exclude for m has no gap.
//
// With a nil m, the gaps of a member are the features of messages that it refuses and
// another member takes. An account that is no route has no gaps. A message that is invalid
// at every member has the same gap at each.
func Gaps(c *provider.Client, m *provider.Message) []Gap {
	r, ok := provider.Native[*route](c)
	if !ok {
		return nil
	}
	if m == nil {
		return r.missing()
	}
	if r.guarded && m.IdempotencyKey != "" {
		m = m.Clone()
		m.IdempotencyKey = "" // the guard serves it, whatever the members have
	}
	candidates, err := r.plan.candidates(m, r.members)
	if err != nil {
		return gapsOf(c.Account(), err)
	}
	var out []Gap
	for _, mb := range candidates {
		if _, ok := provider.Native[*route](mb.client); ok {
			out = append(out, Gaps(mb.client, m)...)
			continue
		}
		if err := mb.client.Accepts(m); err != nil {
			out = append(out, gapsOf(mb.client.Account(), err)...)
		}
	}
	return out
}

// gapsOf returns a gap for each feature that err names, or one.
func gapsOf(account string, err error) []Gap {
	e, ok := errors.AsType[*provider.Error](err)
	if !ok {
		return []Gap{{Account: account, Why: err.Error()}}
	}
	if all, ok := e.Err.(interface{ Unwrap() []error }); ok && e.Feature != "" {
		var out []Gap
		for _, one := range all.Unwrap() {
			out = append(out, gapsOf(account, one)...)
		}
		return out
	}
	why := cmp.Or(e.Message, e.Kind.Error())
	if e.Field != "" {
		why = e.Field + ": " + why
	}
	return []Gap{{Account: account, Feature: e.Feature, Why: why}}
}

// ofSentMail are features of messages that no message asks for.
var ofSentMail = []provider.Feature{
	feature.MessageBatch, feature.MessageStatus, feature.MessageCancel, feature.MessageSettle,
}

// missing returns the features of messages that some members take and others refuse.
func (r *route) missing() []Gap {
	var out []Gap
	for _, mb := range r.members {
		for _, f := range provider.Features() {
			if !strings.HasPrefix(string(f), "message.") || slices.Contains(ofSentMail, f) || f == feature.MessageIdempotencyKey && r.guarded || mb.client.Takes(f) {
				continue
			}
			var have []string
			for _, other := range r.members {
				if other.client.Takes(f) {
					have = append(have, other.client.Account())
				}
			}
			if len(have) > 0 {
				out = append(out, Gap{
					Account: mb.client.Account(), Feature: f,
					Why: fmt.Sprintf("%s has none, and %s takes it", mb.client.Provider(), strings.Join(have, ", ")),
				})
			}
		}
	}
	return out
}
