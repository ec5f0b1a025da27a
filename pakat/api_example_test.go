package pakat_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/sandbox"
)

// Status, headers and body of the answer, also beside an error.
func ExampleAPI() {
	ctx := context.Background()
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := pakat.Open(pakat.Config{
		APIKey:          provider.NewSecret(sandbox.Key("pakat")),
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("pakat")},
	})
	if err != nil {
		log.Fatal(err)
	}
	api, _ := pakat.API(client)

	var reply rest.Reply
	quota, err := api.GetQuota(ctx, rest.WithReply(&reply))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Status, reply.Header.Get("Content-Type"), quota.Status, len(reply.Body) > 0)

	_, err = api.GetList(ctx, "no-such-list", rest.WithReply(&reply))
	fmt.Println(reply.Status == http.StatusNotFound, errors.Is(err, provider.ErrNotFound))
	// Output:
	// 200 application/json ok true
	// true true
}
