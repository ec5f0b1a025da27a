package provider

import (
	"slices"
	"strings"
)

// Feature is something a provider may or may not have, under its dotted JSON
// name. Only features that exist in code are declared.
type Feature string

// The features.
const (
	FeatureToMany         Feature = "message.to.many"
	FeatureCc             Feature = "message.cc"
	FeatureBcc            Feature = "message.bcc"
	FeatureReplyTo        Feature = "message.reply_to"
	FeatureReplyToMany    Feature = "message.reply_to.many"
	FeatureHTML           Feature = "message.html"
	FeatureText           Feature = "message.text"
	FeatureTextOnly       Feature = "message.text.only"
	FeatureTemplate       Feature = "message.template"
	FeatureVariables      Feature = "message.variables"
	FeatureAttachments    Feature = "message.attachments"
	FeatureAttachmentMany Feature = "message.attachments.many"
	FeatureAttachmentURL  Feature = "message.attachments.url"
	FeatureAttachmentType Feature = "message.attachments.content_type"
	FeatureInline         Feature = "message.attachments.inline"
	FeatureHeaders        Feature = "message.headers"
	FeatureTags           Feature = "message.tags"
	FeatureMetadata       Feature = "message.metadata"
	FeatureSendAt         Feature = "message.send_at"
	FeatureTrackOpens     Feature = "message.track_opens"
	FeatureTrackClicks    Feature = "message.track_clicks"
	FeatureIdempotencyKey Feature = "message.idempotency_key"
	FeatureRecipients     Feature = "message.recipients"
	FeatureBatch          Feature = "message.batch"
	FeatureStatus         Feature = "message.status"
	FeatureCancel         Feature = "message.cancel"
	FeatureSettle         Feature = "message.settle"

	FeatureContactGet        Feature = "contacts.get"
	FeatureContactList       Feature = "contacts.list"
	FeatureContactListOf     Feature = "contacts.list.members"
	FeatureContactSince      Feature = "contacts.list.modified_since"
	FeatureContactUpsert     Feature = "contacts.upsert"
	FeatureContactPhone      Feature = "contacts.upsert.phone"
	FeatureContactExternal   Feature = "contacts.upsert.external_id"
	FeatureContactNames      Feature = "contacts.upsert.names"
	FeatureContactFields     Feature = "contacts.upsert.fields"
	FeatureContactClear      Feature = "contacts.upsert.clear"
	FeatureContactStatus     Feature = "contacts.upsert.status"
	FeatureContactNoList     Feature = "contacts.upsert.without_list"
	FeatureContactDelete     Feature = "contacts.delete"
	FeatureUnsubscribe       Feature = "contacts.unsubscribe"
	FeatureUnsubscribeList   Feature = "contacts.unsubscribe.list"
	FeatureContactImport     Feature = "contacts.import"
	FeatureLists             Feature = "lists.list"
	FeatureListAdd           Feature = "lists.add"
	FeatureListRemove        Feature = "lists.remove"
	FeatureListCreate        Feature = "lists.create"
	FeatureListDelete        Feature = "lists.delete"
	FeatureResubscribe       Feature = "contacts.resubscribe"
	FeatureSuppressions      Feature = "suppressions.list"
	FeatureSuppressionAdd    Feature = "suppressions.add"
	FeatureSuppressionRemove Feature = "suppressions.remove"
	FeatureCheck             Feature = "check"
	FeatureCheckSenders      Feature = "check.senders"
	FeatureCheckQuota        Feature = "check.quota"
)

// Actions of a Policy.
const (
	ActionDrop    = "drop"
	ActionEmulate = "emulate"
	ActionFanOut  = "fan_out"
)

// featureInfo describes a feature and what a policy may do about it.
type featureInfo struct {
	name    Feature
	doc     string
	actions []string
}

var features = []featureInfo{
	{FeatureToMany, "several recipients who see each other", []string{ActionFanOut}},
	{FeatureCc, "visible copies", []string{ActionDrop}},
	{FeatureBcc, "hidden copies", []string{ActionDrop}},
	{FeatureReplyTo, "an address for answers", []string{ActionDrop}},
	{FeatureReplyToMany, "several addresses for answers", []string{ActionDrop}},
	{FeatureHTML, "an HTML body", nil},
	{FeatureText, "a text body beside the HTML", []string{ActionDrop}},
	{FeatureTextOnly, "a text body alone", []string{ActionEmulate}},
	{FeatureTemplate, "a template stored at the provider", nil},
	{FeatureVariables, "values for a template", nil},
	{FeatureAttachments, "a file", []string{ActionDrop}},
	{FeatureAttachmentMany, "several files", nil},
	{FeatureAttachmentURL, "a file that the provider fetches", []string{ActionDrop}},
	{FeatureAttachmentType, "a content type that the name does not tell", []string{ActionDrop}},
	{FeatureInline, "a file shown inside the HTML", []string{ActionDrop}},
	{FeatureHeaders, "own header fields", []string{ActionDrop}},
	{FeatureTags, "labels for statistics", []string{ActionDrop}},
	{FeatureMetadata, "data that comes back in events", []string{ActionDrop}},
	{FeatureSendAt, "a time to send at", []string{ActionDrop}},
	{FeatureTrackOpens, "tracking of opens for this mail", []string{ActionDrop}},
	{FeatureTrackClicks, "tracking of clicks for this mail", []string{ActionDrop}},
	{FeatureIdempotencyKey, "a repeat with the same key sends nothing", []string{ActionDrop}},
	{FeatureRecipients, "a mail of its own for each recipient in one call", []string{ActionEmulate}},
	{FeatureBatch, "several messages in one call", nil},
	{FeatureStatus, "look-up of a mail by its id", nil},
	{FeatureCancel, "withdraw a scheduled mail", nil},
	{FeatureSettle, "find a mail whose outcome is unknown", nil},
	{FeatureContactGet, "one contact by address", nil},
	{FeatureContactList, "all contacts, page by page", nil},
	{FeatureContactListOf, "the members of a list", nil},
	{FeatureContactSince, "contacts changed since a time", nil},
	{FeatureContactUpsert, "create or change a contact", nil},
	{FeatureContactPhone, "the phone of a contact", nil},
	{FeatureContactExternal, "the caller's own id of a contact", nil},
	{FeatureContactNames, "first and last name", nil},
	{FeatureContactFields, "further fields", nil},
	{FeatureContactClear, "empty a field", nil},
	{FeatureContactStatus, "store as unsubscribed or blocked", nil},
	{FeatureContactNoList, "a contact on no list", nil},
	{FeatureContactDelete, "delete a contact", nil},
	{FeatureUnsubscribe, "unsubscribe from all mail", nil},
	{FeatureUnsubscribeList, "unsubscribe from one list", nil},
	{FeatureContactImport, "import of many contacts", nil},
	{FeatureLists, "the lists", nil},
	{FeatureListAdd, "put contacts on a list", nil},
	{FeatureListRemove, "take contacts off a list", nil},
	{FeatureListCreate, "make a list", nil},
	{FeatureListDelete, "remove a list", nil},
	{FeatureResubscribe, "undo an unsubscription", nil},
	{FeatureSuppressions, "addresses that get no mail", nil},
	{FeatureSuppressionAdd, "keep mail from an address", nil},
	{FeatureSuppressionRemove, "let mail to an address through again", nil},
	{FeatureCheck, "check of the credentials", nil},
	{FeatureCheckSenders, "the senders and whether they are verified", nil},
	{FeatureCheckQuota, "what is left of credits or quota", nil},
}

// Features returns all features in the order of the matrix.
func Features() []Feature {
	out := make([]Feature, len(features))
	for i, f := range features {
		out[i] = f.name
	}
	return out
}

// Doc says in a few words what the feature is; empty for an unknown one.
func (f Feature) Doc() string {
	if i := slices.IndexFunc(features, func(i featureInfo) bool { return i.name == f }); i >= 0 {
		return features[i].doc
	}
	return ""
}

func (f Feature) known() bool { return f.Doc() != "" }

// Level says how well a provider has a feature.
type Level string

// The levels.
const (
	LevelNative      Level = "native"       // as it is
	LevelLimited     Level = "limited"      // with a limit that Support.Limit tells
	LevelEmulated    Level = "emulated"     // by other means
	LevelAccountWide Level = "account_wide" // a setting of the account, not of a mail
	LevelNone        Level = "none"
)

// Support is one cell of the capability matrix.
type Support struct {
	Level Level  `json:"level"`
	Limit string `json:"limit,omitempty"`
	Note  string `json:"note,omitempty"`
	// Basis says what the cell rests on: "document" (the vendor's documents),
	// "guess" (an inference, to be checked with an account).
	Basis string `json:"basis"`
	// Checked says how far it was tried: "fake" (against the sandbox), "live".
	Checked string `json:"checked"`
}

// Capabilities say what a provider can do. The conformance suite proves them.
type Capabilities map[Feature]Support

// Level is the level of f; a feature that is not listed is None.
func (c Capabilities) Level(f Feature) Level {
	if s, ok := c[f]; ok && s.Level != "" {
		return s.Level
	}
	return LevelNone
}

// Can reports whether f is there without a policy: native or limited, or
// emulated always.
func (c Capabilities) Can(f Feature) bool {
	switch c.Level(f) {
	case LevelNative, LevelLimited:
		return true
	case LevelEmulated:
		return !needsPolicy(f)
	}
	return false
}

// needsPolicy reports whether an emulation of f changes what was asked for, so
// that a policy must allow it.
func needsPolicy(f Feature) bool {
	return f == FeatureToMany || f == FeatureTextOnly || f == FeatureRecipients
}

// Cell builds a Support for adapters' tables: level, then optional limit and note.
func Cell(level Level, limitAndNote ...string) Support {
	s := Support{Level: level, Basis: "document", Checked: "fake"}
	if len(limitAndNote) > 0 {
		s.Limit = limitAndNote[0]
	}
	if len(limitAndNote) > 1 {
		s.Note = strings.Join(limitAndNote[1:], "; ")
	}
	return s
}

// Guess marks a cell as inferred.
func (s Support) Guess() Support {
	s.Basis = "guess"
	return s
}

// Policy says what to do about a feature that a provider lacks, by feature name
// or by the name of its parent: {"message.headers": "drop"}. The default is an error.
type Policy map[string]string

// action is the policy's word about f, from f itself or the nearest parent.
func (p Policy) action(f Feature) string {
	for name := string(f); name != ""; {
		if a, ok := p[name]; ok && slices.Contains(f.actions(), a) {
			return a
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			break
		}
		name = name[:i]
	}
	return ""
}

func (f Feature) actions() []string {
	if i := slices.IndexFunc(features, func(i featureInfo) bool { return i.name == f }); i >= 0 {
		return features[i].actions
	}
	return nil
}

// check returns a problem for each name or action that means nothing.
func (p Policy) check() []*Error {
	var out []*Error
	for name, action := range p {
		var allowed []string
		for _, f := range features {
			if string(f.name) == name || strings.HasPrefix(string(f.name), name+".") {
				allowed = append(allowed, f.actions...)
			}
		}
		slices.Sort(allowed)
		allowed = slices.Compact(allowed)
		switch {
		case len(allowed) == 0:
			out = append(out, configError("policy."+name, "no feature of this name can have a policy"))
		case !slices.Contains(allowed, action):
			out = append(out, configError("policy."+name, "expected %s, got %q", strings.Join(allowed, " or "), clip(action)))
		}
	}
	slices.SortFunc(out, func(a, b *Error) int { return strings.Compare(a.Field, b.Field) })
	return out
}
