package provider_test

import (
	"context"
	"fmt"
	"log"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// opened is a client of an account at the sandbox.
func opened(ctx context.Context, sb *sandbox.Server) *provider.Client {
	client, err := provider.Registry{brevo.Driver()}.Open(ctx, provider.Config{
		Providers: map[string]provider.AccountConfig{"brevo": sb.Config().Providers["brevo"]},
	})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// A thousand personal mails, one call. The messages may come from anywhere, a
// query of a database for example: they are read as the batch goes.
func ExampleClient_SendBatch() {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	ctx := context.Background()
	messages := func(yield func(*provider.Message, error) bool) {
		for i := range 1000 {
			m := &provider.Message{
				To:      []provider.Address{{Email: fmt.Sprintf("reader%d@example.com", i)}},
				Subject: "News", HTML: fmt.Sprintf("<p>Dear reader %d</p>", i),
			}
			if i == 500 {
				m.To[0].Email = "reader at example.com"
			}
			if !yield(m, nil) {
				return
			}
		}
	}
	report, err := opened(ctx, sb).SendBatch(ctx, messages, func(result provider.BatchResult) error {
		if result.Err != nil { // of this message; errors.Is tells refused from unknown, as for Send
			fmt.Println("message", result.Index, result.Err)
		}
		return nil
	})
	if err != nil { // the batch ended before its input; all that was read has a result
		log.Fatal(err)
	}
	fmt.Println(report.Accepted, "sent by", len(sb.Requests("brevo")), "call")
	// Output:
	// message 500 brevo: send: to[0].email: expected one address like user@example.com, got "reader at example.com": it has no @ with text on both sides; nothing was sent
	// 999 sent by 1 call
}

// Contacts of any number go by the cheapest way that undoes no unsubscription.
func ExampleClient_ImportContacts() {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	ctx := context.Background()
	rows := func(yield func(provider.ContactChange, error) bool) {
		for i := range 20 {
			change := provider.ContactChange{
				Email: fmt.Sprintf("reader%d@example.com", i), FirstName: provider.ChangeTo(fmt.Sprint("Reader ", i)), Lists: []provider.Ref{{ID: "4"}},
			}
			if !yield(change, nil) {
				return
			}
		}
	}
	report, err := opened(ctx, sb).ImportContacts(ctx, rows, func(row provider.ImportResult) error {
		if row.Err != nil {
			fmt.Println("row", row.Index, row.Email, row.Err)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Rows, "rows,", report.Refused, "refused,", report.Unknown, "unknown")
	// Output: 20 rows, 0 refused, 0 unknown
}
