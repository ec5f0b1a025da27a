package provider_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log"
	"slices"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/smsby"
)

// newMemory returns a client that keeps everything in memory, and its store. A
// program uses brevo.New or all.Open instead.
func newMemory() (*provider.Client, *memory.Store) {
	store := memory.NewStore()
	client, err := store.Client(provider.WithFrom(provider.Address{Email: "shop@example.com"}))
	if err != nil {
		log.Fatal(err)
	}
	store.AddList("4", "News")
	return client, store
}

// withContact is newMemory with one contact, who is on the list "4".
func withContact(ctx context.Context) (*provider.Client, *memory.Store) {
	client, store := newMemory()
	_, err := client.UpsertContact(ctx, provider.ContactChange{
		Email: "anna@example.com", FirstName: provider.ChangeTo("Anna"), Lists: []provider.Ref{{ID: "4"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	return client, store
}

// outbox is an adapter of a program's own: it can send, and nothing else.
type outbox struct{}

func (outbox) Capabilities() provider.Capabilities {
	return provider.Capabilities{feature.MessageHTML: {Level: provider.LevelNative}}
}

func (outbox) Send(_ context.Context, m *provider.Message) (*provider.Receipt, error) {
	return m.Receipt("outbox-1", provider.StateAccepted), nil
}

// A Client around an adapter of the program's own.
func ExampleNewClient() {
	settings := provider.AccountSettings{From: provider.Address{Email: "shop@example.com"}}
	client, err := provider.NewClient(outbox{}, "outbox", settings, provider.DriverEnv{Account: "main"})
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := client.Send(context.Background(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hello", HTML: "<p>Hello</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client, receipt.MessageID, receipt.State)
	// Output: main (outbox) outbox-1 accepted
}

// ParseMessage names the field that is wrong.
func ExampleParseMessage() {
	m, err := provider.ParseMessage([]byte(`{"to": [{"email": "anna@example.com"}], "subject": "Hello", "text": "Hello"}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.To[0].Email, m.Subject)
	_, err = provider.ParseMessage([]byte(`{"to": [{"mail": "anna@example.com"}]}`))
	if e, ok := errors.AsType[*provider.Error](err); ok {
		fmt.Println(e.Kind, e.Field)
	}
	// Output:
	// anna@example.com Hello
	// invalid to[0].mail
}

// A program that stored only the id of a mail looks it up.
func ExampleReceiptFor() {
	ctx := context.Background()
	client, _ := newMemory()
	sent, err := client.Send(ctx, &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hello", HTML: "<p>Hello</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	id := sent.MessageID // stored by the program
	receipt, err := client.Status(ctx, provider.ReceiptFor("", id))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.MessageID, receipt.State)
	// Output: memory-1 delivered
}

func ExampleClient_Send() {
	client, store := newMemory()
	receipt, err := client.Send(context.Background(), &provider.Message{
		To:      []provider.Address{{Email: "anna@example.com", Name: "Anna"}},
		Subject: "Order 4711", HTML: "<p>Thank you</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.State, receipt.MessageID)
	fmt.Println(store.Messages()[0].Message.From.Email)
	// Output:
	// accepted memory-1
	// shop@example.com
}

// What to do with a mail that was not accepted.
func ExampleClient_Send_errors() {
	client, store := newMemory()
	store.FailNext(&provider.Error{
		Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Status: 429, RetryAfter: time.Minute, Message: "slow down",
	})
	receipt, err := client.Send(context.Background(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Order 4711", HTML: "<p>Thank you</p>",
	})
	var e *provider.Error
	switch {
	case err == nil:
		fmt.Println(receipt.State)
	case errors.Is(err, provider.ErrOutcomeUnknown):
		fmt.Println("store the receipt and call Settle later:", receipt.State)
	case errors.As(err, &e) && e.Retryable():
		fmt.Println("not sent, try again in", provider.RetryAfter(err))
	default:
		fmt.Println("not sent:", err)
	}
	// Output: not sent, try again in 1m0s
}

// Accepts checks a message without sending it.
func ExampleClient_Accepts() {
	client, _ := newMemory()
	err := client.Accepts(&provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, HTML: "<p>Hello</p>",
		Headers: map[string]string{"X Order": "4711"},
	})
	fmt.Println(errors.Is(err, provider.ErrInvalid))
	// Output: true
}

// The id of a receipt is enough to look a mail up later.
func ExampleClient_Status() {
	ctx := context.Background()
	client, _ := newMemory()
	sent, err := client.Send(ctx, &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hello", HTML: "<p>Hello</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	found, err := client.Status(ctx, provider.ReceiptFor(sent.Account, sent.MessageID))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.State, found.State)
	// Output: accepted delivered
}

// Cancel withdraws a mail that is scheduled.
func ExampleClient_Cancel() {
	ctx := context.Background()
	client, store := newMemory()
	receipt, err := client.Send(ctx, &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Sale", HTML: "<p>Tomorrow</p>",
		SendAt: time.Now().Add(24 * time.Hour),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := client.Cancel(ctx, receipt); err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.State, store.Messages()[0].Withdrawn)
	// Output: scheduled true
}

func ExampleClient_Check() {
	client, _ := newMemory()
	health, err := client.Check(context.Background())
	if err != nil {
		log.Fatal(err) // the key is wrong, or the provider was not reached
	}
	fmt.Println(health.Provider, health.Account)
	// Output: memory memory
}

// Has reports whether this account has a feature.
func ExampleClient_Has() {
	client, _ := newMemory()
	fmt.Println(client.Has(feature.MessageSendAt))
	// Output: true
}

// An account takes a mail with what it does otherwise or leaves out; Has is stricter.
func ExampleClient_Takes() {
	client, err := smsby.New("token", provider.WithFrom(provider.Address{Email: "shop@example.com"}))
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range []provider.Feature{feature.MessageTags, feature.MessageCc} {
		fmt.Println(f, client.Has(f), client.Takes(f))
	}
	// Output:
	// message.tags false true
	// message.cc false false
}

// Capabilities are the features of a provider and how well it has them.
func ExampleClient_Capabilities() {
	client, _ := newMemory()
	fmt.Println(client.Capabilities().Level(feature.MessageSendAt))
	// Output: native
}

// UpsertContact creates a contact or changes the fields that are set.
func ExampleClient_UpsertContact() {
	ctx := context.Background()
	client, _ := newMemory()
	for _, name := range []string{"Anna", "Anja"} {
		receipt, err := client.UpsertContact(ctx, provider.ContactChange{
			Email: "anna@example.com", FirstName: provider.ChangeTo(name), Lists: []provider.Ref{{ID: "4"}},
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(receipt.State)
	}
	// Output:
	// created
	// updated
}

func ExampleClient_GetContact() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	contact, err := client.GetContact(ctx, "anna@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(contact.FirstName, contact.Memberships)
	_, err = client.GetContact(ctx, "boris@example.com")
	fmt.Println(errors.Is(err, provider.ErrNotFound))
	// Output:
	// Anna [{4 subscribed}]
	// true
}

func ExampleClient_DeleteContact() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	fmt.Println(client.DeleteContact(ctx, "anna@example.com"))
	_, err := client.GetContact(ctx, "anna@example.com")
	fmt.Println(errors.Is(err, provider.ErrNotFound))
	// Output:
	// <nil>
	// true
}

// AllContacts reads page after page. It returns an error as its last item.
func ExampleClient_AllContacts() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	for contact, err := range client.AllContacts(ctx, provider.ContactQuery{List: provider.Ref{ID: "4"}}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(contact.Email)
	}
	// Output: anna@example.com
}

// ListContacts returns one page, for a program that keeps the cursor itself.
func ExampleClient_ListContacts() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	page, err := client.ListContacts(ctx, provider.ContactQuery{Limit: 50})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Items), page.Next == "") // an empty cursor: this was the last page
	// Output: 1 true
}

// Unsubscribe without a list stops all mail to the address; no upsert undoes it.
func ExampleClient_Unsubscribe() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	if _, err := client.Unsubscribe(ctx, "anna@example.com", provider.Ref{ID: "4"}, "too many mails"); err != nil {
		log.Fatal(err)
	}
	_, err := client.UpsertContact(ctx, provider.ContactChange{Email: "anna@example.com", Lists: []provider.Ref{{ID: "4"}}})
	fmt.Println(errors.Is(err, provider.ErrConflict))
	contact, err := client.GetContact(ctx, "anna@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(contact.Memberships)
	// Output:
	// true
	// [{4 unsubscribed}]
}

// Resubscribe is the only method that undoes an unsubscription.
func ExampleClient_Resubscribe() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	news := provider.Ref{ID: "4"}
	if _, err := client.Unsubscribe(ctx, "anna@example.com", news, ""); err != nil {
		log.Fatal(err)
	}
	if _, err := client.Resubscribe(ctx, "anna@example.com", news); err != nil {
		log.Fatal(err)
	}
	contact, err := client.GetContact(ctx, "anna@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(contact.Memberships)
	// Output: [{4 subscribed}]
}

func ExampleClient_CreateList() {
	ctx := context.Background()
	client, _ := newMemory()
	list, err := client.CreateList(ctx, "Readers")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(list.ID, list.Name)
	// Output: 5 Readers
}

func ExampleClient_DeleteList() {
	ctx := context.Background()
	client, _ := newMemory()
	fmt.Println(client.DeleteList(ctx, provider.Ref{ID: "4"}))
	// Output: <nil>
}

func ExampleClient_AllLists() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	for list, err := range client.AllLists(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(list.ID, list.Name, list.Count)
	}
	// Output: 4 News 1
}

func ExampleClient_ListLists() {
	ctx := context.Background()
	client, _ := newMemory()
	page, err := client.ListLists(ctx, "") // the first page
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Items), page.Next == "")
	// Output: 1 true
}

// Memberships name lists by their ids in the account.
func ExampleClient_ListID() {
	client, _ := newMemory()
	id, err := client.ListID(provider.Ref{ID: "4"}) // or an alias of the configuration
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)
	_, err = client.ListID(provider.Ref{Alias: "news"})
	fmt.Println(errors.Is(err, provider.ErrInvalid))
	// Output:
	// 4
	// true
}

// Each address has a result of its own.
func ExampleClient_AddToList() {
	ctx := context.Background()
	client, store := withContact(ctx)
	store.AddList("7", "Customers")
	results, err := client.AddToList(ctx, provider.Ref{ID: "7"}, []string{"anna@example.com", "boris@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		fmt.Println(r.Email, r.Error == nil)
	}
	// Output:
	// anna@example.com true
	// boris@example.com false
}

func ExampleClient_RemoveFromList() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	results, err := client.RemoveFromList(ctx, provider.Ref{ID: "4"}, []string{"anna@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(results), results[0].Error == nil)
	// Output: 1 true
}

func ExampleClient_AddSuppression() {
	ctx := context.Background()
	client, _ := newMemory()
	receipt, err := client.AddSuppression(ctx, "anna@example.com", "asked by phone")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.State)
	// Output: done
}

func ExampleClient_RemoveSuppression() {
	ctx := context.Background()
	client, _ := newMemory()
	if _, err := client.AddSuppression(ctx, "anna@example.com", ""); err != nil {
		log.Fatal(err)
	}
	receipt, err := client.RemoveSuppression(ctx, "anna@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.State)
	// Output: done
}

func ExampleClient_AllSuppressions() {
	ctx := context.Background()
	client, _ := newMemory()
	if _, err := client.AddSuppression(ctx, "anna@example.com", "asked by phone"); err != nil {
		log.Fatal(err)
	}
	for s, err := range client.AllSuppressions(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(s.Email, s.Scope, s.Reason)
	}
	// Output: anna@example.com all asked by phone
}

func ExampleClient_ListSuppressions() {
	ctx := context.Background()
	client, _ := newMemory()
	page, err := client.ListSuppressions(ctx, "") // the first page
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(page.Items), page.Next == "")
	// Output: 0 true
}

// The rows of an import may come from anywhere that can be iterated over.
func ExampleClient_ImportContacts_memory() {
	ctx := context.Background()
	client, _ := withContact(ctx)
	var rows iter.Seq2[provider.ContactChange, error] = func(yield func(provider.ContactChange, error) bool) {
		for email := range slices.Values([]string{"anna@example.com", "boris@example.com", "no address"}) {
			if !yield(provider.ContactChange{Email: email, Lists: []provider.Ref{{ID: "4"}}}, nil) {
				return
			}
		}
	}
	report, err := client.ImportContacts(ctx, rows, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Created, "created,", report.Updated, "updated,", report.Refused, "refused")
	// Output: 1 created, 1 updated, 1 refused
}
