package rest_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/rest/flex"
)

// Numbers in an answer keep their digits, wherever a type leaves their form open.
func TestDecodeKeepsDigits(t *testing.T) {
	long, price := json.Number("9007199254740993"), json.Number("10.10")
	const numbers = `{"id":9007199254740993,"price":10.10,"n":12}`
	want := map[string]any{"id": long, "price": price, "n": 12.0}
	type holder struct {
		V any                       `json:"v"`
		M map[string]map[string]any `json:"m"`
		S *struct{ L []any }        `json:"s"`
		O flex.Object[map[string]any]
		F flex.Map[any]
		L flex.List[any]
	}
	for _, row := range []struct {
		name, data string
		out        func() any
		want       any
	}{
		{name: "map", data: numbers, out: func() any { return new(map[string]any) }, want: &want},
		{name: "any", data: `[` + numbers + `]`, out: func() any { return new(any) }, want: new(any([]any{want}))},
		{name: "rows", data: `[` + numbers + `,1.0]`, out: func() any { return new([]any) }, want: &[]any{want, json.Number("1.0")}},
		{
			name: "fields", data: `{"v":10.10,"m":{"a":` + numbers + `},"s":{"L":[10.10]},"O":` + numbers + `,"F":` + numbers + `,"L":[10.10]}`,
			out: func() any { return new(holder) },
			want: &holder{
				V: price, M: map[string]map[string]any{"a": want}, S: &struct{ L []any }{[]any{price}},
				O: flex.Object[map[string]any]{Value: want, Set: true}, F: want, L: flex.List[any]{price},
			},
		},
		{name: "one of a list", data: `{"L":10.10}`, out: func() any { return new(holder) }, want: &holder{L: flex.List[any]{price}}},
		{
			name: "a generated type", data: `{"id":"7","attributes":` + numbers + `}`,
			out: func() any { return new(brevoapi.Company) }, want: &brevoapi.Company{ID: "7", Attributes: want},
		},
	} {
		for how, decode := range map[string]func([]byte, any) error{
			"a change": rest.Decode,
			"a read":   func(data []byte, out any) error { return (&rest.Call{Effect: rest.Read}).Decode(data, out) },
			"a page":   func(data []byte, out any) error { _, err := rest.DecodeRows(data, out); return err },
		} {
			t.Run(row.name+", "+how, func(t *testing.T) {
				out := row.out()
				require.NoError(t, decode([]byte(row.data), out))
				assert.Equal(t, row.want, out)
			})
		}
	}
	require.Error(t, rest.Decode([]byte(numbers+`1`), new(map[string]any)), "more data")
	require.Error(t, rest.Decode([]byte(`{"n":"x"}`), new(map[string]int)))
}
