package brevo_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/gen/brevotrackerapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/sandbox"
)

// Any operation of the vendor, with the client's key, limits and errors.
func ExampleAPI() {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := brevo.Open(brevo.Config{
		APIKey:          provider.NewSecret(sandbox.Key("brevo")),
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("brevo")},
	})
	if err != nil {
		log.Fatal(err)
	}
	api, ok := brevo.API(client)
	fmt.Println(ok)
	var reply rest.Reply
	senders, err := api.ListSenders(context.Background(), nil, rest.WithReply(&reply))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Status, len(senders.Senders) > 0)

	// An operation by its path, for one that is not curated yet.
	var account struct {
		Email string `json:"email"`
	}
	_, err = api.Raw(context.Background(), &rest.Call{Operation: "account", Method: http.MethodGet, Route: "/account", Effect: rest.Read}, &account)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Email != "")
	// Output:
	// true
	// 200 true
	// true
}

// What contacts do on a site goes to the tracker: another host, another key.
func ExampleTrackerAPI() {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := brevo.Open(brevo.Config{
		APIKey:          provider.NewSecret(sandbox.Key("brevo")),
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("brevo")},
		TrackerKey:      provider.NewSecret(sandbox.Key("brevotracker")),
		TrackerBaseURL:  sb.BaseURL("brevotracker"),
	})
	if err != nil {
		log.Fatal(err)
	}
	tracker, ok := brevo.TrackerAPI(client) // false without a TrackerKey
	if !ok {
		log.Fatal("no tracker")
	}
	var reply rest.Reply
	_, err = tracker.TrackEvent(context.Background(), brevotrackerapi.TrackEventRequest{
		Email: new("olga@example.by"), Event: new("order_ready"), EventData: map[string]any{"id": "order:1042"},
	}, rest.WithReply(&reply))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Status, sb.Requests("brevotracker")[0].Path)
	// Output: 204 /trackEvent
}
