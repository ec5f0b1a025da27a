package pakat_test

import (
	"fmt"
	"log"
	"time"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
)

// New makes no request: a wrong key is found by the first call, or by Check.
func ExampleNew() {
	client, err := pakat.New("key-of-the-account", provider.WithFrom(provider.Address{Email: "shop@example.com"}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pakat
}

// NewV3 opens an account of Pakat v3.
func ExampleNewV3() {
	client, err := pakat.NewV3("key-of-the-account")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pakatv3
}

// Open takes all settings. A wrong one is an error that names it; no request is made.
func ExampleOpen() {
	client, err := pakat.Open(pakat.Config{
		AccountSettings: provider.AccountSettings{From: provider.Address{Email: "shop@example.com"}, Timeout: 30 * time.Second},
		APIKey:          provider.NewSecret("key-of-the-account"),
		PhoneTag:        "PHONE", // the field of phone numbers
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pakat
}

// OpenV3 takes all settings. A wrong one is an error that names it; no request is made.
func ExampleOpenV3() {
	client, err := pakat.OpenV3(pakat.V3Config{
		AccountSettings: provider.AccountSettings{From: provider.Address{Email: "shop@example.com"}, Timeout: 30 * time.Second},
		APIKey:          provider.NewSecret("key-of-the-account"),
		FolderID:        7, // new lists are put in it
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client)
	// Output: pakatv3
}
