package main

import "github.com/spf13/cobra"

// What a command that stopped before its first request has not done, in the words that
// end its sentence.
const (
	notSent      = "nothing was sent"
	notWithdrawn = "nothing was withdrawn"
	notChanged   = "nothing was changed"
	notAsked     = "no request was made"
	notDone      = "nothing was done"
	notStored    = "nothing was stored"
)

// nothing has a row for every command, by the words behind "postmux".
var nothing = map[string]string{
	"": notDone,

	"send": notSent, "batch": notSent, "mailing": notDone, "mailing run": notSent,
	"cancel": notWithdrawn,

	"status": notAsked, "check": notAsked,
	"contacts": notDone, "contacts get": notAsked, "contacts list": notAsked, "contacts export": notAsked,
	"contacts upsert": notChanged, "contacts delete": notChanged, "contacts unsubscribe": notChanged,
	"contacts resubscribe": notChanged, "contacts import": notChanged,
	"lists": notAsked, "lists folders": notAsked,
	"lists create": notChanged, "lists delete": notChanged, "lists add": notChanged, "lists remove": notChanged,
	"suppressions": notDone, "suppressions list": notAsked, "suppressions export": notAsked,
	"suppressions add": notChanged, "suppressions remove": notChanged,

	"events": notDone, "events listen": notDone, "events poll": notAsked, "events decode": notDone, "events replay": notDone,
	"events watch": notAsked,
	"webhooks":     notDone, "webhooks list": notAsked, "webhooks create": notChanged, "webhooks delete": notChanged,
	"webhooks sync": notChanged, "sandbox trigger": notDone, "sandbox webhook": notDone,

	"outbox": notDone, "outbox enqueue": notStored, "outbox run": notSent, "outbox settle": notAsked,
	"outbox migrate": notChanged, "outbox list": notDone, "outbox show": notDone, "outbox stats": notDone,
	"outbox retry": notChanged, "outbox cancel": notChanged, "outbox decide": notChanged, "outbox purge": notChanged,
	"outbox hold": notChanged, "outbox release": notChanged, "outbox doubt": notChanged, "outbox demo": notDone,

	"capabilities": notDone, "init": notDone, "demo": notDone, "sandbox": notDone, "settings": notDone, "version": notDone, "man": notDone,
	"exit-codes": notDone,

	"sandbox mails": notAsked, "sandbox fault": notChanged, "sandbox reset": notChanged,
}

// nothingOf returns the words of cmd; nil and cobra's own commands have those of the root.
func nothingOf(cmd *cobra.Command) string {
	if cmd != nil {
		if words := nothing[wordsBehindRoot(cmd)]; words != "" {
			return words
		}
	}
	return nothing[""]
}

// wordsBehindRoot is the path of cmd without the name of the tool.
func wordsBehindRoot(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return ""
	}
	return cmd.CommandPath()[len(cmd.Root().Name())+1:]
}
