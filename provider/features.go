package provider

import "strings"

// Feature is something that a provider may or may not have, under its dotted JSON
// name: "message.cc". Package feature has a constant for each.
type Feature string

// The features that this package asks for by name. fields.go describes them.
const (
	featureToMany            Feature = "message.to.many"
	featureCc                Feature = "message.cc"
	featureBcc               Feature = "message.bcc"
	featureReplyTo           Feature = "message.reply_to"
	featureReplyToMany       Feature = "message.reply_to.many"
	featureHTML              Feature = "message.html"
	featureText              Feature = "message.text"
	featureTextOnly          Feature = "message.text.only"
	featureTemplate          Feature = "message.template"
	featureVariables         Feature = "message.variables"
	featureAttachments       Feature = "message.attachments"
	featureAttachmentMany    Feature = "message.attachments.many"
	featureAttachmentURL     Feature = "message.attachments.url"
	featureAttachmentType    Feature = "message.attachments.content_type"
	featureInline            Feature = "message.attachments.inline"
	featureHeaders           Feature = "message.headers"
	featureTags              Feature = "message.tags"
	featureMetadata          Feature = "message.metadata"
	featureSendAt            Feature = "message.send_at"
	featureTrackOpens        Feature = "message.track_opens"
	featureTrackClicks       Feature = "message.track_clicks"
	featureIdempotencyKey    Feature = "message.idempotency_key"
	featureRecipients        Feature = "message.recipients"
	featureBatch             Feature = "message.batch"
	featureStatus            Feature = "message.status"
	featureCancel            Feature = "message.cancel"
	featureSettle            Feature = "message.settle"
	featureContactGet        Feature = "contacts.get"
	featureContactList       Feature = "contacts.list"
	featureContactListOf     Feature = "contacts.list.members"
	featureContactSince      Feature = "contacts.list.modified_since"
	featureContactUpsert     Feature = "contacts.upsert"
	featureContactPhone      Feature = "contacts.upsert.phone"
	featureContactExternal   Feature = "contacts.upsert.external_id"
	featureContactNames      Feature = "contacts.upsert.names"
	featureContactFields     Feature = "contacts.upsert.fields"
	featureContactClear      Feature = "contacts.upsert.clear"
	featureContactStatus     Feature = "contacts.upsert.status"
	featureContactNoList     Feature = "contacts.upsert.without_list"
	featureContactDelete     Feature = "contacts.delete"
	featureUnsubscribe       Feature = "contacts.unsubscribe"
	featureUnsubscribeList   Feature = "contacts.unsubscribe.list"
	featureContactImport     Feature = "contacts.import"
	featureLists             Feature = "lists.list"
	featureListAdd           Feature = "lists.add"
	featureListRemove        Feature = "lists.remove"
	featureListCreate        Feature = "lists.create"
	featureListDelete        Feature = "lists.delete"
	featureResubscribe       Feature = "contacts.resubscribe"
	featureSuppressions      Feature = "suppressions.list"
	featureSuppressionAdd    Feature = "suppressions.add"
	featureSuppressionRemove Feature = "suppressions.remove"
	featureCheck             Feature = "check"
	featureCheckSenders      Feature = "check.senders"
	featureCheckQuota        Feature = "check.quota"
)

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

// Level is the level of f; a feature that is not listed is LevelNone.
func (c Capabilities) Level(f Feature) Level {
	if s, ok := c[f]; ok && s.Level != "" {
		return s.Level
	}
	return LevelNone
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
