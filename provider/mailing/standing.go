package mailing

import (
	"slices"

	"github.com/postmux/postmux/provider"
)

// Standing returns why a mailing must not go to c, "" when it may: "no address", "no valid
// address", a suppression of mail, or a standing that is not that of a subscriber. list is
// the id of the list that the mailing is to, provider.Client.ListID has it: c must be
// subscribed to it. With "" a contact that is on lists must be subscribed to one of them,
// and must not be bounced, complained or blocked on any. from is the sender; "" counts
// suppressions of mail from any single sender.
func Standing(c provider.Contact, list, from string) string {
	switch {
	case c.Email == "":
		return "no address"
	case provider.CheckEmail(c.Email) != nil:
		return "no valid address"
	}
	for _, s := range c.Suppressed {
		if why := suppressed(s, from); why != "" {
			return why
		}
	}
	if list != "" {
		return onList(c.Memberships, list)
	}
	why := ""
	for _, m := range c.Memberships {
		switch m.Status {
		case provider.StatusBounced, provider.StatusComplained, provider.StatusBlocked:
			return string(m.Status)
		case provider.StatusSubscribed:
		default:
			why = string(m.Status)
		}
	}
	subscribed := func(m provider.Membership) bool { return m.Status == provider.StatusSubscribed }
	if slices.ContainsFunc(c.Memberships, subscribed) {
		return ""
	}
	return why
}

// onList is the standing on one list. A contact may be there twice: the worse counts.
func onList(memberships []provider.Membership, list string) string {
	why := "not on the list"
	for _, m := range memberships {
		switch {
		case m.List != list:
		case m.Status != provider.StatusSubscribed:
			return string(m.Status)
		default:
			why = ""
		}
	}
	return why
}

// suppressed is why s keeps the mail of a mailing: at every provider it goes out as
// transactional mail, and is marketing for the person.
func suppressed(s provider.Suppression, from string) string {
	if s.Channel != provider.ChannelEmail || s.Sender != "" && from != "" && keyOf(s.Sender) != keyOf(from) {
		return ""
	}
	if s.Reason == "" {
		return "suppressed"
	}
	return "suppressed: " + string(s.Reason)
}

// keyOf compares addresses; what is none is compared as it is.
func keyOf(email string) string {
	key, err := provider.EmailKey(email)
	if err != nil {
		return email
	}
	return key
}
