package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/rest"
)

// withKey is a transport that adds the credential.
type withKey string

func (k withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // a transport must not change what it was given
	r.Header.Set("api-key", string(k))
	return http.DefaultTransport.RoundTrip(r)
}

// A generated package alone, without adapters: typed calls and nothing else. The
// credential, a timeout, limits and repeats are the program's business.
func ExamplePlain() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request", "7")
		if r.Header.Get("api-key") != "k" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"code": "unauthorized", "message": "Key not found"}`)
			return
		}
		_, _ = io.WriteString(w, `{"email": "owner@example.com"}`)
	}))
	defer vendor.Close()
	ctx := context.Background()

	api := brevoapi.NewClient(rest.Plain(vendor.URL+"/v3", &http.Client{Transport: withKey("k")}))
	var reply rest.Reply
	account, err := api.GetAccount(ctx, rest.WithReply(&reply))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Email, reply.Status, reply.Header.Get("X-Request"))

	// An error is a status and what came with it. It does not say whether a mail
	// went out; errors of a client that an adapter opened do.
	_, err = brevoapi.NewClient(rest.Plain(vendor.URL+"/v3", nil)).GetAccount(ctx)
	var status *rest.StatusError
	if errors.As(err, &status) {
		fmt.Println(status, string(status.Reply.Body))
	}
	// Output:
	// owner@example.com 200 7
	// getAccount: status 401 {"code": "unauthorized", "message": "Key not found"}
}
