package brevo

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/rest"
)

// Each call is counted under the name of the vendor's table that has its path.
func TestClassOf(t *testing.T) {
	for _, tt := range []struct {
		name, route, want string
		body              any
	}{
		{name: "the account", route: "/account", want: "other"},
		{name: "one mail", route: "/smtp/email", body: &brevoapi.SendEmailRequest{}, want: "send"},
		{name: "mails with versions", route: "/smtp/email", body: &brevoapi.SendEmailRequest{MessageVersions: []brevoapi.MessageVersion{{}}}, want: "batch"},
		{name: "blocked addresses", route: "/smtp/blockedContacts", want: "send"},
		{name: "the list of mail", route: "/smtp/emails", want: "emails"},
		{name: "the rest of mail", route: "/smtp/templates", want: "smtp"},
		{name: "a contact", route: "/contacts/{identifier}", want: "contacts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := classOf(&rest.Call{Route: tt.route, Body: tt.body})
			assert.Equal(t, tt.want, got)
			assert.Contains(t, limits, got)
		})
	}
}
