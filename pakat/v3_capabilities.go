package pakat

import "github.com/postmux/postmux/provider"

// v3Capabilities rest on the vendor's document. Where a cell depends on an
// answer that it does not show, the cell is a guess; see api/pakatv3/SOURCES.md.
func v3Capabilities(provider.Section) provider.Capabilities {
	cell := provider.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		none     = provider.LevelNone
	)
	return provider.Capabilities{
		provider.FeatureToMany:         cell(native),
		provider.FeatureCc:             cell(native),
		provider.FeatureBcc:            cell(native),
		provider.FeatureReplyTo:        cell(native),
		provider.FeatureReplyToMany:    cell(none, "", "one address"),
		provider.FeatureHTML:           cell(native),
		provider.FeatureText:           cell(native),
		provider.FeatureTextOnly:       cell(emulated, "", "the provider needs HTML beside text, so HTML is made from it"),
		provider.FeatureTemplate:       cell(native),
		provider.FeatureVariables:      cell(limited, "templates in the new language", "an older template ignores them"),
		provider.FeatureAttachments:    cell(limited, "without a template", "a template takes files by URL only"),
		provider.FeatureAttachmentMany: cell(native),
		provider.FeatureAttachmentURL:  cell(native, "", "a template in the old language ignores files"),
		provider.FeatureAttachmentType: cell(none, "", "there is no place for it").Guess(),
		provider.FeatureInline:         cell(none, "", "host the image and use its URL"),
		provider.FeatureHeaders:        cell(native, "", "values beyond ASCII are encoded (RFC 2047)"),
		provider.FeatureTags:           cell(native),
		provider.FeatureMetadata:       cell(native, "", "in the header X-Mailin-custom, which recipients can see").Guess(),
		provider.FeatureSendAt:         cell(limited, "up to 5 minutes late", "a beta of the provider; cannot be cancelled"),
		provider.FeatureTrackOpens:     cell(none),
		provider.FeatureTrackClicks:    cell(none),
		provider.FeatureIdempotencyKey: cell(none, "", "the provider has no key against double sending"),
		provider.FeatureRecipients:     cell(emulated, "", "one call for each recipient"),
		provider.FeatureBatch:          cell(emulated, "", "one call each, several at a time"),
		provider.FeatureStatus:         cell(limited, "the last 30 days", "from the event log; a scheduled mail has no events yet"),
		provider.FeatureCancel:         cell(none, "", "the provider documents no way to cancel a mail"),
		provider.FeatureSettle:         cell(limited, "mail sent in the last 30 days", "by recipient, subject and time; the answer is assumed to be Brevo's").Guess(),

		provider.FeatureContactGet:        cell(none, "", "the provider documents no look-up of one contact; list them"),
		provider.FeatureContactList:       cell(limited, "marketing mail and SMS", "suppressed tells nothing of transactional mail; suppressions list that"),
		provider.FeatureContactListOf:     cell(none, "", "contacts name their lists; the provider lists no members"),
		provider.FeatureContactSince:      cell(native),
		provider.FeatureContactUpsert:     cell(limited, "may lift an unsubscription", "of a list that is named: nothing can be asked before; whether it was created is told by an assumed status").Guess(),
		provider.FeatureContactPhone:      cell(native, "", "attribute SMS"),
		provider.FeatureContactExternal:   cell(none),
		provider.FeatureContactNames:      cell(native, "", "attributes FIRSTNAME, LASTNAME").Guess(),
		provider.FeatureContactFields:     cell(native, "", "attributes must exist; unknown ones are an error here").Guess(),
		provider.FeatureContactClear:      cell(native, "", "an empty text").Guess(),
		provider.FeatureContactStatus:     cell(limited, "whole account", "blocks all marketing mail"),
		provider.FeatureContactNoList:     cell(native),
		provider.FeatureContactDelete:     cell(none, "", "the provider documents no way to delete a contact"),
		provider.FeatureUnsubscribe:       cell(limited, "marketing mail", "transactional mail still goes out"),
		provider.FeatureUnsubscribeList:   cell(emulated, "", "taken off the list; may be added again"),
		provider.FeatureContactImport:     cell(limited, "may lift an unsubscription", "of a list that is named; one call a contact").Guess(),
		provider.FeatureLists:             cell(native).Guess(),
		provider.FeatureListAdd:           cell(limited, "may lift an unsubscription", "from the list: nothing can be asked before; one call a contact").Guess(),
		provider.FeatureListRemove:        cell(native, "", "one call a contact"),
		provider.FeatureListCreate:        cell(limited, "with the setting folder_id").Guess(),
		provider.FeatureListDelete:        cell(none, "", "the provider documents no way to delete a list"),
		provider.FeatureResubscribe:       cell(limited, "marketing mail", "a block of transactional mail stays; to a list: put on it again").Guess(),
		provider.FeatureSuppressions:      cell(limited, "transactional mail", "who gets no marketing mail is told with the contacts").Guess(),
		provider.FeatureSuppressionAdd:    cell(none, "", "the provider documents no way to add an address; unsubscribe blocks marketing mail"),
		provider.FeatureSuppressionRemove: cell(none, "", "the provider documents no way to remove an address"),
		provider.FeatureCheck:             cell(native),
		provider.FeatureCheckSenders:      cell(native),
		provider.FeatureCheckQuota:        cell(native).Guess(),
	}
}

func (a *v3Adapter) Capabilities() provider.Capabilities { return v3Capabilities(provider.Section{}) }
