package all_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// The program of the README. The sandbox stands in for the vendor: without it,
// leave base_url out and give a real key.
func ExampleOpen() {
	ctx := context.Background()
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	configJSON := fmt.Appendf(nil, `{
		"default": "main",
		"providers": {
			"main":   {"provider": "brevo", "api_key": %q, "base_url": %q, "from": {"email": "shop@example.com", "name": "فروشگاه"}},
			"backup": {"provider": "sendpulse", "client_id": %q, "client_secret": %q, "base_url": %q, "from": {"email": "shop@example.com", "name": "فروشگاه"}}
		}
	}`, sandbox.Key("brevo"), sb.BaseURL("brevo"), sandbox.ClientID, sandbox.Key("sendpulse"), sb.BaseURL("sendpulse"))

	cfg, err := provider.ParseConfig(configJSON)
	if err != nil {
		log.Fatal(err)
	}
	client, err := all.Open(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := client.Send(ctx, &provider.Message{
		To:      []provider.Address{{Email: "anna@example.com", Name: "Анна"}},
		Subject: "سفارش شما ثبت شد",
		HTML:    "<p>سلام</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Account, receipt.State)

	// The swap.
	client, err = all.OpenAccount(ctx, cfg, "backup")
	if err != nil {
		log.Fatal(err)
	}
	receipt, err = client.Send(ctx, &provider.Message{
		To:      []provider.Address{{Email: "anna@example.com", Name: "Анна"}},
		Subject: "سفارش شما ثبت شد",
		HTML:    "<p>سلام</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Account, receipt.State)
	// Output:
	// main accepted
	// backup accepted
}

// An error reports whether the mail was sent.
func ExampleOpen_errors() {
	ctx := context.Background()
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := all.OpenAccount(ctx, sb.Config(), "pakat")
	if err != nil {
		log.Fatal(err)
	}
	message := &provider.Message{
		To:      []provider.Address{{Email: "anna@example.com"}},
		Cc:      []provider.Address{{Email: "boris@example.com"}},
		Subject: "Заказ", HTML: "<p>Привет</p>",
	}
	_, err = client.Send(ctx, message)
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	message.Cc = nil

	// The vendor accepts the mail, and then the line is cut.
	sb.Fail("pakat", sandbox.Fault{Drop: true, After: true})
	receipt, err := client.Send(ctx, message)
	var e *provider.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Outcome, receipt.State)
	}
	// Output:
	// true
	// outcome unknown maybe_sent unknown
}

// OpenAccount opens one account; the reference of the other is not followed.
func ExampleOpenAccount() {
	cfg, err := provider.ParseConfig([]byte(`{"providers": {
		"main":   {"provider": "brevo", "api_key": "env:BREVO_KEY"},
		"backup": {"provider": "pakat", "api_key": "key-of-the-account"}
	}}`))
	if err != nil {
		log.Fatal(err)
	}
	client, err := all.OpenAccount(context.Background(), cfg, "backup")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: backup (pakat)
}

// A double refuses what the vendor's account refuses, and a test waits for the mail of
// other goroutines.
func ExampleMemory() {
	store, err := all.Memory("smsby")
	if err != nil {
		log.Fatal(err)
	}
	client, err := store.Client()
	if err != nil {
		log.Fatal(err)
	}
	m := &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Cc: []provider.Address{{Email: "boris@example.com"}},
		Subject: "Order 4711", HTML: "<p>Thank you</p>",
	}
	_, err = client.Send(context.Background(), m)
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	m.Cc = nil
	go func() { _, _ = client.Send(context.Background(), m) }()
	mails, err := store.Wait(context.Background(), 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(mails[0].Message.From.Email)
	// Output:
	// true
	// shop@example.com
}
