package brevo

import "github.com/postmux/postmux/provider"

// capabilities rest on the vendor's specification and guides; see api/brevo/SOURCES.md.
func capabilities(provider.Section) provider.Capabilities {
	cell := provider.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		account  = provider.LevelAccountWide
		none     = provider.LevelNone
	)
	const notTold = "suppressed tells nothing of transactional mail; suppressions list that"
	return provider.Capabilities{
		provider.FeatureToMany:         cell(native),
		provider.FeatureCc:             cell(native),
		provider.FeatureBcc:            cell(native),
		provider.FeatureReplyTo:        cell(native),
		provider.FeatureReplyToMany:    cell(none, "", "one address"),
		provider.FeatureHTML:           cell(native),
		provider.FeatureText:           cell(native),
		provider.FeatureTextOnly:       cell(emulated, "", "text alone is delivered as HTML, so HTML is made from it"),
		provider.FeatureTemplate:       cell(native),
		provider.FeatureVariables:      cell(native),
		provider.FeatureAttachments:    cell(native, "", "the type is guessed from the name; names beyond ASCII arrive garbled"),
		provider.FeatureAttachmentMany: cell(native),
		provider.FeatureAttachmentURL:  cell(native),
		provider.FeatureAttachmentType: cell(none, "", "the type is guessed from the name"),
		provider.FeatureInline:         cell(none, "", "host the image and use its URL"),
		provider.FeatureHeaders:        cell(native, "", "values beyond ASCII are encoded (RFC 2047)"),
		provider.FeatureTags:           cell(native),
		provider.FeatureMetadata:       cell(native, "", "in the header X-Mailin-custom, which recipients can see"),
		provider.FeatureSendAt:         cell(limited, "72 hours ahead", "may be up to 5 minutes late"),
		provider.FeatureTrackOpens:     cell(account, "", "account settings"),
		provider.FeatureTrackClicks:    cell(account, "", "account settings"),
		provider.FeatureIdempotencyKey: cell(limited, "10 minutes", "a repeat sends nothing and has no id"),
		provider.FeatureRecipients:     cell(limited, "1,000 versions, 2,000 recipients"),
		provider.FeatureBatch:          cell(limited, "1,000 messages, 2,000 recipients", "messages with the same sender, template, files, headers, tags and time share a call"),
		provider.FeatureStatus:         cell(native, "", "from the event log"),
		provider.FeatureCancel:         cell(native, "", "until it goes out"),
		provider.FeatureSettle:         cell(limited, "mail sent in the last 30 days", "by recipient, subject and time; 2 calls a second"),

		provider.FeatureContactGet:        cell(limited, "marketing mail and SMS", notTold),
		provider.FeatureContactList:       cell(limited, "marketing mail and SMS", notTold),
		provider.FeatureContactListOf:     cell(limited, "marketing mail and SMS", notTold),
		provider.FeatureContactSince:      cell(native),
		provider.FeatureContactUpsert:     cell(native),
		provider.FeatureContactPhone:      cell(native, "", "attribute SMS, with country code"),
		provider.FeatureContactExternal:   cell(native, "", "written, never read back"),
		provider.FeatureContactNames:      cell(native, "", "attributes FIRSTNAME, LASTNAME"),
		provider.FeatureContactFields:     cell(native, "", "attributes must exist; unknown ones are an error here"),
		provider.FeatureContactClear:      cell(native, "", "an empty text; not of the external id").Guess(),
		provider.FeatureContactStatus:     cell(limited, "whole account", "blocks all marketing mail"),
		provider.FeatureContactNoList:     cell(native),
		provider.FeatureContactDelete:     cell(native),
		provider.FeatureUnsubscribe:       cell(limited, "marketing mail", "transactional mail still goes out"),
		provider.FeatureUnsubscribeList:   cell(emulated, "", "taken off the list; may be added again"),
		provider.FeatureContactImport:     cell(native, "", "jobs of up to 10,000, once all contacts are read for who has unsubscribed (who does so later may be put back); two calls each for fewer than 50 and for what a job cannot do"),
		provider.FeatureLists:             cell(native),
		provider.FeatureListAdd:           cell(native, "", "150 addresses a call"),
		provider.FeatureListRemove:        cell(native, "", "150 addresses a call"),
		provider.FeatureListCreate:        cell(limited, "with the setting folder_id"),
		provider.FeatureListDelete:        cell(native),
		provider.FeatureResubscribe:       cell(limited, "marketing mail", "a block of transactional mail stays; to a list: put on it again").Guess(),
		provider.FeatureSuppressions:      cell(limited, "transactional mail", "who gets no marketing mail is told with the contacts"),
		provider.FeatureSuppressionAdd:    cell(none, "", "the provider has no call that adds an address; unsubscribe blocks marketing mail"),
		provider.FeatureSuppressionRemove: cell(limited, "transactional mail", "a block of marketing mail stays"),
		provider.FeatureCheck:             cell(native),
		provider.FeatureCheckSenders:      cell(native),
		provider.FeatureCheckQuota:        cell(native),
	}
}

func (a *adapter) Capabilities() provider.Capabilities { return capabilities(provider.Section{}) }
