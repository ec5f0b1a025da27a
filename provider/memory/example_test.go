package memory_test

import (
	"context"
	"fmt"
	"log"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
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
