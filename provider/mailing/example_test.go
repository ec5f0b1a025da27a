package mailing_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/mailing"
	"github.com/postmux/postmux/provider/memory"
)

// A newsletter to a list. Under a duplicate guard a second run mails nobody twice.
func ExampleMailing_Send() {
	ctx := context.Background()
	store := memory.NewStore()
	store.AddList("4", "Newsletter")
	client, err := store.Client(provider.WithDuplicateGuard(guard.NewMemory(0, 24*time.Hour), "shop"))
	if err != nil {
		log.Fatal(err)
	}
	list := provider.Ref{ID: "4"}
	for _, email := range []string{"anna@example.com", "boris@example.com"} {
		if _, err := client.UpsertContact(ctx, provider.ContactChange{Email: email, Lists: []provider.Ref{list}}); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := client.Unsubscribe(ctx, "boris@example.com", list, ""); err != nil {
		log.Fatal(err)
	}
	m, err := mailing.New(mailing.Config{
		Name: "spring-2026", List: list,
		Message: provider.Message{
			From:    provider.Address{Email: "shop@example.com"},
			Subject: `Spring offers for {{or .FirstName "you"}}`,
			HTML:    `<p>Dear {{or .FirstName "reader"}}</p><a href="{{.UnsubscribeURL}}">No more mail</a>`,
		},
		Unsubscribe: mailing.Unsubscribe{
			Link: "https://shop.example.com/unsubscribe?t={token}", Secret: provider.NewSecret("made by openssl rand"),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	report, err := m.Send(ctx, client, mailing.Members(client, list, "shop@example.com"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Accepted, report.LeftOut)
	// Output: 1 map[unsubscribed:1]
}

// The page behind the links.
func ExampleHandler() {
	client, err := memory.NewStore().Client()
	if err != nil {
		log.Fatal(err)
	}
	leave := func(ctx context.Context, s mailing.Subscription) error {
		_, err := client.Unsubscribe(ctx, s.Email, s.List, "link in "+s.Mailing)
		return err
	}
	http.Handle("/unsubscribe", mailing.Handler(leave, provider.NewSecret("made by openssl rand")))
}
