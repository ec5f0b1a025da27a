package provider_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/guard"
	"github.com/postmux/postmux/provider/route"
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

// How long a repeat under the key of a message is safe by the provider's own doing.
func ExampleClient_KeyWindow() {
	main, err := brevo.New("xkeysib-1")
	if err != nil {
		log.Fatal(err)
	}
	other, err := pakat.New("key")
	if err != nil {
		log.Fatal(err)
	}
	both, err := route.Failover(main, other)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(main.KeyWindow(), other.KeyWindow(), both.KeyWindow())
	// Output: 10m0s 0s 0s
}

// What tells that a key is used for another message.
func ExampleMessage_Digest() {
	order := &provider.Message{Subject: "Order 4711", HTML: "<p>Thank you</p>", IdempotencyKey: "order-4711"}
	other := order.Clone()
	other.IdempotencyKey = "another"
	changed := order.Clone()
	changed.Subject = "Order 4712"
	var sums []string
	for _, m := range []*provider.Message{order, other, changed} {
		sum, err := m.Digest()
		if err != nil {
			log.Fatal(err)
		}
		sums = append(sums, sum)
	}
	fmt.Println(len(sums[0]), sums[0] == sums[1], sums[0] == sums[2])
	// Output: 64 true false
}
