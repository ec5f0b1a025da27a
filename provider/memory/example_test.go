package memory_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/smsby"
)

// The unit test of an application looks at what was sent.
func ExampleNewStore() {
	store := memory.NewStore()
	client, err := store.Client(provider.WithFrom(provider.Address{Email: "shop@example.com"}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Send(context.Background(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Order 4711", HTML: "<p>Thank you</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Messages()[0].Message.Subject)
	// Output: Order 4711
}

// A configuration with the provider "memory" opens accounts on one Store.
func ExampleStore_Driver() {
	store := memory.NewStore()
	cfg, err := provider.ParseConfig([]byte(`{"providers": {"main": {"provider": "memory", "from": {"email": "shop@example.com"}}}}`))
	if err != nil {
		log.Fatal(err)
	}
	client, err := provider.Registry{store.Driver()}.Open(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: main (memory)
}

// A test makes events happen, and looks at what the program does.
func ExampleStore_Emit() {
	ctx := context.Background()
	store := memory.NewStore()
	client, err := store.Client()
	if err != nil {
		log.Fatal(err)
	}
	blocked := map[string]provider.Reason{} // what the program keeps
	store.OnEvents(events.Suppressing(func(_ context.Context, list []provider.Suppression) error {
		for _, s := range list {
			blocked[s.Email] = s.Reason
		}
		return nil
	}, nil))
	receipt, err := client.Send(ctx, &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Order 4711", HTML: "<p>Thank you</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	e, err := store.Emit(ctx, events.Event{Kind: events.KindComplained, Recipient: "anna@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	status, err := client.Status(ctx, receipt)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(blocked, e.MessageID == receipt.MessageID, status.State)
	// Output: map[anna@example.com:complained] true complained
}

// A double with the settings of an account refuses what the account would refuse.
func ExampleLike() {
	store, err := memory.Like(smsby.Driver(), provider.AccountConfig{"token": "any", "from": "Laden <laden@example.com>"})
	if err != nil {
		log.Fatal(err)
	}
	client, err := store.Client()
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Send(context.Background(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Order 4711", HTML: "<p>Thank you</p>",
		SendAt: time.Now().Add(time.Hour),
	})
	fmt.Println(err)
	// Output: smsby: send: configuration: providers.smsby.time_zone: send_at needs this setting: the provider takes a time without a zone; nothing was sent
}
