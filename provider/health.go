package provider

import (
	"fmt"
	"slices"

	"github.com/postmux/postmux/internal/mailaddr"
)

// Health is the result of Client.Check.
type Health struct {
	Provider string   `json:"provider"`
	Account  string   `json:"account"`
	Login    string   `json:"login,omitempty"` // the owner of the account; empty when the provider does not report it
	Senders  []Sender `json:"senders,omitempty"`
	Quotas   []Quota  `json:"quotas,omitempty"`
	Notes    []Note   `json:"notes,omitempty"`
}

// Sender is an address the account may send from.
type Sender struct {
	Email    string `json:"email"`
	Name     string `json:"name,omitempty"`
	Verified bool   `json:"verified"` // mail from it is accepted
}

// Quota is one allowance of the account. Left and Used are in Unit; nil means that the
// provider does not report it.
type Quota struct {
	Name      string   `json:"name"` // in plain words; a plan has the provider's name
	Unit      string   `json:"unit"` // "mails", "contacts", "messages", "SMS", or a currency like "USD"
	Left      *float64 `json:"left,omitempty"`
	Used      *float64 `json:"used,omitempty"`
	Unlimited bool     `json:"unlimited,omitempty"`
}

// sender returns a note when from is not among the senders from which the account may
// send. It is a warning, because a provider may accept more: all addresses of a domain
// that it has verified.
func (h *Health) sender(from Address) []Note {
	if from.Email == "" || len(h.Senders) == 0 {
		return nil
	}
	i := slices.IndexFunc(h.Senders, func(s Sender) bool { return mailaddr.Key(s.Email) == mailaddr.Key(from.Email) })
	switch {
	case i < 0:
		return []Note{{Field: "from", Action: NoteWarning, Why: fmt.Sprintf(
			"%s is not among the senders that the provider lists: mail from it is refused, unless the provider has verified its domain", from.Email,
		)}}
	case !h.Senders[i].Verified:
		return []Note{{Field: "from", Action: NoteWarning, Why: fmt.Sprintf("%s is not verified at the provider: mail from it is refused", from.Email)}}
	}
	return nil
}
