package provider_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// The provider accepts the mail and the connection breaks before the response.
func ExampleClient_Settle() {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	ctx := context.Background()
	client, err := all.OpenAccount(ctx, sb.Config(), "sendpulse")
	if err != nil {
		log.Fatal(err)
	}
	sb.Fail("sendpulse", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
	receipt, err := client.Send(ctx, &provider.Message{
		To:      []provider.Address{{Email: "anna@example.com", Name: "Anna"}},
		Subject: "Order 4711", HTML: "<p>Thank you</p>",
	})
	fmt.Println(errors.Is(err, provider.ErrOutcomeUnknown), receipt.State)

	// A program calls Settle a minute later or more.
	receipt, err = client.Settle(ctx, receipt)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.State, receipt.MessageID != "")
	// Output:
	// true unknown
	// delivered true
}
