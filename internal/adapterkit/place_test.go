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
		{name: "start", least: 1, want: Place{At: 1}},
		{name: "a number alone", cursor: "50", want: Place{At: 50}},
		{name: "with a sum", cursor: "50/7", want: Place{At: 50, First: 7}},
		{name: "below the least", cursor: "0", least: 1, bad: true},
		{name: "a word", cursor: "x", bad: true},
		{name: "no number", cursor: "/7", bad: true},
		{name: "no sum", cursor: "5/", bad: true},
		{name: "a sum of nothing", cursor: "5/0", bad: true},
		{name: "more", cursor: "5/6/7", bad: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := ParsePlace(row.cursor, row.least)
			if row.bad {
				assert.ErrorIs(t, err, provider.ErrInvalid)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
			if row.cursor != "" {
				assert.Equal(t, row.cursor, got.String())
			}
		})
	}
}

// A page that begins as the one before is the same page.
func TestPlaceAfter(t *testing.T) {
	first, err := Place{}.After(50, "a@example.com")
	require.NoError(t, err)
	assert.EqualValues(t, 50, first.At)
	_, err = first.After(100, "a@example.com")
	assert.ErrorIs(t, err, provider.ErrBadResponse)
	second, err := first.After(100, "b@example.com")
	require.NoError(t, err)
	assert.NotEqual(t, first.First, second.First)
	third, err := second.After(150, "")
	require.NoError(t, err)
	_, err = third.After(200, "")
	assert.NoError(t, err, "rows without a name tell nothing")
}
