package brevo_test

import (
	"fmt"
	"log"
	"time"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
)

// New makes no request: a wrong key is found by the first call, or by Check.
func ExampleNew() {
	client, err := brevo.New("key-of-the-account", provider.WithFrom(provider.Address{Email: "shop@example.com"}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: brevo
}

// Open takes all settings. A wrong one is an error that names it; no request is made.
func ExampleOpen() {
	client, err := brevo.Open(brevo.Config{
		AccountSettings: provider.AccountSettings{From: provider.Address{Email: "shop@example.com"}, Timeout: 30 * time.Second},
		APIKey:          provider.NewSecret("key-of-the-account"),
		FolderID:        7, // new lists are put in it
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: brevo
}
