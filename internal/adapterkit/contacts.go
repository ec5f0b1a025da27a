package adapterkit

import "github.com/postmux/postmux/provider"

// SuppressLeft adds a suppression of marketing mail when c has left every list that
// is shown, and none is known otherwise. It is for providers that keep consent by
// list.
func SuppressLeft(c *provider.Contact) {
	var left provider.MembershipStatus
	for _, m := range c.Memberships {
		switch {
		case m.Status.Terminal():
			left = m.Status
		case m.Status != provider.StatusRemoved:
			return
		}
	}
	if left != "" && len(c.Suppressed) == 0 {
		c.Suppressed = append(c.Suppressed, provider.Suppression{
			Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: provider.Reason(left),
		})
	}
}
