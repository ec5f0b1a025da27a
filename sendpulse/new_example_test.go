package sendpulse_test

import (
	"fmt"
	"log"

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
