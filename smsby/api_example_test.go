package smsby_test

import (
	"context"
	"fmt"
	"log"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/sandbox"
	"github.com/postmux/postmux/smsby"
)

// A header and a query parameter that the spec does not know. The token is
// added to each call, so the form's Token stays unset.
func ExampleAPI() {
	ctx := context.Background()
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := smsby.Open(smsby.Config{
		Token:           provider.NewSecret(sandbox.Key("smsby")),
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("smsby")},
	})
	if err != nil {
		log.Fatal(err)
	}
	api, _ := smsby.API(client)

	form := smsbyapi.UnsubscribeForm{Email: "anna@example.com"}
	_, err = api.UnsubscribeEmail(ctx, form, rest.WithHeader("X-Trace", "order-1042"))
	fmt.Println(err)
	got := sb.Requests("smsby")[0]
	fmt.Println(got.Header.Get("X-Trace"))
	for _, f := range got.Fields {
		fmt.Println(f.Name, f.Value)
	}

	// The sandbox knows the spec only, so it refuses; a vendor may know more.
	_, err = api.UnsubscribeEmail(ctx, form, rest.WithQuery("lang", "ru"))
	fmt.Println(err != nil, sb.Requests("smsby")[1].Query)
	// Output:
	// <nil>
	// order-1042
	// token smsby-sandbox
	// email anna@example.com
	// true map[lang:[ru]]
}
