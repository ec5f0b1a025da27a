package provider

import "slices"

// Op names an operation of a Client: "send", "contacts.upsert". Errors and hooks
// carry it.
type Op string

// The operations.
const (
	opOpen              Op = "open"
	opSend              Op = "send"
	opStatus            Op = "status"
	opCancel            Op = "cancel"
	opSettle            Op = "settle"
	opCheck             Op = "check"
	opContactGet        Op = "contacts.get"
	opContactList       Op = "contacts.list"
	opContactUpsert     Op = "contacts.upsert"
	opContactDelete     Op = "contacts.delete"
	opUnsubscribe       Op = "contacts.unsubscribe"
	opResubscribe       Op = "contacts.resubscribe"
	opContactImport     Op = "contacts.import"
	opLists             Op = "lists.list"
	opListAdd           Op = "lists.add"
	opListRemove        Op = "lists.remove"
	opListCreate        Op = "lists.create"
	opListDelete        Op = "lists.delete"
	opSuppressions      Op = "suppressions.list"
	opSuppressionAdd    Op = "suppressions.add"
	opSuppressionRemove Op = "suppressions.remove"
	// Those of package events, which gives them to Client.Call.
	opEvents        Op = "events.list"
	opWebhooks      Op = "webhooks.list"
	opWebhookCreate Op = "webhooks.create"
	opWebhookDelete Op = "webhooks.delete"
)

// effect is the kind of change that an operation makes at the provider.
type effect uint8

const (
	reads   effect = iota // changes nothing
	sends                 // mail
	changes               // contacts, lists, suppressions, mail that is scheduled
)

// operation is a row of the table of operations.
type operation struct {
	op     Op
	effect effect
	verb   string // the participle in errors: "sent"; empty for one that reads
}

// only reports whether the operation does nothing but read: its errors have no outcome.
func (o operation) only() bool { return o.effect == reads && o.verb == "" }

// operations has a row for each Op. The texts of errors use it.
var operations = []operation{
	{op: opOpen, effect: reads, verb: "sent"},
	{op: opSend, effect: sends, verb: "sent"},
	{op: opStatus, effect: reads},
	{op: opCancel, effect: changes, verb: "withdrawn"},
	{op: opSettle, effect: reads},
	{op: opCheck, effect: reads},
	{op: opContactGet, effect: reads},
	{op: opContactList, effect: reads},
	{op: opContactUpsert, effect: changes, verb: "changed"},
	{op: opContactDelete, effect: changes, verb: "changed"},
	{op: opUnsubscribe, effect: changes, verb: "changed"},
	{op: opResubscribe, effect: changes, verb: "changed"},
	{op: opContactImport, effect: changes, verb: "changed"},
	{op: opLists, effect: reads},
	{op: opListAdd, effect: changes, verb: "changed"},
	{op: opListRemove, effect: changes, verb: "changed"},
	{op: opListCreate, effect: changes, verb: "changed"},
	{op: opListDelete, effect: changes, verb: "changed"},
	{op: opSuppressions, effect: reads},
	{op: opSuppressionAdd, effect: changes, verb: "changed"},
	{op: opSuppressionRemove, effect: changes, verb: "changed"},
	{op: opEvents, effect: reads},
	{op: opWebhooks, effect: reads},
	{op: opWebhookCreate, effect: changes, verb: "registered"},
	{op: opWebhookDelete, effect: changes, verb: "deleted"},
}

// info returns the row of o. An Op without a row, such as one of a program, counts
// as one that sends, the most careful choice.
func (o Op) info() operation {
	if i := slices.IndexFunc(operations, func(x operation) bool { return x.op == o }); i >= 0 {
		return operations[i]
	}
	return operation{op: o, effect: sends, verb: "sent"}
}
