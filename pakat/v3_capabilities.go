package pakat

import (
	"context"
	"maps"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/rest"
)

// v3Capabilities rest on the vendor's document. Where a cell depends on an
// answer that it does not show, the cell is a guess; see api/pakatv3/SOURCES.md.
var v3Capabilities = func() provider.Capabilities {
	cell := adapterkit.Cell
	const (
		native   = provider.LevelNative
		limited  = provider.LevelLimited
		emulated = provider.LevelEmulated
		none     = provider.LevelNone
	)
	return provider.Capabilities{
		feature.MessageToMany:                 cell(native),
		feature.MessageCc:                     cell(native),
		feature.MessageBcc:                    cell(native),
		feature.MessageReplyTo:                cell(native),
		feature.MessageReplyToMany:            cell(none, "", "one address"),
		feature.MessageHTML:                   cell(native),
		feature.MessageText:                   cell(native),
		feature.MessageTextOnly:               cell(emulated, "", "the provider needs HTML beside text, so HTML is made from it"),
		feature.MessageTemplate:               cell(native),
		feature.MessageVariables:              cell(limited, "templates in the new language", "an older template ignores them"),
		feature.MessageAttachments:            cell(limited, "without a template", "a template takes files by URL only"),
		feature.MessageAttachmentsMany:        cell(native),
		feature.MessageAttachmentsURL:         cell(native, "", "a template in the old language ignores files"),
		feature.MessageAttachmentsContentType: cell(none, "", "there is no place for it").Guess(),
		feature.MessageAttachmentsInline:      cell(none, "", "host the image and use its URL"),
		feature.MessageHeaders:                cell(native, "", "values beyond ASCII are encoded (RFC 2047)"),
		feature.MessageHeadersListUnsubscribe: cell(native, "", "the documents forbid standard header fields without a list; public clients send this one").Guess(),
		feature.MessageTags:                   cell(native),
		feature.MessageMetadata:               cell(native, "", "in the header X-Mailin-custom, which recipients can see").Guess(),
		feature.MessageSendAt:                 cell(limited, "up to 5 minutes late", "a beta of the provider; cannot be cancelled"),
		feature.MessageTrackOpens:             cell(none),
		feature.MessageTrackClicks:            cell(none),
		feature.MessageIdempotencyKey:         cell(none, "", "the provider has no key against double sending"),
		feature.MessageRecipients:             cell(emulated, "", "one call for each recipient"),
		feature.MessageBatch:                  cell(emulated, "", "one call each, several at a time"),
		feature.MessageStatus:                 cell(limited, "the last 30 days", "from the event log; a scheduled mail has no events yet"),
		feature.MessageCancel:                 cell(none, "", "the provider documents no way to cancel a mail"),
		feature.MessageSettle:                 cell(limited, "mail sent in the last 30 days", "by recipient, subject and time; the answer is assumed to be Brevo's").Guess(),

		feature.ContactsGet:               adapterkit.Unproved(cell(none, "", "the provider documents no look-up of one contact; list them, or try the setting unproved")),
		feature.ContactsList:              cell(limited, "marketing mail and SMS", "the contact's field suppressed shows no stop of transactional mail; the list of suppressions does"),
		feature.ContactsListMembers:       cell(none, "", "contacts name their lists; the provider lists no members"),
		feature.ContactsListModifiedSince: cell(native),
		feature.ContactsUpsert:            cell(limited, "may lift an unsubscription", "that of a list which the change names, because nothing can be looked up first; created or updated is told from an HTTP status that is a guess").Guess(),
		feature.ContactsUpsertPhone:       cell(native, "", "attribute SMS; whether another contact has the number cannot be looked up"),
		feature.ContactsUpsertExternalID:  cell(none),
		feature.ContactsUpsertNames:       cell(native, "", "attributes FIRSTNAME, LASTNAME").Guess(),
		feature.ContactsUpsertFields:      cell(native, "", "attributes must exist; unknown ones are an error here").Guess(),
		feature.ContactsUpsertClear:       cell(native, "", "an empty text").Guess(),
		feature.ContactsUpsertStatus:      cell(limited, "whole account", "blocks all marketing mail; a contact that is unsubscribed from one list only is taken off that list"),
		feature.ContactsUpsertSuppressed:  cell(limited, "marketing mail and SMS", "of all senders; transactional mail and single senders are refused"),
		feature.ContactsUpsertWithoutList: cell(native),
		feature.ContactsDelete:            adapterkit.Unproved(cell(none, "", "the provider documents no way to delete a contact; the setting unproved tries one")),
		feature.ContactsUnsubscribe:       cell(limited, "marketing mail", "transactional mail still goes out"),
		feature.ContactsUnsubscribeList:   cell(emulated, "", "taken off the list; the provider keeps no standing of one list, so any upsert, import or addition may put the address on it again"),
		feature.ContactsImport:            cell(limited, "may lift an unsubscription", "that of a list which the row names; one call a contact").Guess(),
		feature.ListsList:                 cell(native).Guess(),
		feature.ListsAdd:                  cell(limited, "may lift an unsubscription", "that of the list, because nothing can be looked up first; one call a contact").Guess(),
		feature.ListsRemove:               cell(native, "", "one call a contact; an unsubscription from the list may be forgotten, because it cannot be looked up"),
		feature.ListsCreate:               cell(limited, "with the setting folder_id").Guess(),
		feature.ListsDelete:               cell(none, "", "the provider documents no way to delete a list"),
		feature.ContactsResubscribe:       cell(limited, "marketing mail", "the contact is read again afterwards where possible, to be sure; a block of transactional mail stays; for a list, the contact is put on it again").Guess(),
		feature.SuppressionsList:          cell(limited, "transactional mail", "an unsubscription counts for one sender address; contacts show who gets no marketing mail").Guess(),
		feature.SuppressionsAdd:           cell(none, "", "the provider documents no way to add an address; unsubscribe blocks marketing mail"),
		feature.SuppressionsRemove:        cell(none, "", "the provider documents no way to remove an address"),
		feature.Check:                     cell(native),
		feature.CheckSenders:              cell(native),
		feature.CheckQuota:                cell(native).Guess(),

		feature.EventsWebhook:         cell(native, "", "the payload is not documented; it is read as Brevo's").Guess(),
		feature.EventsWebhookHeader:   cell(none),
		feature.EventsWebhookRegister: cell(native).Guess(),
		feature.EventsList:            cell(limited, "single mail, 30 days").Guess(),
		feature.EventsWatch:           cell(native).Guess(),
		feature.EventsMarketing:       cell(native, "", "by webhook").Guess(),
		feature.EventsMessageID:       cell(native).Guess(),
		feature.EventsMetadata:        cell(native, "", "by webhook").Guess(),
		feature.EventsOpenedAutomated: cell(none),
	}
}()

// v3Unproved are the cells that the setting unproved changes, by operation of the spec.
var v3Unproved = map[string]provider.Feature{
	"getContact": feature.ContactsGet, "deleteContact": feature.ContactsDelete, "createDoubleOptInContact": "",
}

// v3CapabilitiesOf are the capabilities of an account with these settings.
func v3CapabilitiesOf(cfg V3Config) provider.Capabilities {
	if !cfg.Unproved {
		return v3Capabilities
	}
	out := maps.Clone(v3Capabilities)
	for _, f := range v3Unproved {
		if f != "" {
			out[f] = adapterkit.Unproved(adapterkit.Cell(provider.LevelLimited, "if the service has the call", "the provider does not document it; the setting unproved is on"))
		}
	}
	return out
}

// proved refuses the calls that the vendor does not document, but for an account that
// has the setting unproved.
type proved struct{ rest.Doer }

func (p proved) Do(ctx context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	if f, ok := v3Unproved[call.Operation]; ok {
		return nil, provider.Unsupported(f, "the provider does not document %s; the setting unproved allows it", call.Operation)
	}
	return p.Doer.Do(ctx, call, out)
}
