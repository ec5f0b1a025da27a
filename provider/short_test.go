package provider_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// In a document an address or a reference may be a text; it is written as an object.
func TestShortForms(t *testing.T) {
	for _, row := range []struct {
		name, message string
		want          provider.Message
		wrong         string
	}{
		{
			name:    "an address",
			message: `{"from":"Shop <shop@example.com>","to":["anna@example.com",{"email":"b@example.com","name":"B"}]}`,
			want: provider.Message{
				From: provider.Address{Email: "shop@example.com", Name: "Shop"},
				To:   []provider.Address{{Email: "anna@example.com"}, {Email: "b@example.com", Name: "B"}},
			},
		},
		{name: "a name with a comma", message: `{"from":"Анна, склад <a@example.com>"}`, want: provider.Message{From: provider.Address{Email: "a@example.com", Name: "Анна, склад"}}},
		{name: "one text for a list", message: `{"to":"anna@example.com"}`, wrong: "to: expected a list, got a text"},
		{name: "two addresses in a text", message: `{"to":["a@example.com, b@example.com"]}`, wrong: "to[0]: expected one address"},
		{name: "an address that is none", message: `{"reply_to":["anna"]}`, wrong: "reply_to[0]: expected one address"},
		{name: "a wrong key of an object", message: `{"to":[{"mail":"a@example.com"}]}`, wrong: "to[0].mail: unknown key; known: email, name"},
		{name: "a number", message: `{"from":7}`, wrong: "from: expected an object, got a number"},
		{name: "a template by its alias", message: `{"template":"welcome"}`, want: provider.Message{Template: provider.Ref{Alias: "welcome"}}},
		{name: "a template by its id", message: `{"template":"id:12"}`, want: provider.Message{Template: provider.Ref{ID: "12"}}},
		{name: "no template", message: `{"template":""}`, wrong: "template: expected an alias or id:ID"},
		{name: "no id", message: `{"template":"id:"}`, wrong: "template: expected an alias or id:ID"},
		{name: "a wrong key of a reference", message: `{"template":{"name":"x"}}`, wrong: "template.name: unknown key; known: id, alias"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, err := provider.ParseMessage([]byte(row.message))
			if row.wrong != "" {
				require.ErrorContains(t, err, row.wrong)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, *m)
			data, err := json.Marshal(m)
			require.NoError(t, err)
			again, err := provider.ParseMessage(data)
			require.NoError(t, err)
			assert.Equal(t, row.want, *again)
			assert.NotContains(t, string(data), `"from":"`)
		})
	}
}

func TestShortFormsElsewhere(t *testing.T) {
	var change provider.ContactChange
	require.NoError(t, json.Unmarshal([]byte(`{"email":"a@example.com","lists":["newsletter","id:4"]}`), &change))
	assert.Equal(t, []provider.Ref{{Alias: "newsletter"}, {ID: "4"}}, change.Lists)

	sb := sandbox.New(t)
	cfg, err := provider.ParseConfig([]byte(`{"default":"main","providers":{"main":{"provider":"brevo","from":"Shop <shop@example.com>"}}}`))
	require.NoError(t, err)
	cfg.Providers["main"] = cfg.Providers["main"].With("api_key", "xkeysib-sandbox").With("base_url", sb.BaseURL("brevo"))
	c, err := all.Open(t.Context(), cfg)
	require.NoError(t, err)
	_, err = c.Send(t.Context(), &provider.Message{To: []provider.Address{{Email: "a@example.com"}}, Subject: "x", HTML: "x"})
	require.NoError(t, err)
	assert.Equal(t, provider.Address{Email: "shop@example.com", Name: "Shop"}, sb.Messages()[0].From)

	for _, wrong := range []string{`"shop"`, `7`} {
		cfg, err = provider.ParseConfig([]byte(`{"default":"main","providers":{"main":{"provider":"brevo","api_key":"k","from":` + wrong + `}}}`))
		require.NoError(t, err)
		_, err = all.Open(t.Context(), cfg)
		require.ErrorContains(t, err, "providers.main.from", wrong)
	}
}
