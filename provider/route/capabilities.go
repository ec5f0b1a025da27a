package route

import (
	"context"
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// ofAccount are features of a message that need to know the account it went
// through.
var ofAccount = []provider.Feature{feature.MessageStatus, feature.MessageCancel, feature.MessageSettle}

// capabilities tell what a message on the route may ask for: native when every
// member has it so; limited when some have it, which the limit names; emulated
// when all that have it emulate it. They are for display: each member decides
// about each message itself.
func capabilities(members []*provider.Client) provider.Capabilities {
	out := make(provider.Capabilities)
	for _, f := range provider.Features() {
		if !strings.HasPrefix(string(f), "message.") || slices.Contains(ofAccount, f) {
			out[f] = provider.Support{Level: provider.LevelNone, Note: "a route has no such call; ask the account that the receipt names, or a member"}
			continue
		}
		out[f] = merge(f, members)
		if f == feature.MessageBatch {
			out[f] = provider.Cell(provider.LevelEmulated, "", "one call each, several at a time: every message finds its own way")
		}
	}
	return out
}

func merge(f provider.Feature, members []*provider.Client) provider.Support {
	var levels []provider.Level
	var have, lack []string
	s := members[0].Capabilities()[f]
	for _, c := range members {
		if !c.Has(f) {
			lack = append(lack, c.Account())
			continue
		}
		cell := c.Capabilities()[f]
		levels = append(levels, cell.Level)
		have = append(have, c.Account()+" ("+string(cell.Level)+")")
		if cell.Basis == "guess" {
			s.Basis = "guess"
		}
	}
	slices.Sort(levels)
	s.Level, s.Limit, s.Note = provider.LevelLimited, "at "+strings.Join(have, ", "), ""
	if len(lack) > 0 {
		s.Limit += "; not at " + strings.Join(lack, ", ")
	}
	switch kinds := slices.Compact(levels); {
	case len(kinds) == 0:
		return provider.Support{Level: provider.LevelNone, Note: "no member of the route has it"}
	case len(kinds) == 1 && kinds[0] != provider.LevelLimited && len(lack) == 0:
		s.Level, s.Limit = kinds[0], ""
	case len(kinds) == 1 && kinds[0] == provider.LevelEmulated:
		s.Level = provider.LevelEmulated
	}
	return s
}

// Contacts are not routed. The Client refuses these calls by the capabilities.

func (r *route) GetContact(context.Context, string) (*provider.Contact, error) {
	return nil, noContacts(feature.ContactsGet)
}

func (r *route) ListContacts(context.Context, provider.ContactQuery) (*provider.ContactPage, error) {
	return nil, noContacts(feature.ContactsList)
}

func (r *route) UpsertContact(context.Context, provider.ContactChange) (*provider.ContactReceipt, error) {
	return nil, noContacts(feature.ContactsUpsert)
}

func (r *route) DeleteContact(context.Context, string) error {
	return noContacts(feature.ContactsDelete)
}

func noContacts(f provider.Feature) error {
	return provider.Unsupported(f, "contacts are not routed; ask a member")
}
