package sendpulse

import "github.com/postmux/postmux/provider"

// capabilities rest on the vendor's specification and documentation; see
// api/sendpulse/SOURCES.md.
func capabilities(provider.Section) provider.Capabilities {
	cell := provider.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		account  = provider.LevelAccountWide
		none     = provider.LevelNone
	)
	return provider.Capabilities{
		provider.FeatureToMany:         cell(native, "", "one id for all of them"),
		provider.FeatureCc:             cell(native),
		provider.FeatureBcc:            cell(native),
		provider.FeatureReplyTo:        cell(native),
		provider.FeatureReplyToMany:    cell(none, "", "one address"),
		provider.FeatureHTML:           cell(native, "", "without text, the provider makes the text part from it").Guess(),
		provider.FeatureText:           cell(native),
		provider.FeatureTextOnly:       cell(native).Guess(),
		provider.FeatureTemplate:       cell(native, "", "real_id as a number, or the id as text, which changes with every edit; a subject is needed too"),
		provider.FeatureVariables:      cell(limited, "with a template"),
		provider.FeatureAttachments:    cell(native, "", "every name once"),
		provider.FeatureAttachmentMany: cell(native),
		provider.FeatureAttachmentURL:  cell(none, "", "give the content"),
		provider.FeatureAttachmentType: cell(none, "", "only the name is passed on"),
		provider.FeatureInline:         cell(none, "", "host the image and use its URL"),
		provider.FeatureHeaders:        cell(none),
		provider.FeatureTags:           cell(none),
		provider.FeatureMetadata:       cell(none),
		provider.FeatureSendAt:         cell(none, "", "transactional mail goes out at once"),
		provider.FeatureTrackOpens:     cell(account, "", "settings of the SMTP service"),
		provider.FeatureTrackClicks:    cell(account, "", "settings of the SMTP service"),
		provider.FeatureIdempotencyKey: cell(none),
		provider.FeatureRecipients:     cell(emulated, "", "one call each"),
		provider.FeatureBatch:          cell(emulated, "", "one call each, several at a time"),
		provider.FeatureStatus:         cell(native, "", "read from the reply code of the recipient's mail server").Guess(),
		provider.FeatureCancel:         cell(none, "", "transactional mail goes out at once"),
		provider.FeatureSettle:         cell(limited, "times without a zone", "by recipient, day and subject; a like mail within 14 hours is found too").Guess(),

		provider.FeatureContactGet:        cell(native, "", "several calls; a variable is shown as the first list has it"),
		provider.FeatureContactList:       cell(emulated, "", "list by list; an address on two lists comes twice; suppressed tells of marketing mail only"),
		provider.FeatureContactListOf:     cell(native, "", "suppressed tells the standing on the list, nothing of transactional mail"),
		provider.FeatureContactSince:      cell(none, "", "no times of change"),
		provider.FeatureContactUpsert:     cell(native, "", "a look-up and one call a list; variables are set on the lists of the change"),
		provider.FeatureContactPhone:      cell(native, "", "variable Phone; digits with country code in the documents"),
		provider.FeatureContactExternal:   cell(none),
		provider.FeatureContactNames:      cell(native, "", "variables, named by the settings first_name_variable and last_name_variable").Guess(),
		provider.FeatureContactFields:     cell(limited, "texts, numbers, dates", "variables; one comes into being when it is first set"),
		provider.FeatureContactClear:      cell(none, "", "no documented way to empty a variable"),
		provider.FeatureContactStatus:     cell(none, "", "unsubscribe after the upsert"),
		provider.FeatureContactNoList:     cell(none, "", "a contact is an address on a list"),
		provider.FeatureContactDelete:     cell(native, "", "from all lists"),
		provider.FeatureUnsubscribe:       cell(limited, "transactional mail and the lists it is on now", "one call, and one for each list"),
		provider.FeatureUnsubscribeList:   cell(native),
		provider.FeatureContactImport:     cell(native, "", "two calls for 500 contacts, one more for each further list; who has left a list has calls of its own"),
		provider.FeatureLists:             cell(native),
		provider.FeatureListAdd:           cell(native, "", "a look-up for each address; makes a contact of an unknown one; who is on it stays so"),
		provider.FeatureListRemove:        cell(native, "", "a look-up for each address; who has left the list is kept there; an address on no other list is no contact any more"),
		provider.FeatureListCreate:        cell(native, "", "a name can be used once"),
		provider.FeatureListDelete:        cell(native, "", "addresses on no other list go with it, and their unsubscriptions"),
		provider.FeatureResubscribe:       cell(limited, "transactional mail and the lists it is on", "added to a list again, which is read afterwards; blocks and the blacklist stay").Guess(),
		provider.FeatureSuppressions:      cell(native, "", "two sets: transactional mail, and the blacklist for all mail"),
		provider.FeatureSuppressionAdd:    cell(native, "", "on the blacklist, which keeps all mail"),
		provider.FeatureSuppressionRemove: cell(native, "", "from both sets; the standing on lists stays"),
		provider.FeatureCheck:             cell(native),
		provider.FeatureCheckSenders:      cell(native),
		provider.FeatureCheckQuota:        cell(native),
	}
}

func (a *adapter) Capabilities() provider.Capabilities { return capabilities(provider.Section{}) }
