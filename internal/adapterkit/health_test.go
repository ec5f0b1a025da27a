package adapterkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/internal/adapterkit"
)

func TestAmount(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       *float64
	}{
		{name: "a count", text: "270", want: adapterkit.Count(270)},
		{name: "money", text: "12.50", want: func() *float64 { f := 12.5; return &f }()},
		{name: "below nothing", text: "-1", want: adapterkit.Count(-1)},
		{name: "a word", text: "unlimited"},
		{name: "a word that is a number in Go", text: "inf"},
		{name: "nothing", text: ""},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, adapterkit.Amount(row.text)) })
	}
}
