package provider

// Feature is an ability that a provider may or may not have, by its dotted JSON
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
	featureListUnsubscribe   Feature = "message.headers.list_unsubscribe"
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
	featureContactSuppressed Feature = "contacts.upsert.suppressed"
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

// Level is the degree to which a provider has a feature.
type Level string

// The levels.
const (
	LevelNative      Level = "native"       // completely, by the provider itself
	LevelLimited     Level = "limited"      // with the limit in Support.Limit
	LevelEmulated    Level = "emulated"     // by other means
	LevelAccountWide Level = "account_wide" // a setting of the account, not of a mail
	LevelNone        Level = "none"         // not at all
)

// Support is one cell of the capability matrix.
type Support struct {
	Level Level  `json:"level"`
	Limit string `json:"limit,omitempty"`
	Note  string `json:"note,omitempty"`
	// Basis is the evidence for the cell: "document" (the vendor's documents and the
	// sources beside them), "guess" (an inference, to be checked with an account) or
	// "unproved" (public programs, or the age of the dialect, suggest more than the vendor
	// documents: used only when a setting of the account says so, and never enough for
	// the setting require).
	Basis string `json:"basis"`
	// Judged is the month in which the cell was last held against the sources, as 2026-11.
	// Those are listed in api/SPEC/SOURCES.md of this module.
	Judged string `json:"judged,omitempty"`
	// Checked is where it was tested: "fake" (against the sandbox) or "live".
	Checked string `json:"checked"`
}

// Capabilities are the features of a provider or an account. The conformance suite
// checks each of them.
type Capabilities map[Feature]Support

// Level is the level of f; a feature that is not listed is LevelNone.
func (c Capabilities) Level(f Feature) Level {
	if s, ok := c[f]; ok && s.Level != "" {
		return s.Level
	}
	return LevelNone
}

// Guess marks a cell as inferred, to be checked with an account.
func (s Support) Guess() Support {
	s.Basis = "guess"
	return s
}

// Action is what a Policy does about a feature that a provider lacks. Two more values
// have no constant. "error" refuses a message that would lose the feature, or have it
// emulated, without a policy. "send_now" is for message.send_at alone: it sends at once
// a mail that should go out later.
type Action string

// The actions of a Policy.
const (
	ActionDrop    Action = "drop"    // leave the field out; the receipt has a note
	ActionEmulate Action = "emulate" // use other means; the receipt has a note
	ActionFanOut  Action = "fan_out" // one mail for each recipient, who no longer see each other

	actionError   Action = "error"    // refuse it
	actionSendNow Action = "send_now" // without its time; of message.send_at
)
