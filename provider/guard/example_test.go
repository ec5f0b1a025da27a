package guard_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/guard"
)

// A program gives the store to provider.WithDuplicateGuard, which makes the calls.
func ExampleNewMemory() {
	ctx := context.Background()
	store := guard.NewMemory(10_000, 24*time.Hour)
	for range 2 {
		entry, claimed, err := store.Begin(ctx, "shop/order-4711", provider.GuardEntry{Digest: "of the message", Account: "main", At: time.Now()})
		if err != nil {
			log.Fatal(err)
		}
		if !claimed {
			fmt.Println("sent before:", entry.Status)
			continue
		}
		fmt.Println("sends")
		end := provider.GuardEntry{Status: provider.StateAccepted}
		if err := store.Finish(ctx, "shop/order-4711", end); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(store.Len())
	// Output:
	// sends
	// sent before: accepted
	// 1
}
