package smsby_test

import (
	"fmt"
	"log"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/smsby"
)

// New makes no request: a wrong key is found by the first call, or by Check.
func ExampleNew() {
	client, err := smsby.New("key-of-the-account", provider.WithFrom(provider.Address{Email: "shop@example.com"}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: smsby
}

// Open takes all settings. A wrong one is an error that names it; no request is made.
func ExampleOpen() {
	client, err := smsby.Open(smsby.Config{
		AccountSettings: provider.AccountSettings{From: provider.Address{Email: "shop@example.com"}, Timeout: 30 * time.Second},
		Token:           provider.NewSecret("token-of-the-account"),
		SendVia:         "bulk", // with look-ups, without files
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: smsby
}
