package provider

import (
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/text"
)

// Policy maps features that a provider lacks to actions, by the feature's name:
// {"message.cc": "drop"}. Without an entry a missing feature is an error. There are
// exceptions, for which the receipt has a note: text alone gets an HTML body made from
// it; up to 50 recipients get one call each, and messages of a batch one call each; a
// way to unsubscribe becomes a link in the body; tags, a file's content type and the
// text beside HTML are left out. The action "error" refuses these too.
//
// The beginning of a name, up to a dot, covers all features that begin so: {"message":
// "error"}. Of several entries the longest counts. "drop" by the beginning of a name
// covers only tags, metadata, the switches of tracking, a file's content type and the
// text beside HTML. Other features need an entry of their own, because dropping them
// changes who gets a mail, when, or with which header fields.
type Policy map[Feature]Action

// maxCallsByDefault is how many calls a message to many recipients may become without a
// policy.
const maxCallsByDefault = 50

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
// needs no policy and does all that was asked for.
func (c Capabilities) Can(f Feature) bool {
	switch c.Level(f) {
	case LevelNative, LevelLimited:
		return true
	case LevelEmulated:
		info := f.info()
		return info.emulation() == "" || info.byDefault && !info.partly
	}
	return false
}

// emulation returns the action that allows the feature to be emulated; empty when
// the emulation is a provider's own affair, which no policy decides.
func (i featureInfo) emulation() Action {
	for _, a := range i.actions {
		if a == ActionEmulate || a == ActionFanOut {
			return a
		}
	}
	return ""
}

// takes reports whether a policy may say a about the feature, by its own name or by a part
// of it.
func (i featureInfo) takes(a Action, own bool) bool {
	switch {
	case a == actionError:
		return len(i.actions) > 0
	case !slices.Contains(i.actions, a):
		return false
	case own || a == ActionEmulate:
		return true
	}
	return a == ActionDrop && i.minor
}

// action returns what is done about f where the provider lacks it: what the policy says
// about f or the nearest part of its name, else what is done by default; empty for an error.
// named reports whether the policy says so.
func (p Policy) action(f Feature) (a Action, named bool) {
	info := f.info()
	for name := f; name != "" && len(p) > 0; {
		if a, ok := p[name]; ok && info.takes(a, name == f) {
			return a, true
		}
		i := strings.LastIndexByte(string(name), '.')
		if i < 0 {
			break
		}
		name = name[:i]
	}
	if info.byDefault {
		return info.actions[0], false
	}
	return "", false
}

// check returns a problem for each unknown name or action.
func (p Policy) check() []*Error {
	var out []*Error
	for name, action := range p {
		var allowed []string
		for _, f := range features {
			if f.name != name && !strings.HasPrefix(string(f.name), string(name)+".") {
				continue
			}
			for _, a := range append(f.actions, actionError) {
				if f.takes(a, f.name == name) {
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

// featureInfo is a line of the capability matrix. See use.
type featureInfo struct {
	name      Feature
	doc       string
	actions   []Action
	byDefault bool
	minor     bool
	partly    bool
}

// features is the capability matrix: the features of the fields, and the
// operations.
var features = slices.Concat(
	featuresOf(messageFields),
	[]featureInfo{
		{name: featureBatch, doc: "several messages in one call", actions: mayEmulate, byDefault: true},
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
			actions: mayEmulate, byDefault: true, partly: true,
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
		{name: "events.webhook", doc: "events pushed by webhooks"},
		{name: "events.webhook.header", doc: "the secret of a webhook outside of its URL"},
		{name: "events.webhook.register", doc: "webhooks registered by calls"},
		{name: "events.list", doc: "the log of events"},
		{name: "events.watch", doc: "events from the ids of receipts"},
		{name: "events.marketing", doc: "events of mail to lists"},
		{name: "events.message_id", doc: "the id of the receipt in events"},
		{name: "events.metadata", doc: "the metadata of the message in events"},
		{name: "events.opened.automated", doc: "opens by programs told apart"},
	},
)

func featuresOf[T any](rows []field[T]) []featureInfo {
	var out []featureInfo
	for _, row := range rows {
		for _, u := range row.uses {
			out = append(out, featureInfo{u.feature, u.doc, u.actions, u.byDefault, u.minor, u.partly})
		}
	}
	return out
}
