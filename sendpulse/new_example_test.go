package sendpulse_test

import (
	"fmt"
	"log"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sendpulse"
)

// New makes no request: a wrong key is found by the first call, or by Check.
func ExampleNew() {
	client, err := sendpulse.New("client-id", "client-secret", provider.WithFrom(provider.Address{Email: "shop@example.com"}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: sendpulse
}

// Open takes all settings. A wrong one is an error that names it; no request is made.
func ExampleOpen() {
	client, err := sendpulse.Open(sendpulse.Config{
		AccountSettings: provider.AccountSettings{From: provider.Address{Email: "shop@example.com"}, Timeout: 30 * time.Second},
		APIKey:          provider.NewSecret("key-of-the-account"), // in place of an id and a secret
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: sendpulse
}
