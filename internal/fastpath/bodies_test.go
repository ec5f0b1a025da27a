package fastpath_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/fastpath"
)

// same holds the writer against encoding/json.
func same(t *testing.T, name string, v any) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(v), name)
	got, err := fastpath.AppendJSON([]byte("x"), v)
	require.NoError(t, err, name)
	assert.Equal(t, "x"+want.String(), string(got)+"\n", name)
}

func TestAppendJSON(t *testing.T) {
	deep := any("x")
	for range 105 {
		deep = []any{deep}
	}
	for _, v := range []any{
		nil, "a<b", true, 7, int64(-7), uint8(3), 0.0, math.Copysign(0, -1), 12.5, 1e21, 1e-7, -1e20, float32(1.1), json.Number("10"),
		map[string]any(nil), []any(nil),
		map[string]string{"z": "1", "a": "<\n>"},
		map[int]string{1: "a"},
		[]byte("ab"), []byte(nil),
		[2]int{1, 2},
		[]string{"a"},
		map[string]any{"b": []any{1, nil, "ü"}, "a": map[string]any{}, "\xff": "\xff"},
		deep,
		&own{"a"},
		struct {
			Rows []*own `json:"rows"`
			Own  own    `json:"own"`
		}{Rows: []*own{{"b"}, nil, {"c"}}},
		struct{ A string }{"<"},
		&odd{},
		odd{Time: time.Unix(7, 0).UTC(), Loud: "a", Louds: []loud{"b"}, Any: loud("c"), Text: "\xff"},
		&odd{Loud: "a", Louds: []loud{"b"}, Zero: 1},
		reflect.New(reflect.StructOf([]reflect.StructField{ // two fields of one name
			{Name: "A", Type: reflect.TypeFor[string](), Tag: `json:"same"`}, {Name: "B", Type: reflect.TypeFor[string](), Tag: `json:"same"`},
		})).Interface(),
		struct {
			N int `json:"n,string"`
		}{1},
		struct {
			T time.Time `json:"t,omitzero"`
		}{},
		struct{ odd }{odd{Loud: "a"}},
	} {
		same(t, fmt.Sprintf("%T", v), v)
	}
	circle := map[string]any{}
	circle["self"] = []any{circle}
	for _, v := range []any{math.NaN(), map[string]any{"a": []any{func() {}}}, circle, &brevoapi.SendEmailRequest{Params: map[string]any{"x": math.Inf(1)}}} {
		_, err := fastpath.AppendJSON(nil, v)
		assert.Error(t, err)
	}
}

// odd has what only encoding/json writes among what the writer knows.
type odd struct {
	Time  time.Time       `json:"time"`
	Loud  loud            `json:"loud,omitempty"`
	Louds []loud          `json:"louds"`
	Any   any             `json:"any"`
	Text  string          `json:"text,omitempty"`
	Raw   json.RawMessage `json:"raw,omitempty"`
	Zero  int             `json:"zero,omitempty"`
	Small float32         `json:"small"`
	Array [0]string       `json:"array,omitempty"`
}

// own writes itself.
type own struct{ text string }

func (o *own) AppendJSON(dst []byte) ([]byte, error) {
	return fastpath.AppendJSON(dst, []string{o.text})
}
func (o *own) MarshalJSON() ([]byte, error) { return o.AppendJSON(nil) }

// loud has a method of its pointer, which counts where there is a pointer.
type loud string

func (l *loud) MarshalJSON() ([]byte, error) { return json.Marshal(strings.ToUpper(string(*l))) }

// checkedMail has texts that need no look for broken UTF-8.
type checkedMail brevoapi.SendEmailRequest

func (*checkedMail) Checked() {}

// Bodies of all vendors are written as encoding/json writes them: with each field
// alone, with all of them, with none and with empty ones.
func TestBodies(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[brevoapi.SendEmailRequest](), reflect.TypeFor[checkedMail](), reflect.TypeFor[brevoapi.MessageVersion](),
		reflect.TypeFor[brevoapi.CreateContactRequest](), reflect.TypeFor[brevoapi.ImportContactsRequest](),
		reflect.TypeFor[pakatv3api.CreateContactRequest](), reflect.TypeFor[sendpulseapi.SendEmailRequest](),
	} {
		all := filled(t, typ)
		same(t, typ.String(), all.Interface())
		same(t, typ.String(), all.Addr().Interface())
		same(t, typ.String(), reflect.New(typ).Interface())
		empties := reflect.New(typ)
		for i := range all.NumField() {
			name := typ.String() + " with " + typ.Field(i).Name
			one := reflect.New(typ)
			one.Elem().Field(i).Set(all.Field(i))
			same(t, name, one.Interface())
			switch f := empties.Elem().Field(i); f.Kind() {
			case reflect.Pointer:
				f.Set(reflect.New(f.Type().Elem()))
			case reflect.Slice:
				f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			case reflect.Map:
				f.Set(reflect.MakeMap(f.Type()))
			}
		}
		same(t, typ.String()+" with empty parts", empties.Interface())
	}
}

// A text of a checked body that is broken all the same stays in its own quotes: only
// values that nobody looks into are read once more.
func TestCheckedReadsValues(t *testing.T) {
	same(t, "params", &checkedMail{Params: map[string]any{"a\xff": "\xff"}, Headers: map[string]string{"b": "\xff"}})
}

// filled is a value of type typ in which nothing is empty.
func filled(t *testing.T, typ reflect.Type) reflect.Value {
	t.Helper()
	v := reflect.New(typ).Elem()
	switch typ.Kind() {
	case reflect.String:
		v.SetString("<a href=\"x\">سفارش\u200c\u2028 &\t\\</a>")
	case reflect.Int64:
		v.SetInt(-42)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(0xfb)
	case reflect.Interface:
		v.Set(reflect.ValueOf(any(map[string]any{"z": []any{1.5, "x", nil, true}, "a": "<"})))
	case reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		v.Elem().Set(filled(t, typ.Elem()))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(typ, 2, 2))
		v.Index(0).Set(filled(t, typ.Elem()))
		v.Index(1).Set(filled(t, typ.Elem()))
	case reflect.Map:
		v.Set(reflect.MakeMap(typ))
		for i := range 3 {
			v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("%d<", 3-i)), filled(t, typ.Elem()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			v.Field(i).Set(filled(t, typ.Field(i).Type))
		}
	default:
		t.Fatalf("a %s is in a body: fill it", typ)
	}
	return v
}
