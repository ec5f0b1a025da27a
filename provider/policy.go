package provider

import (
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/text"
)

// Policy maps features that a provider lacks to actions, by the feature's name or a
// part of it before a dot: {"message.headers": "drop"}. Without an entry, a missing
// feature is an error.
type Policy map[Feature]Action

// actionError refuses an emulation that needs no policy.
const actionError Action = "error"

// Features returns all features in the order of the capability matrix.
func Features() []Feature {
	out := make([]Feature, len(features))
	for i, f := range features {
		out[i] = f.name
	}
	return out
}

func (f Feature) info() featureInfo {
	if i := slices.IndexFunc(features, func(i featureInfo) bool { return i.name == f }); i >= 0 {
		return features[i]
	}
	return featureInfo{}
}

// Doc describes the feature in a few words; empty for an unknown one.
func (f Feature) Doc() string { return f.info().doc }

// Can reports whether the provider has f: it is native or limited, or its emulation
// has the same effect.
func (c Capabilities) Can(f Feature) bool {
	switch c.Level(f) {
	case LevelNative, LevelLimited:
		return true
	case LevelEmulated:
		return f.emulation() == ""
	}
	return false
}

// emulation returns the action with which a policy allows f to be emulated; empty
// when the emulation needs no policy.
func (f Feature) emulation() Action {
	for _, a := range f.info().actions {
		if a == ActionEmulate || a == ActionFanOut {
			return a
		}
	}
	return ""
}

// action returns the policy's action for f, from f itself or the nearest parent.
func (p Policy) action(f Feature) Action {
	allowed := f.info().actions
	for name := f; name != ""; {
		if a, ok := p[name]; ok && slices.Contains(allowed, a) {
			return a
		}
		i := strings.LastIndexByte(string(name), '.')
		if i < 0 {
			break
		}
		name = name[:i]
	}
	return ""
}

// check returns a problem for each unknown name or action.
func (p Policy) check() []*Error {
	var out []*Error
	for name, action := range p {
		var allowed []string
		for _, f := range features {
			if f.name == name || strings.HasPrefix(string(f.name), string(name)+".") {
				for _, a := range f.actions {
					allowed = append(allowed, string(a))
				}
			}
		}
		slices.Sort(allowed)
		allowed = slices.Compact(allowed)
		switch {
		case len(allowed) == 0:
			out = append(
				out,
				configError("policy."+string(name), "no feature of this name can have a policy"),
			)
		case !slices.Contains(allowed, string(action)):
			out = append(
				out,
				configError(
					"policy."+string(name), "expected %s, got %q", strings.Join(allowed, " or "),
					text.NoKey(string(action)),
				),
			)
		}
	}
	slices.SortFunc(out, func(a, b *Error) int { return strings.Compare(a.Field, b.Field) })
	return out
}

// featureInfo is a line of the capability matrix.
type featureInfo struct {
	name    Feature
	doc     string
	actions []Action
	// standsIn means that an emulation is used without a policy too, because it does
	// a part of what was asked for and no harm. It meets require by a policy only.
	standsIn bool
}

// features is the capability matrix: the features of the fields, and the
// operations.
var features = slices.Concat(
	featuresOf(messageFields),
	[]featureInfo{
		{name: featureBatch, doc: "several messages in one call"},
		{name: featureStatus, doc: "look-up of a mail by its id"},
		{name: featureCancel, doc: "withdraw a scheduled mail"},
		{name: featureSettle, doc: "find a mail whose outcome is unknown"},
		{name: featureContactGet, doc: "one contact by address"},
		{name: featureContactList, doc: "all contacts, page by page"},
		{name: featureContactListOf, doc: "the members of a list"},
		{name: featureContactSince, doc: "contacts changed since a time"},
		{name: featureContactUpsert, doc: "create or change a contact"},
	},
	featuresOf(changeFields),
	[]featureInfo{
		{name: featureContactDelete, doc: "delete a contact"},
		{name: featureUnsubscribe, doc: "unsubscribe from all mail"},
		// Less mail is never refused, unless the program says that nothing less will do.
		{
			name: featureUnsubscribeList, doc: "unsubscribe from one list",
			actions: []Action{ActionEmulate, actionError}, standsIn: true,
		},
		{name: featureContactImport, doc: "import of many contacts"},
		{name: featureLists, doc: "the lists"},
		{name: featureListAdd, doc: "put contacts on a list"},
		{name: featureListRemove, doc: "take contacts off a list"},
		{name: featureListCreate, doc: "make a list"},
		{name: featureListDelete, doc: "remove a list"},
		{name: featureResubscribe, doc: "undo an unsubscription"},
		{name: featureSuppressions, doc: "addresses that get no mail"},
		{name: featureSuppressionAdd, doc: "stop mail to an address"},
		{name: featureSuppressionRemove, doc: "allow mail to an address again"},
		{name: featureCheck, doc: "check of the credentials"},
		{name: featureCheckSenders, doc: "the senders and whether they are verified"},
		{name: featureCheckQuota, doc: "remaining credits or quota"},
	},
)

func featuresOf[T any](rows []field[T]) []featureInfo {
	var out []featureInfo
	for _, row := range rows {
		for _, u := range row.uses {
			out = append(out, featureInfo{name: u.feature, doc: u.doc, actions: u.actions})
		}
	}
	return out
}
