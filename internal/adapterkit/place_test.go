package adapterkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestParsePlace(t *testing.T) {
	for _, row := range []struct {
		name, cursor string
		least        int64
		want         Place
		bad          bool
	}{
		{name: "a number alone", cursor: "50", want: Place{At: 50}},
		{name: "with a sum", cursor: "50/7", want: Place{At: 50, First: 7}},
		{name: "with all", cursor: "3/7/8/2/25/50", least: 1, want: Place{3, 7, 8, 2, 25, 50}},
		{name: "without a sum", cursor: "3/0/0/2", want: Place{At: 3, Seen: 2}},
		{name: "below the least", cursor: "0", least: 1, bad: true},
		{name: "nothing", cursor: "", bad: true},
		{name: "a word", cursor: "x", bad: true},
		{name: "no number", cursor: "/7", bad: true},
		{name: "no sum", cursor: "5/", bad: true},
		{name: "a sum of nothing", cursor: "5/0", bad: true},
		{name: "a sign", cursor: "+5", bad: true},
		{name: "zeros before", cursor: "05", bad: true},
		{name: "below nothing", cursor: "-5", bad: true},
		{name: "too many", cursor: "1/2/3/4/5/6/7", bad: true},
		{name: "too large", cursor: "9223372036854775807", bad: true},
		{name: "too large a page", cursor: "1/0/0/0/1048577", bad: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := ParsePlace(row.cursor, row.least)
			if row.bad {
				assert.ErrorIs(t, err, provider.ErrInvalid)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.cursor, got.String())
		})
	}
}
