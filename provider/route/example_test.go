package route_test

import (
	"context"
	"fmt"
	"log"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/provider/route"
)

// The first member refuses and nothing was sent, so the second sends.
func ExampleFailover() {
	from := provider.WithFrom(provider.Address{Email: "shop@example.com"})
	first, second := memory.NewStore(), memory.NewStore()
	a, err := first.Client(from)
	if err != nil {
		log.Fatal(err)
	}
	b, err := second.Client(from)
	if err != nil {
		log.Fatal(err)
	}
	client, err := route.Failover(a, b)
	if err != nil {
		log.Fatal(err)
	}
	first.FailNext(&provider.Error{Kind: provider.ErrNoCredit, Outcome: provider.OutcomeNotSent, Elsewhere: true, Message: "no credit"})
	receipt, err := client.Send(context.Background(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hello", HTML: "<p>Hello</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.State, len(first.Messages()), len(second.Messages()))
	// Output: accepted 0 1
}
