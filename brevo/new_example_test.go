package brevo_test

import (
	"fmt"
	"log"

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
