package sandbox_test

import (
	"context"
	"fmt"
	"log"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// A program can start a sandbox; a test calls New instead.
func ExampleStart() {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := all.OpenAccount(context.Background(), sb.Config(), "brevo")
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Send(context.Background(), &provider.Message{
		To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hello", HTML: "<p>Hello</p>",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sb.Messages("brevo")[0].Subject)
	// Output: Hello
}
