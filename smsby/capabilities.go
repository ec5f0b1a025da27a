package smsby

import (
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// capabilities rest on the vendor's documents; see api/smsby/SOURCES.md. The
// setting send_via decides about files, look-ups and Recipients.
func capabilities(cfg Config) provider.Capabilities {
	cell := adapterkit.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		none     = provider.LevelNone
	)
	caps := provider.Capabilities{
		feature.MessageToMany:                 cell(emulated, "", "one recipient a mail"),
		feature.MessageCc:                     cell(none),
		feature.MessageBcc:                    cell(none),
		feature.MessageReplyTo:                cell(none),
		feature.MessageReplyToMany:            cell(none),
		feature.MessageHTML:                   cell(native, "", "whether the message is read as HTML is not stated").Guess(),
		feature.MessageText:                   cell(none, "", "one body only"),
		feature.MessageTextOnly:               cell(emulated, "", "the message is taken to be HTML, so HTML is made from text").Guess(),
		feature.MessageTemplate:               cell(none, "", "templates can be listed, not sent"),
		feature.MessageVariables:              cell(none),
		feature.MessageAttachments:            cell(native, "", "with send_via single"),
		feature.MessageAttachmentsMany:        cell(none, "", "one file"),
		feature.MessageAttachmentsURL:         cell(none),
		feature.MessageAttachmentsContentType: cell(native, "", "sent as the type of the form part").Guess(),
		feature.MessageAttachmentsInline:      cell(none, "", "host the image and use its URL"),
		feature.MessageHeaders:                cell(none),
		feature.MessageHeadersListUnsubscribe: cell(emulated, "", "a link at the end of the body, or the link that stands there; not with a template"),
		feature.MessageTags:                   cell(none),
		feature.MessageMetadata:               cell(none),
		feature.MessageSendAt:                 cell(limited, "to the minute", "needs the setting time_zone"),
		feature.MessageTrackOpens:             cell(native),
		feature.MessageTrackClicks:            cell(native),
		feature.MessageIdempotencyKey:         cell(none, "", "the provider has no key against double sending"),
		feature.MessageRecipients:             cell(emulated, "", "one call for each recipient; send_via bulk sends all in one"),
		feature.MessageBatch:                  cell(emulated, "", "one call each, several at a time"),
		feature.MessageStatus:                 cell(none, "", "only mail of send_via bulk can be looked up"),
		feature.MessageCancel:                 cell(none, "", "the provider has no method that withdraws a mail"),
		feature.MessageSettle:                 cell(none, "", "the provider has no method that lists mail"),

		feature.ContactsGet:               cell(none),
		feature.ContactsList:              cell(none),
		feature.ContactsListMembers:       cell(none),
		feature.ContactsListModifiedSince: cell(none),
		feature.ContactsUpsert:            cell(limited, "may lift an unsubscription", "because nothing can be looked up first; done as an import of one row for each list").Guess(),
		feature.ContactsUpsertPhone:       cell(native),
		feature.ContactsUpsertExternalID:  cell(none),
		feature.ContactsUpsertNames:       cell(limited, "one field", "first and last name are joined in the field of the setting name_field"),
		feature.ContactsUpsertFields:      cell(limited, "30 fields, text only", "whether an unknown field is created is not stated"),
		feature.ContactsUpsertClear:       cell(none, "", "whether an empty value clears a field is not stated"),
		feature.ContactsUpsertStatus:      cell(limited, "unsubscribed", "the contact is put on the lists and unsubscribed from all; an unsubscribed membership unsubscribes it from that list alone"),
		feature.ContactsUpsertSuppressed:  cell(limited, "marketing mail and all mail", "unsubscribed from all lists; whether single mail is stopped too is not stated"),
		feature.ContactsUpsertWithoutList: cell(none, "", "a contact is always on a list"),
		feature.ContactsDelete:            cell(none),
		feature.ContactsUnsubscribe:       cell(native, "", "from all lists; whether single mail is stopped too is not stated"),
		feature.ContactsUnsubscribeList:   cell(native),
		feature.ContactsImport:            cell(limited, "may lift an unsubscription", "about 100 contacts a call, 500 at most, for each list").Guess(),
		feature.ListsList:                 cell(none, "", "the provider has such a method, but its path and answer are not known"),
		feature.ListsAdd:                  cell(limited, "may lift an unsubscription", "by an import, one call a contact; creates contacts that are not there").Guess(),
		feature.ListsRemove:               cell(none, "", "unsubscribe from the list instead"),
		feature.ListsCreate:               cell(native, "", "whether names are unique is not stated"),
		feature.ListsDelete:               cell(none, "", "the provider has no method that deletes lists"),
		feature.ContactsResubscribe:       cell(native, "", "takes the address off the list of unsubscribed addresses; it joins no list"),
		feature.SuppressionsList:          cell(none, "", "the provider has no method that shows the unsubscribed"),
		feature.SuppressionsAdd:           cell(none, "", "use unsubscribe"),
		feature.SuppressionsRemove:        cell(none, "", "use resubscribe"),
		feature.Check:                     cell(native, "", "by reading the templates"),
		feature.CheckSenders:              cell(none),
		feature.CheckQuota:                cell(none),

		feature.EventsWebhook:         cell(none),
		feature.EventsWebhookHeader:   cell(none),
		feature.EventsWebhookRegister: cell(none),
		feature.EventsList:            cell(none),
		feature.EventsWatch:           cell(none, "", "only mail of send_via bulk can be looked up"),
		feature.EventsMarketing:       cell(none),
		feature.EventsMessageID:       cell(none),
		feature.EventsMetadata:        cell(none),
		feature.EventsOpenedAutomated: cell(none),
	}
	if cfg.SendVia == viaBulk {
		const noFile = "send_via bulk takes no files; single takes one"
		caps[feature.MessageAttachments] = cell(none, "", noFile)
		caps[feature.MessageAttachmentsMany] = cell(none, "", noFile)
		caps[feature.MessageAttachmentsContentType] = cell(none, "", noFile)
		caps[feature.MessageRecipients] = cell(limited, "own subject and content", "how a bulk with content for each recipient is written is a guess; the setting bulk_encoding switches it").Guess()
		caps[feature.MessageBatch] = cell(limited, "500 messages", "messages with the same sender and time share a call; what a call takes, and whether recipients of equal mails see each other, is not stated").Guess()
		caps[feature.MessageStatus] = cell(limited, "delivered, opened, undelivered", "the provider's full list of states is not known")
		caps[feature.EventsWatch] = cell(limited, "delivered, opened, undelivered", "no times")
		caps[feature.EventsMessageID] = cell(native)
	}
	return caps
}

func (a *adapter) Capabilities() provider.Capabilities { return a.caps }
