package route

import (
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// capabilities combines the members' capabilities for messages: native when every
// member has the feature natively; limited when some have it, which the limit
// names; emulated when all that have it emulate it. They are for display: each
// member checks each message itself. Contacts are not routed.
func capabilities(members []*provider.Client) provider.Capabilities {
	out := make(provider.Capabilities)
	for _, f := range provider.Features() {
		switch {
		case !strings.HasPrefix(string(f), "message."):
			out[f] = provider.Support{
				Level: provider.LevelNone, Note: "a route has no such call; ask a member",
			}
		case f == feature.MessageBatch:
			out[f] = adapterkit.Cell(
				provider.LevelEmulated, "",
				"one call each, several at a time: each message has its own member",
			)
		default:
			out[f] = merge(f, members)
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
