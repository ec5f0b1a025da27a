package brevo

import (
	"maps"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// capabilities rest on the vendor's specification and guides; see api/brevo/SOURCES.md.
var capabilities = func() provider.Capabilities {
	cell := adapterkit.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		account  = provider.LevelAccountWide
		none     = provider.LevelNone
	)
	const notTold = "the contact's field suppressed shows no stop of transactional mail; the list of suppressions does"
	return provider.Capabilities{
		feature.MessageToMany:                 cell(native),
		feature.MessageCc:                     cell(native),
		feature.MessageBcc:                    cell(native),
		feature.MessageReplyTo:                cell(native),
		feature.MessageReplyToMany:            cell(none, "", "one address"),
		feature.MessageHTML:                   cell(native),
		feature.MessageText:                   cell(native),
		feature.MessageTextOnly:               cell(emulated, "", "text alone is delivered as HTML, so HTML is made from it"),
		feature.MessageTemplate:               cell(native, "", "a mail whose template cannot be filled in is accepted and not sent; its status is failed then"),
		feature.MessageVariables:              cell(native),
		feature.MessageAttachments:            cell(native, "", "the type is guessed from the name; names beyond ASCII arrive garbled"),
		feature.MessageAttachmentsMany:        cell(native),
		feature.MessageAttachmentsURL:         cell(native),
		feature.MessageAttachmentsContentType: cell(none, "", "the type is guessed from the name"),
		feature.MessageAttachmentsInline:      cell(none, "", "host the image and use its URL"),
		feature.MessageHeaders:                cell(native, "", "values beyond ASCII are encoded (RFC 2047)"),
		feature.MessageHeadersListUnsubscribe: cell(native, "", "the documents forbid standard header fields without a list; public clients send this one").Guess(),
		feature.MessageTags:                   cell(native),
		feature.MessageMetadata:               cell(native, "", "in the header X-Mailin-custom, which recipients can see"),
		feature.MessageSendAt:                 cell(limited, "72 hours ahead", "may be up to 5 minutes late"),
		feature.MessageTrackOpens:             cell(account, "", "account settings; a call can state that a recipient does not consent to tracking; opens are then still counted, without the person"),
		feature.MessageTrackClicks:            cell(account, "", "account settings"),
		feature.MessageIdempotencyKey:         cell(limited, "10 minutes", "a repeat sends nothing and has no id"),
		feature.MessageRecipients:             cell(limited, "1,000 versions, 2,000 recipients"),
		feature.MessageBatch:                  cell(limited, "1,000 messages, 2,000 recipients", "messages with the same sender, template, files, headers, tags and time share a call"),
		feature.MessageStatus:                 cell(native, "", "from the event log"),
		feature.MessageCancel:                 cell(native, "", "until it goes out"),
		feature.MessageSettle:                 cell(limited, "mail sent in the last 30 days", "by recipient, subject and time; 2 calls a second"),

		feature.ContactsGet:               cell(limited, "marketing mail and SMS", notTold),
		feature.ContactsList:              cell(limited, "marketing mail and SMS", notTold),
		feature.ContactsListMembers:       cell(limited, "marketing mail and SMS", notTold),
		feature.ContactsListModifiedSince: cell(native),
		feature.ContactsUpsert:            cell(native, "", "looks up first who may join a list, and which contact has the phone and the external id; somebody who leaves a list between look-up and change is put back"),
		feature.ContactsUpsertPhone:       cell(native, "", "attribute SMS, with country code; another contact's is a conflict"),
		feature.ContactsUpsertExternalID:  cell(native, "", "written, never read back; another contact's is a conflict"),
		feature.ContactsUpsertNames:       cell(native, "", "attributes FIRSTNAME, LASTNAME"),
		feature.ContactsUpsertFields:      cell(native, "", "attributes must exist; unknown ones are an error here"),
		feature.ContactsUpsertClear:       cell(native, "", "an empty text; not of the external id").Guess(),
		feature.ContactsUpsertStatus:      cell(limited, "whole account", "blocks all marketing mail; a contact that is unsubscribed from one list only is taken off that list"),
		feature.ContactsUpsertSuppressed:  cell(limited, "marketing mail and SMS", "of all senders; transactional mail and single senders are refused"),
		feature.ContactsUpsertWithoutList: cell(native),
		feature.ContactsDelete:            cell(native, "", "an unsubscription is forgotten with the contact"),
		feature.ContactsUnsubscribe:       cell(limited, "marketing mail", "transactional mail still goes out"),
		feature.ContactsUnsubscribeList:   cell(emulated, "", "taken off the list; the provider keeps no standing of one list, so any upsert, import or addition may put the address on it again"),
		feature.ContactsImport:            cell(native, "", "jobs of up to 10,000 rows, one at a time; before the first job all contacts are read, to know who has unsubscribed, and then those that have changed; somebody who leaves a list while a job runs is taken off again, except in the moment when the job stores the row; fewer than 50 rows, and rows that a job cannot store, take two calls each; rows that share a phone or an id are stored one by one"),
		feature.ListsList:                 cell(native),
		feature.ListsAdd:                  cell(native, "", "a look-up for each address, and 150 addresses a call"),
		feature.ListsRemove:               cell(native, "", "a look-up for each address, and 150 addresses a call; contacts that have left the list stay on it as unsubscribed"),
		feature.ListsCreate:               cell(limited, "with the setting folder_id"),
		feature.ListsDelete:               cell(native, "", "the list's unsubscriptions are forgotten with it"),
		feature.ContactsResubscribe:       cell(limited, "marketing mail", "the contact is read again afterwards, to be sure; a block of transactional mail stays; for a list, the contact is put on it again").Guess(),
		feature.SuppressionsList:          cell(limited, "transactional mail", "an unsubscription counts for one sender address; contacts show who gets no marketing mail"),
		feature.SuppressionsAdd:           cell(none, "", "the provider has no call that adds an address; unsubscribe blocks marketing mail"),
		feature.SuppressionsRemove:        cell(limited, "transactional mail", "of all sender addresses; a block of marketing mail stays"),
		feature.Check:                     cell(native),
		feature.CheckSenders:              cell(native),
		feature.CheckQuota:                cell(native),

		feature.EventsWebhook:         cell(native, "", "the provider repeats a failed call only after 429"),
		feature.EventsWebhookHeader:   cell(native, "", "as a bearer token"),
		feature.EventsWebhookRegister: cell(native, "", "40 webhooks in all"),
		feature.EventsList:            cell(limited, "single mail, 90 days"),
		feature.EventsWatch:           cell(native),
		feature.EventsMarketing:       cell(native, "", "by webhook"),
		feature.EventsMessageID:       cell(native),
		feature.EventsMetadata:        cell(native, "", "by webhook"),
		feature.EventsOpenedAutomated: cell(native),
	}
}()

// capabilitiesOf are the capabilities of an account with these settings.
func capabilitiesOf(cfg Config) provider.Capabilities {
	if !cfg.TrackingConsent {
		return capabilities
	}
	out := maps.Clone(capabilities)
	out[feature.MessageTrackOpens] = adapterkit.Cell(provider.LevelLimited, "who opened", "off: still counted, without the person")
	return out
}
