package provider_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/sandbox"
)

// A key at a provider that knows none: the repeat sends nothing.
func ExampleWithDuplicateGuard() {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	ctx := context.Background()
	client, err := provider.Registry{pakat.Driver()}.Open(ctx, provider.Config{
		Providers: map[string]provider.AccountConfig{"pakat": sb.Config().Providers["pakat"]},
	}, provider.WithDuplicateGuard(guard.NewMemory(10_000, 24*time.Hour), "shop"))
	if err != nil {
		log.Fatal(err)
	}
	for range 2 { // the form was submitted twice
		receipt, err := client.Send(ctx, &provider.Message{
			To:      []provider.Address{{Email: "anna@example.com", Name: "Anna"}},
			Subject: "Order 4711", HTML: "<p>Thank you</p>",
			IdempotencyKey: "order-4711",
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(receipt.State, len(sb.Messages()))
	}
	// Output:
	// accepted 1
	// accepted 1
}
