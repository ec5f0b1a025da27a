package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/rest"
)

// wirePath records the path of a request as it was written.
type wirePath struct{ doer rest.Doer }

func (w wirePath) Do(ctx context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	call.Kind, call.Body, call.Query = "", nil, nil // none of this test's business
	return w.doer.Do(ctx, call, new(rest.Empty))
}

// structOf is t if it is a struct, else one without fields.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Struct {
		return t
	}
	return reflect.TypeFor[struct{}]()
}

// A value in a path is one segment, and a server that decodes it, also as a form, has
// the value again: all but letters, digits and -_.~ is escaped.
func TestPathValues(t *testing.T) {
	const plain = "-_.~"
	values := []struct{ name, value, wire string }{
		{name: "plus", value: "anna+shop@example.com", wire: "anna%2Bshop%40example.com"},
		{name: "slash", value: "a/b", wire: "a%2Fb"},
		{name: "blank and percent", value: "50% off", wire: "50%25%20off"},
		{name: "of queries", value: "a?b=c&d#e;f", wire: "a%3Fb%3Dc%26d%23e%3Bf"},
		{name: "of sub-delimiters", value: "!$'()*,:[]", wire: "%21%24%27%28%29%2A%2C%3A%5B%5D"},
		{name: "id of a mail", value: "<1.2@example.com>", wire: "%3C1.2%40example.com%3E"},
		{name: "letters beyond ASCII", value: "ж", wire: "%D0%B6"},
		{name: "plain", value: "a" + plain + "9", wire: "a" + plain + "9"},
	}
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.RequestURI
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(srv.Close)
	param := regexp.MustCompile(`\{[^}]*\}`)
	rows, operationsWithPath := 0, 0
	for vendor, doc := range specs(t) {
		for _, op := range operations(vendor, doc) {
			places := param.FindAllString(op.path, -1)
			if len(places) == 0 {
				continue
			}
			operationsWithPath++
			client := reflect.ValueOf(bindingOf(t, vendor).client(wirePath{rest.Plain(srv.URL, nil)}))
			var call reflect.Value
			for i := range client.NumMethod() {
				if strings.EqualFold(client.Type().Method(i).Name, op.OperationID) {
					call = client.Method(i)
				}
			}
			require.True(t, call.IsValid(), op.OperationID)
			for _, v := range values {
				rows++
				in := []reflect.Value{reflect.ValueOf(t.Context())}
				want := op.path
				for i := 1; i < call.Type().NumIn()-1; i++ {
					arg := reflect.New(call.Type().In(i)).Elem()
					if len(in) <= len(places) {
						switch arg.Kind() {
						case reflect.String:
							arg.SetString(v.value)
							want = strings.Replace(want, places[len(in)-1], v.wire, 1)
						case reflect.Int64:
							arg.SetInt(42)
							want = strings.Replace(want, places[len(in)-1], "42", 1)
						default:
							require.Failf(t, "a path parameter of another type", "%s: %s", op.OperationID, arg.Type())
						}
					}
					for _, f := range reflect.VisibleFields(structOf(arg.Type())) {
						x := "x" // some must name somebody
						for _, v := range []reflect.Value{reflect.ValueOf(x), reflect.ValueOf(&x), reflect.ValueOf([]string{x})} {
							if f.Type == v.Type() {
								arg.FieldByIndex(f.Index).Set(v)
							}
						}
					}
					in = append(in, arg)
				}
				got = ""
				out := call.Call(in)
				err, _ := out[1].Interface().(error)
				require.NoError(t, err, op.OperationID)
				assert.Equal(t, want, got, "%s: %s", op.OperationID, v.name)
			}
		}
	}
	require.NotZero(t, rows)
	t.Logf("%d values in the paths of %d operations", rows, operationsWithPath)
}
