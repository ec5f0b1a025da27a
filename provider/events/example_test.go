package events_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// A program receives the webhooks of one account.
func ExampleHandler() {
	store := func(_ context.Context, list []events.Event) error {
		for _, e := range list {
			fmt.Println(e.Account, e.Kind, e.Bounce, e.Recipient)
		}
		return nil // they are the program's now
	}
	h, err := events.Handler(store, events.At("/main", brevo.Receiver(provider.NewSecret("a-secret-of-the-example"))))
	if err != nil {
		fmt.Println(err)
		return
	}
	body := `{"event": "hard_bounce", "email": "anna@example.com", "message-id": "<1@example.com>", "ts_epoch": 1793610930123}`
	r := httptest.NewRequest(http.MethodPost, "/main", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer a-secret-of-the-example")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// main bounced hard anna@example.com
	// 200
}

// Of events in any order the one that outweighs the others decides.
func ExampleEvent_Outweighs() {
	list, err := brevo.ParseEvents([]byte(`[
		{"event": "unique_opened", "email": "anna@example.com"},
		{"event": "request", "email": "anna@example.com"},
		{"event": "delivered", "email": "anna@example.com"}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	best := &list[0]
	for i := range list {
		if list[i].Outweighs(best) {
			best = &list[i]
		}
	}
	fmt.Println(best.State())
	// Output: opened true
}

// A receipt moves on with an event of its mail.
func ExampleApply() {
	r := provider.ReceiptFor("main", "<1@example.com>")
	list, err := brevo.ParseEvents([]byte(`{"event": "delivered", "email": "anna@example.com", "message-id": "<1@example.com>"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, ok := events.Apply(r, list[0])
	fmt.Println(r.State, ok)
	// Output: delivered true
}
