package sendinblue

import (
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// reasons are the vendor's codes of blocks in portable words.
var reasons = map[string]provider.MembershipStatus{
	"unsubscribedViaMA":    provider.StatusUnsubscribed,
	"unsubscribedViaEmail": provider.StatusUnsubscribed,
	"unsubscribedViaApi":   provider.StatusUnsubscribed,
	"adminBlocked":         provider.StatusBlocked,
	"hardBounce":           provider.StatusBounced,
	"contactFlaggedAsSpam": provider.StatusComplained,
}

// Blocked is an address of the list of blocked transactional mail. A code that
// is not known stays as it is.
func Blocked(email, sender, code, message, at string) provider.Suppression {
	a := provider.Suppression{
		Email: email, Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional, Sender: sender, Reason: provider.Reason(code),
	}
	a.At, _ = flex.ParseTime(at)
	if word, ok := reasons[code]; ok {
		a.Reason = provider.Reason(word)
	} else if code == "" {
		a.Reason = provider.Reason(message)
	}
	return a
}
