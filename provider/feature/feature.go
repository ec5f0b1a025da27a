// Code generated from the tables in provider/message_fields.go and contact_fields.go; DO NOT EDIT.

// Package feature names what a provider may or may not have. The names are those
// of a configuration ("message.cc" under require or policy) and of the capability
// matrix, docs/capabilities.md.
//
//	if !client.Has(feature.MessageCc) { … }
package feature

import "github.com/postmux/postmux/provider"

// The features, in the order of the capability matrix.
const (
	// MessageToMany: several recipients who see each other.
	MessageToMany provider.Feature = "message.to.many"

	// MessageCc: visible copies.
	MessageCc provider.Feature = "message.cc"

	// MessageBcc: hidden copies.
	MessageBcc provider.Feature = "message.bcc"

	// MessageReplyTo: an address for answers.
	MessageReplyTo provider.Feature = "message.reply_to"

	// MessageReplyToMany: several addresses for answers.
	MessageReplyToMany provider.Feature = "message.reply_to.many"

	// MessageHTML: an HTML body.
	MessageHTML provider.Feature = "message.html"

	// MessageText: a text body in addition to the HTML.
	MessageText provider.Feature = "message.text"

	// MessageTextOnly: a text body alone.
	MessageTextOnly provider.Feature = "message.text.only"

	// MessageTemplate: a template stored at the provider.
	MessageTemplate provider.Feature = "message.template"

	// MessageVariables: values for a template.
	MessageVariables provider.Feature = "message.variables"

	// MessageAttachments: a file.
	MessageAttachments provider.Feature = "message.attachments"

	// MessageAttachmentsMany: several files.
	MessageAttachmentsMany provider.Feature = "message.attachments.many"

	// MessageAttachmentsURL: a file that the provider fetches.
	MessageAttachmentsURL provider.Feature = "message.attachments.url"

	// MessageAttachmentsContentType: a content type that the file name does not imply.
	MessageAttachmentsContentType provider.Feature = "message.attachments.content_type"

	// MessageAttachmentsInline: a file shown inside the HTML.
	MessageAttachmentsInline provider.Feature = "message.attachments.inline"

	// MessageHeaders: own header fields.
	MessageHeaders provider.Feature = "message.headers"

	// MessageHeadersListUnsubscribe: the header field with a way to unsubscribe.
	MessageHeadersListUnsubscribe provider.Feature = "message.headers.list_unsubscribe"

	// MessageTags: labels for statistics.
	MessageTags provider.Feature = "message.tags"

	// MessageMetadata: data that comes back in events.
	MessageMetadata provider.Feature = "message.metadata"

	// MessageSendAt: a time to send at.
	MessageSendAt provider.Feature = "message.send_at"

	// MessageTrackOpens: tracking of opens for this mail.
	MessageTrackOpens provider.Feature = "message.track_opens"

	// MessageTrackClicks: tracking of clicks for this mail.
	MessageTrackClicks provider.Feature = "message.track_clicks"

	// MessageIdempotencyKey: a repeat with the same key sends nothing.
	MessageIdempotencyKey provider.Feature = "message.idempotency_key"

	// MessageRecipients: a separate mail for each recipient, in one call.
	MessageRecipients provider.Feature = "message.recipients"

	// MessageBatch: several messages in one call.
	MessageBatch provider.Feature = "message.batch"

	// MessageStatus: look-up of a mail by its id.
	MessageStatus provider.Feature = "message.status"

	// MessageCancel: withdraw a scheduled mail.
	MessageCancel provider.Feature = "message.cancel"

	// MessageSettle: find a mail whose outcome is unknown.
	MessageSettle provider.Feature = "message.settle"

	// ContactsGet: one contact by address.
	ContactsGet provider.Feature = "contacts.get"

	// ContactsList: all contacts, page by page.
	ContactsList provider.Feature = "contacts.list"

	// ContactsListMembers: the members of a list.
	ContactsListMembers provider.Feature = "contacts.list.members"

	// ContactsListModifiedSince: contacts changed since a time.
	ContactsListModifiedSince provider.Feature = "contacts.list.modified_since"

	// ContactsUpsert: create or change a contact.
	ContactsUpsert provider.Feature = "contacts.upsert"

	// ContactsUpsertPhone: the phone of a contact.
	ContactsUpsertPhone provider.Feature = "contacts.upsert.phone"

	// ContactsUpsertExternalID: the caller's own id of a contact.
	ContactsUpsertExternalID provider.Feature = "contacts.upsert.external_id"

	// ContactsUpsertNames: first and last name.
	ContactsUpsertNames provider.Feature = "contacts.upsert.names"

	// ContactsUpsertFields: further fields.
	ContactsUpsertFields provider.Feature = "contacts.upsert.fields"

	// ContactsUpsertClear: empty a field.
	ContactsUpsertClear provider.Feature = "contacts.upsert.clear"

	// ContactsUpsertWithoutList: a contact on no list.
	ContactsUpsertWithoutList provider.Feature = "contacts.upsert.without_list"

	// ContactsUpsertStatus: store as unsubscribed or blocked.
	ContactsUpsertStatus provider.Feature = "contacts.upsert.status"

	// ContactsUpsertSuppressed: stop single kinds of mail to a contact.
	ContactsUpsertSuppressed provider.Feature = "contacts.upsert.suppressed"

	// ContactsDelete: delete a contact.
	ContactsDelete provider.Feature = "contacts.delete"

	// ContactsUnsubscribe: unsubscribe from all mail.
	ContactsUnsubscribe provider.Feature = "contacts.unsubscribe"

	// ContactsUnsubscribeList: unsubscribe from one list.
	ContactsUnsubscribeList provider.Feature = "contacts.unsubscribe.list"

	// ContactsImport: import of many contacts.
	ContactsImport provider.Feature = "contacts.import"

	// ListsList: the lists.
	ListsList provider.Feature = "lists.list"

	// ListsAdd: put contacts on a list.
	ListsAdd provider.Feature = "lists.add"

	// ListsRemove: take contacts off a list.
	ListsRemove provider.Feature = "lists.remove"

	// ListsCreate: make a list.
	ListsCreate provider.Feature = "lists.create"

	// ListsDelete: remove a list.
	ListsDelete provider.Feature = "lists.delete"

	// ContactsResubscribe: undo an unsubscription.
	ContactsResubscribe provider.Feature = "contacts.resubscribe"

	// SuppressionsList: addresses that get no mail.
	SuppressionsList provider.Feature = "suppressions.list"

	// SuppressionsAdd: stop mail to an address.
	SuppressionsAdd provider.Feature = "suppressions.add"

	// SuppressionsRemove: allow mail to an address again.
	SuppressionsRemove provider.Feature = "suppressions.remove"

	// Check: check of the credentials.
	Check provider.Feature = "check"

	// CheckSenders: the senders and whether they are verified.
	CheckSenders provider.Feature = "check.senders"

	// CheckQuota: remaining credits or quota.
	CheckQuota provider.Feature = "check.quota"

	// EventsWebhook: events pushed by webhooks.
	EventsWebhook provider.Feature = "events.webhook"

	// EventsWebhookHeader: the secret of a webhook outside of its URL.
	EventsWebhookHeader provider.Feature = "events.webhook.header"

	// EventsWebhookRegister: webhooks registered by calls.
	EventsWebhookRegister provider.Feature = "events.webhook.register"

	// EventsList: the log of events.
	EventsList provider.Feature = "events.list"

	// EventsWatch: events from the ids of receipts.
	EventsWatch provider.Feature = "events.watch"

	// EventsMarketing: events of mail to lists.
	EventsMarketing provider.Feature = "events.marketing"

	// EventsMessageID: the id of the receipt in events.
	EventsMessageID provider.Feature = "events.message_id"

	// EventsMetadata: the metadata of the message in events.
	EventsMetadata provider.Feature = "events.metadata"

	// EventsOpenedAutomated: opens by programs told apart.
	EventsOpenedAutomated provider.Feature = "events.opened.automated"
)
