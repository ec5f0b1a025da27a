package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]provider.Address{
		"anna@example.com":                    {Email: "anna@example.com"},
		" anna@example.com ":                  {Email: "anna@example.com"},
		"Anna <anna@example.com>":             {Email: "anna@example.com", Name: "Anna"},
		"Иванова, Анна <anna@example.by>":     {Email: "anna@example.by", Name: "Иванова, Анна"},
		`"Иванова, Анна" <anna@example.by>`:   {Email: "anna@example.by", Name: "Иванова, Анна"},
		"فروشگاه <shop@example.ir>":           {Email: "shop@example.ir", Name: "فروشگاه"},
		"=?utf-8?q?An=C3=A9?= <a@example.by>": {Email: "a@example.by", Name: "Ané"},
		"<a@example.by>":                      {Email: "a@example.by"},
	} {
		got, err := parseAddress("--to", in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "anna", "a@example.com, b@example.com", "Anna <anna>", "Anna anna@example.com"} {
		_, err := parseAddress("--to", in)
		assert.Equal(t, exit.Local, exit.Code(err), in)
	}
}
