package provider_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// The form is frozen: stores keep it. A row of this table is never changed.
func TestEmailKey(t *testing.T) {
	for _, row := range []struct{ name, email, key string }{
		{name: "plain", email: "anna@example.com", key: "anna@example.com"},
		{name: "case of both parts", email: "Anna.IVANOVA@Example.COM", key: "anna.ivanova@example.com"},
		{name: "tag", email: "anna+News@example.com", key: "anna+news@example.com"},
		{name: "international domain", email: "anna@пример.example", key: "anna@xn--e1afmkfd.example"},
		{name: "international domain in capitals", email: "anna@ПРИМЕР.example", key: "anna@xn--e1afmkfd.example"},
		{name: "ACE in capitals", email: "anna@XN--E1AFMKFD.EXAMPLE", key: "anna@xn--e1afmkfd.example"},
		{name: "sharp s", email: "a@straße.example", key: "a@xn--strae-oqa.example"},
		{name: "umlaut, composed", email: "jürgen@bücher.example", key: "jürgen@xn--bcher-kva.example"},
		{name: "umlaut, in two parts", email: "ju\u0308rgen@bu\u0308cher.example", key: "jürgen@xn--bcher-kva.example"},
		{name: "Persian", email: "سارا@نمونه.example", key: "سارا@xn--hhbbbed.example"},
		{name: "capital Cyrillic", email: "АННА@example.com", key: "анна@example.com"},
		{name: "Kelvin sign", email: "\u212Aelvin@example.com", key: "kelvin@example.com"},
		{name: "capital I with dot", email: "\u0130z@example.com", key: "iz@example.com"},
		{name: "full width domain", email: "a@ｅｘａｍｐｌｅ.com", key: "a@example.com"},
	} {
		t.Run(row.name, func(t *testing.T) {
			key, err := provider.EmailKey(row.email)
			require.NoError(t, err)
			assert.Equal(t, row.key, key)
			again, err := provider.EmailKey(key)
			require.NoError(t, err)
			assert.Equal(t, key, again, "the key of a key")
		})
	}
	for _, bad := range []string{"", "anna", "anna@", "@example.com", "a@b@example.com", "Anna <anna@example.com>"} {
		_, err := provider.EmailKey(bad)
		var e *provider.Error
		require.ErrorAs(t, err, &e, bad)
		assert.Equal(t, "email", e.Field)
	}
}
