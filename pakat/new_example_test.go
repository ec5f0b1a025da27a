package pakat_test

import (
	"fmt"
	"log"

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
