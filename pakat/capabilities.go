package pakat

import "github.com/postmux/postmux/provider"

// capabilities rest on the vendor's specification; see api/pakat/SOURCES.md.
func capabilities(s provider.Section) provider.Capabilities {
	cell := provider.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		none     = provider.LevelNone
	)
	phone := cell(none, "", "there is no field for phones; the setting phone_tag names one")
	if tag := s.Text("phone_tag"); tag != "" {
		phone = cell(native, "", "field "+tag)
	}
	return provider.Capabilities{
		provider.FeatureToMany:         cell(emulated, "", "a mail goes to one recipient"),
		provider.FeatureCc:             cell(none),
		provider.FeatureBcc:            cell(none),
		provider.FeatureReplyTo:        cell(native),
		provider.FeatureReplyToMany:    cell(none, "", "one address"),
		provider.FeatureHTML:           cell(native),
		provider.FeatureText:           cell(native, "", "base64, as the vendor's clients write it; setting plain_text").Guess(),
		provider.FeatureTextOnly:       cell(emulated, "", "HTML is required, so it is made from the text"),
		provider.FeatureTemplate:       cell(native, "", "a subject is required beside it"),
		provider.FeatureVariables:      cell(limited, "texts", "numbers, true and false are written as text; in templates"),
		provider.FeatureAttachments:    cell(native),
		provider.FeatureAttachmentMany: cell(limited, "3 files", "the documents show three; more are passed on"),
		provider.FeatureAttachmentURL:  cell(none),
		provider.FeatureAttachmentType: cell(native),
		provider.FeatureInline:         cell(none, "", "host the image and use its URL"),
		provider.FeatureHeaders:        cell(none),
		provider.FeatureTags:           cell(none),
		provider.FeatureMetadata:       cell(none),
		provider.FeatureSendAt:         cell(native, "", "whole seconds"),
		provider.FeatureTrackOpens:     cell(none),
		provider.FeatureTrackClicks:    cell(none),
		provider.FeatureIdempotencyKey: cell(none),
		provider.FeatureRecipients:     cell(emulated, "", "one call for each recipient"),
		provider.FeatureBatch:          cell(emulated, "", "one call each, several at a time"),
		provider.FeatureStatus:         cell(limited, "queued, handed over or failed", "nothing tells of delivery"),
		provider.FeatureCancel:         cell(limited, "before it is handed over", "a look-up and a deletion, between which it may go out").Guess(),
		provider.FeatureSettle:         cell(limited, "the first and last 500 mails", "by address, subject and time; the order of the list is not stated").Guess(),

		provider.FeatureContactGet:        cell(native, "", "put together from all lists; where fields differ, the first list's value; suppressed tells of marketing mail only"),
		provider.FeatureContactList:       cell(emulated, "", "list by list; an address on two lists comes twice; suppressed tells of marketing mail only"),
		provider.FeatureContactListOf:     cell(native, "", "suppressed tells the standing on the list, nothing of transactional mail"),
		provider.FeatureContactSince:      cell(none),
		provider.FeatureContactUpsert:     cell(limited, "several calls", "search, then create or update in each list; not one step"),
		provider.FeatureContactPhone:      phone,
		provider.FeatureContactExternal:   cell(none, "", "use a field of the list"),
		provider.FeatureContactNames:      cell(native, "", "tags FNAME, LNAME"),
		provider.FeatureContactFields:     cell(limited, "texts", "by tag; each list must have the field, an unknown one is an error here"),
		provider.FeatureContactClear:      cell(native, "", "an empty text").Guess(),
		provider.FeatureContactStatus:     cell(limited, "the named lists", "blocked is the status blacklisted; whether a key may set it is not stated").Guess(),
		provider.FeatureContactNoList:     cell(none, "", "contacts exist in lists only"),
		provider.FeatureContactDelete:     cell(native, "", "deleted from every list, one call each"),
		provider.FeatureUnsubscribe:       cell(limited, "the lists it is on", "a list that the address joins later is not covered"),
		provider.FeatureUnsubscribeList:   cell(native),
		provider.FeatureContactImport:     cell(native, "", "several calls a contact"),
		provider.FeatureLists:             cell(native, "", "without counts"),
		provider.FeatureListAdd:           cell(native, "", "two calls an address"),
		provider.FeatureListRemove:        cell(native, "", "two calls an address; on its last list the contact is gone"),
		provider.FeatureListCreate:        cell(limited, "with from", "its sender is the account's from, its description the name"),
		provider.FeatureListDelete:        cell(native, "", "its records go with it, unsubscriptions too"),
		provider.FeatureResubscribe:       cell(limited, "the lists it is on", "the status confirmed, read afterwards; blacklisted stays").Guess(),
		provider.FeatureSuppressions:      cell(none, "", "only the statuses of each list"),
		provider.FeatureSuppressionAdd:    cell(none, "", "only the statuses of each list"),
		provider.FeatureSuppressionRemove: cell(none, "", "only the statuses of each list"),
		provider.FeatureCheck:             cell(native),
		provider.FeatureCheckSenders:      cell(none, "", "the vendor does not list senders"),
		provider.FeatureCheckQuota:        cell(native),
	}
}

func (a *adapter) Capabilities() provider.Capabilities { return a.caps }
