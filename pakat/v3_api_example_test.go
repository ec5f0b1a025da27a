package pakat_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// An operation that is not curated yet: name its method, route, parameters and
// effect, and bring types of your own. The server stands in for a vendor that
// has added a call; key, limits and errors are those of every other call.
func ExampleAPIV3() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Println(r.Method, r.URL.EscapedPath(), r.URL.Query(), r.Header.Get("api-key"))
		_, _ = io.WriteString(w, `{"name": "Autumn", "points": 40}`)
	}))
	defer vendor.Close()
	client, err := pakat.OpenV3(pakat.V3Config{
		APIKey:          provider.NewSecret("key-of-the-account"),
		AccountSettings: provider.AccountSettings{BaseURL: vendor.URL + "/v3"},
	})
	if err != nil {
		log.Fatal(err)
	}
	api, _ := pakat.APIV3(client)

	var answer struct {
		Name   string `json:"name"`
		Points int    `json:"points"`
	}
	reply, err := api.Raw(context.Background(), &rest.Call{
		Operation: "getBonus", // as errors and hooks name it
		Method:    http.MethodGet,
		Route:     "/bonuses/{bonusId}/contacts/{email}",
		Segments:  []string{"7", "anna/shop@example.com"}, // in the order of the route, not escaped
		Query:     []rest.Param{{Name: "limit", Value: "10"}},
		Effect:    rest.Read, // it may be repeated; without an effect a call counts as rest.Send
	}, &answer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Status, answer.Name, answer.Points)
	// Output:
	// GET /v3/bonuses/7/contacts/anna%2Fshop%40example.com map[limit:[10]] key-of-the-account
	// 200 Autumn 40
}
