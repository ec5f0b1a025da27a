package route_test

import (
	"context"
	"fmt"
	"log"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
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

// members returns clients of three stores that keep mail in memory. A program uses
// brevo.New and the like, or a configuration.
func members() (clients []*provider.Client, stores []*memory.Store) {
	for range 3 {
		store := memory.NewStore()
		client, err := store.Client(provider.WithFrom(provider.Address{Email: "shop@example.com"}))
		if err != nil {
			log.Fatal(err)
		}
		clients, stores = append(clients, client), append(stores, store)
	}
	return clients, stores
}

// hello sends a message to each address, and returns the numbers of mails in the stores.
func hello(client *provider.Client, stores []*memory.Store, emails ...string) []int {
	for _, email := range emails {
		_, err := client.Send(context.Background(), &provider.Message{
			To: []provider.Address{{Email: email}}, Subject: "Hello", HTML: "<p>Hello</p>",
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	counts := make([]int, len(stores))
	for i, s := range stores {
		counts[i] = len(s.Messages())
	}
	return counts
}

// The members send in turn.
func ExampleRoundRobin() {
	clients, stores := members()
	client, err := route.RoundRobin(clients...)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hello(client, stores, "anna@example.com", "boris@example.com", "clara@example.com", "dmitri@example.com"))
	// Output: [2 1 1]
}

// Of five messages the first member gets three, the others one each.
func ExampleWeighted() {
	clients, stores := members()
	client, err := route.Weighted(
		route.Share{Member: clients[0], Weight: 3},
		route.Share{Member: clients[1], Weight: 1},
		route.Share{Member: clients[2], Weight: 1},
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hello(client, stores, "anna@example.com", "boris@example.com", "clara@example.com", "dmitri@example.com", "elena@example.com"))
	// Output: [3 1 1]
}

// Recipients in Iran and Belarus have members of their own.
func ExampleRules() {
	clients, stores := members()
	client, err := route.Rules(clients[0],
		route.Rule{RecipientDomain: "example.ir", Member: clients[1]},
		route.Rule{RecipientDomain: "example.by", Member: clients[2]},
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hello(client, stores, "anna@example.com", "sara@example.ir", "olga@example.by", "pavel@example.by"))
	// Output: [1 1 2]
}

// The same, with a name and with hooks.
func ExampleOptions_Failover() {
	clients, _ := members()
	client, err := route.Options{Name: "main"}.Failover(clients...)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: main (failover)
}

// A member without credit gets no mail for 15 minutes.
func ExampleStates() {
	clients, stores := members()
	client, err := route.Failover(clients...)
	if err != nil {
		log.Fatal(err)
	}
	stores[0].FailNext(&provider.Error{Kind: provider.ErrNoCredit, Outcome: provider.OutcomeNotSent, Elsewhere: true})
	fmt.Println(hello(client, stores, "anna@example.com"))
	states, _ := route.States(client)
	fmt.Println(states[0].State, states[1].State)
	// Output:
	// [0 1 0]
	// no_credit ready
}

// A program learns at its start that a member is no backup for its mail.
func ExampleGaps() {
	main, err := all.Memory("brevo")
	if err != nil {
		log.Fatal(err)
	}
	backup, err := all.Memory("smsby")
	if err != nil {
		log.Fatal(err)
	}
	var clients []*provider.Client
	for _, store := range []*memory.Store{main, backup} {
		client, err := store.Client()
		if err != nil {
			log.Fatal(err)
		}
		clients = append(clients, client)
	}
	client, err := route.Failover(clients...)
	if err != nil {
		log.Fatal(err)
	}
	for _, gap := range route.Gaps(client, &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Order 4711", HTML: "<p>Thank you</p>",
		Cc: []provider.Address{{Email: "boris@example.com"}},
	}) {
		fmt.Println(gap.Account, gap.Feature)
	}
	// Output: smsby message.cc
}

// A program that keeps a ledger writes down which account a mail leaves through, before it
// does.
func ExampleBefore() {
	var clients []*provider.Client
	var stores []*memory.Store
	for _, name := range []string{"brevo", "smsby"} {
		store, err := all.Memory(name)
		if err != nil {
			log.Fatal(err)
		}
		client, err := store.Client(provider.WithFrom(provider.Address{Email: "shop@example.com"}))
		if err != nil {
			log.Fatal(err)
		}
		clients, stores = append(clients, client), append(stores, store)
	}
	client, err := route.Failover(clients...)
	if err != nil {
		log.Fatal(err)
	}
	stores[0].FailNext(&provider.Error{Kind: provider.ErrNoCredit, Outcome: provider.OutcomeNotSent, Elsewhere: true})
	ctx := route.Before(context.Background(), func(account string) error {
		fmt.Println("order 4711 leaves through", account)
		return nil // an error keeps it back
	})
	_, err = client.Send(ctx, &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hello", HTML: "<p>Hello</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// order 4711 leaves through brevo
	// order 4711 leaves through smsby
}

// A mail that may have been sent through a member is sent again through that one only.
func ExampleWithMember() {
	main, backup := memory.NewStore(), memory.NewStore()
	var clients []*provider.Client
	for _, store := range []*memory.Store{main, backup} {
		client, err := store.Client(provider.WithFrom(provider.Address{Email: "shop@example.com"}))
		if err != nil {
			log.Fatal(err)
		}
		clients = append(clients, client)
	}
	eu, err := route.Options{Name: "eu"}.Failover(clients[1])
	if err != nil {
		log.Fatal(err)
	}
	client, err := route.Failover(clients[0], eu)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Send(route.WithMember(context.Background(), "eu"), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hello", HTML: "<p>Hello</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(main.Messages()), len(backup.Messages()))
	// Output: 0 1
}
