package sendinblue

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// standIn is the end of the address that the vendor makes up for a contact who
// has a phone only.
const standIn = "@mailin-sms.com"

// Contact is a contact of an answer.
type Contact struct {
	ID                               int64
	Email                            string
	EmailBlacklisted, SMSBlacklisted bool
	ListIDs, ListUnsubscribed        []int64
	CreatedAt, ModifiedAt            string
	Attributes                       json.RawMessage
}

// Portable returns c in portable form. Email is empty when it is made up.
func (c Contact) Portable() (provider.Contact, error) {
	out := c.base()
	out.CreatedAt, _ = flex.ParseTime(c.CreatedAt)
	out.ModifiedAt, _ = flex.ParseTime(c.ModifiedAt)
	return out, Values(c.Attributes, &out)
}

// Standing is what decides whether the contact may be put on a list.
func (c *Contact) Standing() adapterkit.Standing {
	var s adapterkit.Standing
	if c.EmailBlacklisted {
		s.Blocked = "it is blocked from all marketing mail"
	}
	for _, id := range c.ListIDs {
		if !slices.Contains(c.ListUnsubscribed, id) {
			s.Memberships = append(s.Memberships, provider.Membership{List: strconv.FormatInt(id, 10), Status: provider.StatusSubscribed})
		}
	}
	for _, id := range c.ListUnsubscribed {
		s.Memberships = append(s.Memberships, provider.Membership{List: strconv.FormatInt(id, 10), Status: provider.StatusUnsubscribed})
	}
	return s
}

// base is the portable form without times and attributes.
func (c *Contact) base() provider.Contact {
	out := provider.Contact{Email: c.Email, Suppressed: []provider.Suppression{}}
	if n := len(out.Email) - len(standIn); n >= 0 && strings.EqualFold(out.Email[n:], standIn) {
		out.Email = ""
	}
	if n := len(c.ListIDs) + len(c.ListUnsubscribed); n > 0 {
		out.Memberships = make([]provider.Membership, 0, n)
	}
	for _, id := range c.ListIDs {
		status := provider.StatusSubscribed
		switch {
		case slices.Contains(c.ListUnsubscribed, id):
			status = provider.StatusUnsubscribed
		case c.EmailBlacklisted:
			status = provider.StatusBlocked
		}
		out.Memberships = append(out.Memberships, provider.Membership{List: strconv.FormatInt(id, 10), Status: status})
	}
	for _, id := range c.ListUnsubscribed {
		if !slices.Contains(c.ListIDs, id) {
			out.Memberships = append(out.Memberships, provider.Membership{List: strconv.FormatInt(id, 10), Status: provider.StatusUnsubscribed})
		}
	}
	if c.EmailBlacklisted {
		out.Suppressed = append(out.Suppressed, provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: "blocklisted"})
	}
	if c.SMSBlacklisted {
		out.Suppressed = append(out.Suppressed, provider.Suppression{Channel: provider.ChannelSMS, Scope: provider.ScopeMarketing, Reason: "blocklisted"})
	}
	return out
}

// RowsOf returns contacts of an answer as Rows. count is how many there are in all, and
// unread how many the answer has beside these, which could not be read.
func RowsOf(contacts []Contact, count int64, unread int, withoutEmail bool) (*Rows, error) {
	page := &provider.Page[provider.Contact]{
		Items: make([]provider.Contact, 0, len(contacts)), Unread: unread,
	}
	out := &Rows{Page: page, Got: len(contacts) + unread, Count: count}
	for i, c := range contacts {
		p, err := c.Portable()
		if i == 0 {
			out.First = nameOf(p, c.ID)
		}
		switch {
		case err != nil:
			page.Unread++
		case p.Email == "" && !withoutEmail:
			page.LeftOut++
		default:
			page.Items = append(page.Items, p)
		}
	}
	if page.Unread > 1 && page.Unread == out.Got {
		return nil, adapterkit.AllUnread(page.Unread)
	}
	return out, nil
}

// nameOf tells a contact from others: by its address, its number, or all that it has.
func nameOf(c provider.Contact, id int64) string {
	switch {
	case c.Email != "":
		return c.Email
	case id != 0:
		return strconv.FormatInt(id, 10)
	}
	data, _ := json.Marshal(c)
	return string(data)
}
