package adapterkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/internal/adapterkit"
)

func TestSays(t *testing.T) {
	for _, row := range []struct {
		name, text, phrase string
		want               bool
	}{
		{name: "the text", text: "Sender is not valid", phrase: "sender is not valid", want: true},
		{name: "punctuation", text: "DMARC policy error. Please, …", phrase: "policy error please", want: true},
		{name: "fragment", text: "unbalanced brackets", phrase: "balance"},
		{name: "order", text: "valid is not sender", phrase: "sender is not valid"},
		{name: "cut", text: "sender is not", phrase: "sender is not valid"},
		{name: "stem", text: "Токена не найдено", phrase: "токен*", want: true},
		{name: "stem in the middle", text: "жетокен", phrase: "токен*"},
		{name: "no phrase", text: "x", phrase: ""},
		{name: "no text", text: "", phrase: "x"},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, adapterkit.Says(row.text, row.phrase)) })
	}
}
