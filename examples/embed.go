// Package examples holds the files that the documentation shows and that
// "postmux demo" uses, so that both are the same.
package examples

import "embed"

// Files are the examples, by file name.
//
//go:embed postmux.yaml message.json message-template.json contact.json contacts.csv members_export.csv left.txt batch.jsonl mailing.json
var Files embed.FS

// The names in Files.
const (
	Config          = "postmux.yaml"          // an account of every provider, at the sandbox
	Message         = "message.json"          // a message that every provider can send
	MessageTemplate = "message-template.json" // a message from a template
	Contact         = "contact.json"          // a change of one contact
	Contacts        = "contacts.csv"          // 200 contacts to import
	Members         = "members_export.csv"    // contacts as another program exports them
	Left            = "left.txt"              // addresses, one a line
	Batch           = "batch.jsonl"           // five messages, one a line
	Mailing         = "mailing.json"          // a message to a list
)

// Address is where the accounts in Config expect the sandbox. 25 is the port of mail, 689
// are MUX on the keys of a phone; 8025 is the port of other tools that catch mail.
const Address = "127.0.0.1:25689"
