package provider

import "slices"

// Op names an operation of a Client: "send", "contacts.upsert". Errors and hooks
// have it.
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
)

// effect is what an operation does at the provider.
type effect uint8

const (
	reads   effect = iota // changes nothing
	sends                 // mail
	changes               // contacts, lists, suppressions, mail that is scheduled
)

// operation is what the package knows of an Op.
type operation struct {
	op     Op
	effect effect
	verb   string // what an error says was done: "sent"; empty for one that reads
}

// operations has a row for each Op. Errors word what became of a call by it.
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
}

// info is the row of o. An operation that the table does not have, such as one of
// a program around this package, is taken for one that sends: that says most.
func (o Op) info() operation {
	if i := slices.IndexFunc(operations, func(x operation) bool { return x.op == o }); i >= 0 {
		return operations[i]
	}
	return operation{op: o, effect: sends, verb: "sent"}
}
