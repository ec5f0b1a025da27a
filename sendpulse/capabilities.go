package sendpulse

import (
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// capabilities rest on the vendor's specification and documentation; see
// api/sendpulse/SOURCES.md.
var capabilities = func() provider.Capabilities {
	cell := adapterkit.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		account  = provider.LevelAccountWide
		none     = provider.LevelNone
	)
	return provider.Capabilities{
		feature.MessageToMany:                 cell(native, "", "one id for all of them"),
		feature.MessageCc:                     cell(native),
		feature.MessageBcc:                    cell(native),
		feature.MessageReplyTo:                cell(native),
		feature.MessageReplyToMany:            cell(none, "", "one address"),
		feature.MessageHTML:                   cell(native, "", "without text, the provider makes the text part from it"),
		feature.MessageText:                   cell(native),
		feature.MessageTextOnly:               cell(emulated, "", "HTML is required, so it is made from the text"),
		feature.MessageTemplate:               cell(native, "", "real_id as a number, or the id as text, which changes with every edit; a subject is needed too"),
		feature.MessageVariables:              cell(limited, "with a template"),
		feature.MessageAttachments:            cell(native, "", "each file needs a name of its own"),
		feature.MessageAttachmentsMany:        cell(native),
		feature.MessageAttachmentsURL:         cell(none, "", "give the content"),
		feature.MessageAttachmentsContentType: cell(none, "", "only the name is passed on"),
		feature.MessageAttachmentsInline:      cell(none, "", "host the image and use its URL"),
		feature.MessageHeaders:                cell(none),
		feature.MessageHeadersListUnsubscribe: cell(emulated, "", "a link at the end of the body, or the link that stands there; not with a template"),
		feature.MessageTags:                   cell(none),
		feature.MessageMetadata:               cell(none),
		feature.MessageSendAt:                 cell(none, "", "transactional mail goes out at once"),
		feature.MessageTrackOpens:             cell(account, "", "settings of the SMTP service"),
		feature.MessageTrackClicks:            cell(account, "", "settings of the SMTP service"),
		feature.MessageIdempotencyKey:         cell(none),
		feature.MessageRecipients:             cell(emulated, "", "one call each"),
		feature.MessageBatch:                  cell(emulated, "", "one call each, several at a time"),
		feature.MessageStatus:                 cell(native, "", "read from the reply code of the recipient's mail server; mail to an address that is unsubscribed from transactional mail is accepted and dropped; the list of suppressions has these addresses").Guess(),
		feature.MessageCancel:                 cell(none, "", "transactional mail goes out at once"),
		feature.MessageSettle:                 cell(limited, "times without a zone", "found by recipient, day and subject; another mail to the recipient with that subject within 14 hours may be found instead").Guess(),

		feature.ContactsGet:               cell(native, "", "several calls; where lists have different values of a variable, that of the first list"),
		feature.ContactsList:              cell(emulated, "", "list by list; an address on two lists comes twice; the field suppressed shows stops of marketing mail only"),
		feature.ContactsListMembers:       cell(native, "", "the field suppressed shows the status on the list, and no stop of transactional mail"),
		feature.ContactsListModifiedSince: cell(none, "", "no times of change"),
		feature.ContactsUpsert:            cell(native, "", "a look-up and one call a list; variables are set on the lists of the change; somebody who leaves a list between look-up and change may be put back"),
		feature.ContactsUpsertPhone:       cell(native, "", "variable Phone; the documents have digits with the country code"),
		feature.ContactsUpsertExternalID:  cell(none),
		feature.ContactsUpsertNames:       cell(native, "", "variables, named by the settings first_name_variable and last_name_variable").Guess(),
		feature.ContactsUpsertFields:      cell(limited, "texts, numbers, dates", "stored as variables; a new one is made when it is first set"),
		feature.ContactsUpsertClear:       cell(limited, "texts", "an empty text; not of the phone").Guess(),
		feature.ContactsUpsertStatus:      cell(limited, "unsubscribed from lists", "the contact is put on the list and unsubscribed; for blocked, bounced and complained it is unsubscribed from every list that it is on"),
		feature.ContactsUpsertSuppressed:  cell(limited, "mail of all senders", "a stop of marketing mail unsubscribes from each list that the contact is on; a stop of all mail is the blacklist"),
		feature.ContactsUpsertWithoutList: cell(none, "", "a contact is an address on a list"),
		feature.ContactsDelete:            cell(native, "", "from all lists; unsubscriptions from them are forgotten"),
		feature.ContactsUnsubscribe:       cell(limited, "transactional mail and the lists it is on now", "one call, and one for each list; a contact that has left all its lists joins another only by resubscribe; mail to lists cannot be stopped for an address on no list"),
		feature.ContactsUnsubscribeList:   cell(native),
		feature.ContactsImport:            cell(native, "", "two calls for 500 contacts, one more for each further list; contacts that have left a list are stored one by one"),
		feature.ListsList:                 cell(native),
		feature.ListsAdd:                  cell(native, "", "a look-up for each address; an unknown address becomes a contact; one that is on the list stays as it is"),
		feature.ListsRemove:               cell(native, "", "a look-up for each address; contacts that have left the list stay on it as unsubscribed; an address on no other list is no contact any more"),
		feature.ListsCreate:               cell(native, "", "a name can be used once"),
		feature.ListsDelete:               cell(native, "", "addresses on no other list are deleted with it, and so are their unsubscriptions"),
		feature.ContactsResubscribe:       cell(limited, "transactional mail and the lists it is on", "added to the list again, and read afterwards, to be sure; blocks and the blacklist stay").Guess(),
		feature.SuppressionsList:          cell(native, "", "two sets: transactional mail, and the blacklist for all mail"),
		feature.SuppressionsAdd:           cell(native, "", "on the blacklist, which stops all mail"),
		feature.SuppressionsRemove:        cell(native, "", "from both sets; the status on lists stays"),
		feature.Check:                     cell(native),
		feature.CheckSenders:              cell(native),
		feature.CheckQuota:                cell(native),

		feature.EventsWebhook:         cell(native, "", "a webhook for single mail is made in the vendor's dashboard"),
		feature.EventsWebhookHeader:   cell(none),
		feature.EventsWebhookRegister: cell(limited, "campaigns and lists"),
		feature.EventsList:            cell(limited, "single mail", "opens and clicks of mail older than the setting lookback are missed; times have no zone"),
		feature.EventsWatch:           cell(native),
		feature.EventsMarketing:       cell(native, "", "by webhook"),
		feature.EventsMessageID:       cell(limited, "from the log and from look-ups", "events of webhooks have another number").Guess(),
		feature.EventsMetadata:        cell(none),
		feature.EventsOpenedAutomated: cell(none),
	}
}()
