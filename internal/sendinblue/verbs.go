package sendinblue

import (
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// NoFolder is the error of making a list without the setting folder_id: the vendor
// keeps no list outside of a folder.
func NoFolder(account string) error {
	return provider.Invalid("providers."+account+".folder_id", "a list of this provider is in a folder: set the number of one here")
}

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

// Notes of a Resubscribe.
var (
	NoteMarketing = provider.Note{Field: "email", Action: provider.NoteWarning, Why: "lets marketing mail through again; a block of transactional mail and unsubscriptions from single lists stay"}
	NoteList      = provider.Note{Field: "list", Action: provider.NoteWarning, Why: "put on the list again; a block of all marketing mail stays"}
)
