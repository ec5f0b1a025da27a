package smsby

import "github.com/postmux/postmux/provider"

// capabilities rest on the vendor's documents; see api/smsby/SOURCES.md. The
// setting send_via decides about files, look-ups and Recipients.
func capabilities(s provider.Section) provider.Capabilities {
	cell := provider.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		none     = provider.LevelNone
	)
	caps := provider.Capabilities{
		provider.FeatureToMany:         cell(emulated, "", "one recipient a mail"),
		provider.FeatureCc:             cell(none),
		provider.FeatureBcc:            cell(none),
		provider.FeatureReplyTo:        cell(none),
		provider.FeatureReplyToMany:    cell(none),
		provider.FeatureHTML:           cell(native, "", "whether the message is read as HTML is not stated").Guess(),
		provider.FeatureText:           cell(none, "", "one body only"),
		provider.FeatureTextOnly:       cell(emulated, "", "the message is taken to be HTML, so HTML is made from text").Guess(),
		provider.FeatureTemplate:       cell(none, "", "templates can be listed, not sent"),
		provider.FeatureVariables:      cell(none),
		provider.FeatureAttachments:    cell(native, "", "with send_via single"),
		provider.FeatureAttachmentMany: cell(none, "", "one file"),
		provider.FeatureAttachmentURL:  cell(none),
		provider.FeatureAttachmentType: cell(native, "", "the type of the form part").Guess(),
		provider.FeatureInline:         cell(none, "", "host the image and use its URL"),
		provider.FeatureHeaders:        cell(none),
		provider.FeatureTags:           cell(none),
		provider.FeatureMetadata:       cell(none),
		provider.FeatureSendAt:         cell(limited, "to the minute", "needs the setting time_zone"),
		provider.FeatureTrackOpens:     cell(native),
		provider.FeatureTrackClicks:    cell(native),
		provider.FeatureIdempotencyKey: cell(none, "", "the provider has no key against double sending"),
		provider.FeatureRecipients:     cell(emulated, "", "one call for each recipient; send_via bulk sends all in one"),
		provider.FeatureBatch:          cell(emulated, "", "one call each, several at a time"),
		provider.FeatureStatus:         cell(none, "", "only mail of send_via bulk can be looked up"),
		provider.FeatureCancel:         cell(none, "", "the provider has no method that withdraws a mail"),
		provider.FeatureSettle:         cell(none, "", "the provider has no method that lists mail"),

		provider.FeatureContactGet:        cell(none),
		provider.FeatureContactList:       cell(none),
		provider.FeatureContactListOf:     cell(none),
		provider.FeatureContactSince:      cell(none),
		provider.FeatureContactUpsert:     cell(limited, "may lift an unsubscription", "an import of one row for each list; nothing can be asked before").Guess(),
		provider.FeatureContactPhone:      cell(native),
		provider.FeatureContactExternal:   cell(none),
		provider.FeatureContactNames:      cell(limited, "one field", "first and last name are joined in the field of the setting name_field"),
		provider.FeatureContactFields:     cell(limited, "30 fields, text only", "whether an unknown field is created is not stated"),
		provider.FeatureContactClear:      cell(none, "", "whether an empty value clears a field is not stated"),
		provider.FeatureContactStatus:     cell(none, "", "use unsubscribe"),
		provider.FeatureContactNoList:     cell(none, "", "a contact is always on a list"),
		provider.FeatureContactDelete:     cell(none),
		provider.FeatureUnsubscribe:       cell(native, "", "from all lists; whether single mail is stopped too is not stated"),
		provider.FeatureUnsubscribeList:   cell(native),
		provider.FeatureContactImport:     cell(limited, "may lift an unsubscription", "about 100 contacts a call, 500 at most, for each list").Guess(),
		provider.FeatureLists:             cell(none, "", "the provider has such a method, but its path and answer are not known"),
		provider.FeatureListAdd:           cell(limited, "may lift an unsubscription", "by an import, one call a contact; creates contacts that are not there").Guess(),
		provider.FeatureListRemove:        cell(none, "", "unsubscribe from the list instead"),
		provider.FeatureListCreate:        cell(native, "", "whether names are unique is not stated"),
		provider.FeatureListDelete:        cell(none, "", "the provider has no method that deletes lists"),
		provider.FeatureResubscribe:       cell(native, "", "takes the address off the unsubscribed, puts it on no list"),
		provider.FeatureSuppressions:      cell(none, "", "the provider has no method that shows the unsubscribed"),
		provider.FeatureSuppressionAdd:    cell(none, "", "use unsubscribe"),
		provider.FeatureSuppressionRemove: cell(none, "", "use resubscribe"),
		provider.FeatureCheck:             cell(native, "", "by reading the templates"),
		provider.FeatureCheckSenders:      cell(none),
		provider.FeatureCheckQuota:        cell(none),
	}
	if s.Text("send_via") == viaBulk {
		const noFile = "send_via bulk takes no files; single takes one"
		caps[provider.FeatureAttachments] = cell(none, "", noFile)
		caps[provider.FeatureAttachmentMany] = cell(none, "", noFile)
		caps[provider.FeatureAttachmentType] = cell(none, "", noFile)
		caps[provider.FeatureRecipients] = cell(limited, "own subject and content", "the form of a personal bulk is inferred; the setting bulk_encoding switches it").Guess()
		caps[provider.FeatureBatch] = cell(limited, "500 messages", "messages with the same sender and time share a call; what a call takes, and whether recipients of equal mails see each other, is not stated").Guess()
		caps[provider.FeatureStatus] = cell(limited, "delivered, opened, undelivered", "the provider's full list of states is not known")
	}
	return caps
}

func (a *adapter) Capabilities() provider.Capabilities { return a.caps }
