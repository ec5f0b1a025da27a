package pakat

import (
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// capabilities rest on the vendor's specification; see api/pakat/SOURCES.md.
func capabilities(cfg Config) provider.Capabilities {
	cell := adapterkit.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		none     = provider.LevelNone
	)
	phone := cell(none, "", "there is no field for phones; the setting phone_tag names one")
	if tag := cfg.PhoneTag; tag != "" {
		phone = cell(native, "", "field "+tag)
	}
	return provider.Capabilities{
		feature.MessageToMany:                 cell(emulated, "", "a mail goes to one recipient"),
		feature.MessageCc:                     cell(none),
		feature.MessageBcc:                    cell(none),
		feature.MessageReplyTo:                cell(native),
		feature.MessageReplyToMany:            cell(none, "", "one address"),
		feature.MessageHTML:                   cell(native),
		feature.MessageText:                   cell(native, "", "base64, as the vendor's clients write it; setting plain_text").Guess(),
		feature.MessageTextOnly:               cell(emulated, "", "HTML is required, so it is made from the text"),
		feature.MessageTemplate:               cell(native, "", "a subject is required beside it"),
		feature.MessageVariables:              cell(limited, "texts", "only in templates; numbers, true and false are written as text"),
		feature.MessageAttachments:            cell(native, "", "a name with an extension, and content; which types are taken is up to the installation"),
		feature.MessageAttachmentsMany:        cell(limited, "3 files", "the documents show three; more are passed on"),
		feature.MessageAttachmentsURL:         cell(none),
		feature.MessageAttachmentsContentType: cell(native),
		feature.MessageAttachmentsInline:      cell(none, "", "host the image and use its URL"),
		feature.MessageHeaders:                cell(none),
		feature.MessageHeadersListUnsubscribe: cell(emulated, "", "a link at the end of the body, or the link that stands there; not with a template"),
		feature.MessageTags:                   cell(none),
		feature.MessageMetadata:               cell(none),
		feature.MessageSendAt:                 cell(native, "", "whole seconds"),
		feature.MessageTrackOpens:             cell(none),
		feature.MessageTrackClicks:            cell(none),
		feature.MessageIdempotencyKey:         cell(none),
		feature.MessageRecipients:             cell(emulated, "", "one call for each recipient"),
		feature.MessageBatch:                  cell(emulated, "", "one call each, several at a time"),
		feature.MessageStatus:                 cell(limited, "queued, handed over or failed", "delivery is not reported"),
		feature.MessageCancel:                 cell(limited, "before it is handed over", "a look-up and then a deletion; the mail may go out between the two").Guess(),
		feature.MessageSettle:                 cell(limited, "the first and last 500 mails", "by address, subject and time; the order of the list is not stated").Guess(),

		feature.ContactsGet:               cell(native, "", "put together from all lists; where fields differ, the value of the first list; for transactional mail, the field suppressed shows only a blacklisted address"),
		feature.ContactsList:              cell(emulated, "", "list by list; an address on two lists comes twice; for transactional mail, the field suppressed shows only a blacklisted address"),
		feature.ContactsListMembers:       cell(native, "", "the field suppressed shows the status on the list; for transactional mail, only a blacklisted address"),
		feature.ContactsListModifiedSince: cell(none),
		feature.ContactsUpsert:            cell(limited, "several calls", "a search, then a create or update in each list; nobody who leaves a list between these calls is put back"),
		feature.ContactsUpsertPhone:       phone,
		feature.ContactsUpsertExternalID:  cell(none, "", "use a field of the list"),
		feature.ContactsUpsertNames:       cell(native, "", "tags FNAME, LNAME"),
		feature.ContactsUpsertFields:      cell(limited, "texts", "by tag; each list must have the field, an unknown one is an error here"),
		feature.ContactsUpsertClear:       cell(native, "", "an empty text").Guess(),
		feature.ContactsUpsertStatus:      cell(limited, "the named lists", "unsubscribed is stored as such, the other statuses as blacklisted; whether an API key may set that is not stated").Guess(),
		feature.ContactsUpsertSuppressed:  cell(limited, "marketing mail and all mail", "stored as unsubscribed or blacklisted, on the lists of the change and those the contact is on").Guess(),
		feature.ContactsUpsertWithoutList: cell(none, "", "contacts exist in lists only"),
		feature.ContactsDelete:            cell(native, "", "deleted from every list, one call each; unsubscriptions are forgotten"),
		feature.ContactsUnsubscribe:       cell(limited, "the lists it is on", "a contact that has left all its lists joins another only by resubscribe; an address on no list cannot be unsubscribed"),
		feature.ContactsUnsubscribeList:   cell(native),
		feature.ContactsImport:            cell(native, "", "several calls a contact"),
		feature.ListsList:                 cell(native, "", "without counts"),
		feature.ListsAdd:                  cell(native, "", "two calls an address"),
		feature.ListsRemove:               cell(native, "", "two calls an address; a contact that is taken off its last list is deleted"),
		feature.ListsCreate:               cell(limited, "with from", "its sender is the account's from, its description the name"),
		feature.ListsDelete:               cell(native, "", "the list's contacts and unsubscriptions are deleted with it"),
		feature.ContactsResubscribe:       cell(limited, "the lists it is on", "sets the status confirmed and reads it afterwards, to be sure; a blacklisted contact stays so").Guess(),
		feature.SuppressionsList:          cell(none, "", "only the statuses of each list"),
		feature.SuppressionsAdd:           cell(none, "", "only the statuses of each list"),
		feature.SuppressionsRemove:        cell(none, "", "only the statuses of each list"),
		feature.Check:                     cell(native),
		feature.CheckSenders:              cell(none, "", "the vendor does not list senders"),
		feature.CheckQuota:                cell(native),

		feature.EventsWebhook:         cell(limited, "opens and clicks of campaigns", "only where the provider has switched webhooks on; a person types the URL into each campaign").Guess(),
		feature.EventsWebhookHeader:   cell(none),
		feature.EventsWebhookRegister: cell(none),
		feature.EventsList:            cell(limited, "campaigns; of single mail sent and failed", "bounces have no time").Guess(),
		feature.EventsWatch:           cell(limited, "sent and failed"),
		feature.EventsMarketing:       cell(native, "", "from the log"),
		feature.EventsMessageID:       cell(limited, "single mail"),
		feature.EventsMetadata:        cell(none),
		feature.EventsOpenedAutomated: cell(none),
	}
}

func (a *adapter) Capabilities() provider.Capabilities { return a.caps }
