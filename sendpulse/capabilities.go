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
		feature.MessageAttachments:            cell(native, "", "every name once"),
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
		feature.MessageStatus:                 cell(native, "", "read from the reply code of the recipient's mail server; mail to an address that is unsubscribed from transactional mail is accepted and dropped, and suppressions list those").Guess(),
		feature.MessageCancel:                 cell(none, "", "transactional mail goes out at once"),
		feature.MessageSettle:                 cell(limited, "times without a zone", "found by recipient, day and subject; another mail of these within 14 hours may be found instead").Guess(),

		feature.ContactsGet:               cell(native, "", "several calls; a variable is shown as the first list has it"),
		feature.ContactsList:              cell(emulated, "", "list by list; an address on two lists comes twice; suppressed tells of marketing mail only"),
		feature.ContactsListMembers:       cell(native, "", "suppressed tells the standing on the list, nothing of transactional mail"),
		feature.ContactsListModifiedSince: cell(none, "", "no times of change"),
		feature.ContactsUpsert:            cell(native, "", "a look-up and one call a list; variables are set on the lists of the change; who leaves a list in the moment between may be put back"),
		feature.ContactsUpsertPhone:       cell(native, "", "variable Phone; digits with country code in the documents"),
		feature.ContactsUpsertExternalID:  cell(none),
		feature.ContactsUpsertNames:       cell(native, "", "variables, named by the settings first_name_variable and last_name_variable").Guess(),
		feature.ContactsUpsertFields:      cell(limited, "texts, numbers, dates", "variables; one comes into being when it is first set"),
		feature.ContactsUpsertClear:       cell(limited, "texts", "an empty text; not of the phone").Guess(),
		feature.ContactsUpsertStatus:      cell(limited, "unsubscribed from lists", "put on the list and unsubscribed; blocked, bounced and complained: from every list that it is on"),
		feature.ContactsUpsertSuppressed:  cell(limited, "mail of all senders", "marketing mail: each list that it is on; all mail: the blacklist"),
		feature.ContactsUpsertWithoutList: cell(none, "", "a contact is an address on a list"),
		feature.ContactsDelete:            cell(native, "", "from all lists; that somebody had unsubscribed from them is forgotten"),
		feature.ContactsUnsubscribe:       cell(limited, "transactional mail and the lists it is on now", "one call, and one for each list; who has left them all joins no other but by resubscribe; an address on no list is not covered"),
		feature.ContactsUnsubscribeList:   cell(native),
		feature.ContactsImport:            cell(native, "", "two calls for 500 contacts, one more for each further list; who has left a list has calls of its own"),
		feature.ListsList:                 cell(native),
		feature.ListsAdd:                  cell(native, "", "a look-up for each address; makes a contact of an unknown one; who is on it stays so"),
		feature.ListsRemove:               cell(native, "", "a look-up for each address; who has left the list is kept there; an address on no other list is no contact any more"),
		feature.ListsCreate:               cell(native, "", "a name can be used once"),
		feature.ListsDelete:               cell(native, "", "addresses on no other list go with it, and their unsubscriptions"),
		feature.ContactsResubscribe:       cell(limited, "transactional mail and the lists it is on", "added to a list again, which is read afterwards; blocks and the blacklist stay").Guess(),
		feature.SuppressionsList:          cell(native, "", "two sets: transactional mail, and the blacklist for all mail"),
		feature.SuppressionsAdd:           cell(native, "", "on the blacklist, which keeps all mail"),
		feature.SuppressionsRemove:        cell(native, "", "from both sets; the standing on lists stays"),
		feature.Check:                     cell(native),
		feature.CheckSenders:              cell(native),
		feature.CheckQuota:                cell(native),

		feature.EventsWebhook:         cell(native, "", "of single mail: made in the dashboard"),
		feature.EventsWebhookHeader:   cell(none),
		feature.EventsWebhookRegister: cell(limited, "campaigns and lists"),
		feature.EventsList:            cell(limited, "single mail", "opens and clicks of mail older than the setting lookback are missed; times have no zone"),
		feature.EventsWatch:           cell(native),
		feature.EventsMarketing:       cell(native, "", "by webhook"),
		feature.EventsMessageID:       cell(limited, "from the log and from look-ups", "a webhook has a number of its own").Guess(),
		feature.EventsMetadata:        cell(none),
		feature.EventsOpenedAutomated: cell(none),
	}
}()
