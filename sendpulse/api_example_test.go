package sendpulse_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
	"github.com/postmux/postmux/sendpulse"
)

// An error of a raw call says what became of it, like that of a send.
func ExampleAPI() {
	ctx := context.Background()
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	client, err := sendpulse.Open(sendpulse.Config{
		ClientID: sandbox.ClientID, ClientSecret: provider.NewSecret(sandbox.Key("sendpulse")),
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("sendpulse")},
	})
	if err != nil {
		log.Fatal(err)
	}
	api, _ := sendpulse.API(client) // the token is fetched with the first call

	// The call arrives, the answer does not. Asking for a code mails it, so the
	// call is not repeated, although it is a GET.
	sb.Fail("sendpulse", sandbox.Fault{Operation: "sendSenderCode", Drop: true, After: true})
	_, err = api.SendSenderCode(ctx, "shop@example.com")
	var e *provider.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Outcome, e.Status)
	}

	// Removing an address from the block list may be repeated, and is.
	sb.Fail("sendpulse", sandbox.Fault{Operation: "removeFromBlacklist", Drop: true})
	_, err = api.RemoveFromBlacklist(ctx, sendpulseapi.RemoveFromBlacklistRequest{Emails: []byte("anna@example.com")})
	fmt.Println(err)
	// Output:
	// outcome unknown maybe_sent 0
	// <nil>
}
