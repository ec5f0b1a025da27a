package smsby_test

import (
	"fmt"
	"log"

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
