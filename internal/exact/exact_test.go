package exact_test

import (
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/exact"
)

func TestNumber(t *testing.T) {
	for _, row := range []struct {
		digits string
		want   any
	}{
		{"0", 0.0},
		{"12", 12.0},
		{"-12", -12.0},
		{"1.5", 1.5},
		{"0.1", 0.1},
		{"999999999999999", 999999999999999.0},
		{"9007199254740992", 9007199254740992.0},
		{"9007199254740993", json.Number("9007199254740993")},
		{"12345678901234567890", json.Number("12345678901234567890")},
		{"6274129005473742112", json.Number("6274129005473742112")},
		{"10.10", json.Number("10.10")},
		{"1.0", json.Number("1.0")},
		{"1e3", json.Number("1e3")},
		{"1e999", json.Number("1e999")},
		{"0.0000001", json.Number("0.0000001")},
		{"1000000000000000000000", json.Number("1000000000000000000000")},
		{"-0", math.Copysign(0, -1)},
	} {
		t.Run(row.digits, func(t *testing.T) {
			got := exact.Number(row.digits)
			assert.Equal(t, row.want, got)
			written, err := json.Marshal(got)
			require.NoError(t, err)
			assert.Equal(t, row.digits, string(written))
			text, ok := exact.Text(got)
			assert.True(t, ok)
			assert.Equal(t, row.digits, text)
		})
	}
}

func TestParse(t *testing.T) {
	for _, row := range []struct {
		text string
		want string // "" for what is no number
		why  bool
	}{
		{text: "12", want: "12"},
		{text: "10.10", want: "10.10"},
		{text: "6274129005473742112", want: "6274129005473742112"},
		{text: "+5", want: "5", why: true},
		{text: ".5", want: "0.5", why: true},
		{text: "5.", want: "5", why: true},
		{text: "-007", want: "-7", why: true},
		{text: "000", want: "0", why: true},
		{text: "+01.50e+3", want: "1.50e+3", why: true},
		{text: "NaN"},
		{text: "Inf"},
		{text: "0x1F"},
		{text: "1_000"},
		{text: "1,5"},
		{text: "+-5"},
		{text: ""},
		{text: "."},
		{text: " 1"},
		{text: "e5"},
		{text: "1e"},
	} {
		t.Run(row.text, func(t *testing.T) {
			n, why, ok := exact.Parse(row.text)
			assert.Equal(t, row.want != "", ok)
			digits, _ := exact.Text(n)
			assert.Equal(t, row.want, digits)
			assert.Equal(t, row.why, why != "")
		})
	}
}

func TestRounds(t *testing.T) {
	for _, row := range []struct {
		name string
		v    any
		want bool
	}{
		{name: "float64", v: 0.1},
		{name: "int", v: 12},
		{name: "long int", v: int64(9007199254740993), want: true},
		{name: "zeros behind", v: json.Number("10.10")},
		{name: "exponent", v: json.Number("1e3")},
		{name: "many digits", v: json.Number("6274129005473742112"), want: true},
		{name: "many zeros", v: json.Number("1000000000000000000000000")},
		{name: "too large", v: json.Number("1e999"), want: true},
		{name: "zero", v: json.Number("0.00")},
		{name: "a text", v: "12"},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, exact.Rounds(row.v)) })
	}
}

type (
	word  string
	cents int32
	point struct {
		X float64 `json:"x"`
		N uint64  `json:"n"`
		S string  `json:"s"`
	}
)

func TestOf(t *testing.T) {
	text, number := "a", uint16(7)
	var none *string
	for _, row := range []struct {
		name    string
		v, want any
		same    bool
	}{
		{name: "nil", same: true},
		{name: "text", v: "a", want: "a", same: true},
		{name: "int", v: 1, want: 1, same: true},
		{name: "json.Number", v: json.Number("10.10"), want: json.Number("10.10"), same: true},
		{name: "list of texts", v: []string{"a"}, want: []string{"a"}, same: true},
		{name: "list", v: []any{"a", 1}, want: []any{"a", 1}, same: true},
		{name: "list of int32", v: []any{"a", int32(1)}, want: []any{"a", int64(1)}},
		{name: "int8", v: int8(-1), want: int64(-1)},
		{name: "int32", v: int32(1), want: int64(1)},
		{name: "uint", v: uint(1), want: int64(1)},
		{name: "uint64", v: uint64(math.MaxUint64), want: json.Number("18446744073709551615")},
		{name: "float32", v: float32(0.1), want: 0.1},
		{name: "named text", v: word("a"), want: "a"},
		{name: "named number", v: cents(5), want: int64(5)},
		{name: "pointer", v: &text, want: "a"},
		{name: "pointer to a number", v: &number, want: int64(7)},
		{name: "nil pointer", v: none},
		{name: "time", v: time.Date(2026, 3, 21, 9, 0, 0, 0, time.FixedZone("", 12600)), want: "2026-03-21T09:00:00+03:30"},
		{name: "address", v: netip.MustParseAddr("::1"), want: "::1"},
		{name: "large number", v: big.NewInt(0).Lsh(big.NewInt(1), 70), want: json.Number("1180591620717411303424")},
		{name: "slice", v: []cents{1, 2}, want: []any{int64(1), int64(2)}},
		{name: "map", v: map[string]any{"a": 1}, want: map[string]any{"a": 1}, same: true},
		{name: "map of others", v: map[string]any{"a": uint8(1), "b": "x"}, want: map[string]any{"a": int64(1), "b": "x"}},
		{name: "map of texts", v: map[string]string{"a": "b"}, want: map[string]any{"a": "b"}},
		{name: "map of numbers", v: map[int]string{1: "b"}, want: map[string]any{"1": "b"}},
		{name: "struct", v: point{1.5, 9007199254740993, "\ufffd"}, want: map[string]any{"x": 1.5, "n": json.Number("9007199254740993"), "s": "\ufffd"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, changed, err := exact.Of(row.v)
			require.Nil(t, err)
			assert.Equal(t, row.want, got)
			assert.Equal(t, !row.same, changed)
		})
	}
}

func TestOfRefuses(t *testing.T) {
	round := map[string]any{}
	round["a"] = round
	for _, row := range []struct {
		name       string
		v          any
		path, says string
	}{
		{name: "NaN", v: math.NaN(), says: "expected a number, got NaN"},
		{name: "infinity", v: map[string]any{"a": []any{1, math.Inf(1)}}, path: ".a[1]", says: "got +Inf"},
		{name: "float32 NaN", v: float32(math.NaN()), says: "got NaN"},
		{name: "NaN in a struct", v: point{X: math.NaN()}, says: "unsupported value: NaN"},
		{name: "no number", v: json.Number("1_000"), says: `got "1_000"`},
		{name: "bytes", v: []byte("a"), says: "string(b)"},
		{name: "channel", v: map[string]any{"a": make(chan int)}, path: ".a", says: "got chan int"},
		{name: "function", v: func() {}, says: "got func()"},
		{name: "holds itself", v: round, says: "holds itself"},
		{name: "broken text in a struct", v: point{S: "\xff"}, says: "UTF-8"},
		{name: "half a character", v: json.RawMessage(`"\ud83d"`), says: "UTF-8"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := exact.Of(row.v)
			require.NotNil(t, err)
			assert.Equal(t, row.path, err.Path)
			assert.Contains(t, err.Message, row.says)
		})
	}
}

func TestBroken(t *testing.T) {
	for _, row := range []struct {
		name string
		data string
		at   int
		half bool
	}{
		{name: "good", data: `{"a":"Анна 👩 👩 \\ud83d"}`, at: -1},
		{name: "windows-1251", data: "{\"a\":\"\xc0\"}", at: 6},
		{name: "high half", data: `{"a":"\ud83d"}`, at: 6, half: true},
		{name: "low half", data: `{"a":"\udc69"}`, at: 6, half: true},
		{name: "halves that do not fit", data: `{"a":"\ud83dx\udc69"}`, at: 6, half: true},
		{name: "whole from halves", data: `"\ud83d\udc69"`, at: -1},
		{name: "the first counts", data: "{\"a\":\"\\ud83d\xc0\"}", at: 6, half: true},
		{name: "cut", data: `"\ud83d\udc`, at: 1, half: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			at, half := exact.Broken([]byte(row.data))
			assert.Equal(t, row.at, at)
			assert.Equal(t, row.half, half)
		})
	}
}
