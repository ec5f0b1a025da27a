package brevo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
)

// A mail's own JSON is what encoding/json writes, with each field of the
// generated types alone and with all of them: a field that the spec gets is
// either written or fails here.
func TestEmailBody(t *testing.T) {
	all := filled(t, reflect.TypeFor[brevoapi.SendEmailRequest]())
	same(t, "all", all.Interface().(brevoapi.SendEmailRequest))
	for i := range all.NumField() {
		var one brevoapi.SendEmailRequest
		reflect.ValueOf(&one).Elem().Field(i).Set(all.Field(i))
		same(t, all.Type().Field(i).Name, one)
	}
	version := filled(t, reflect.TypeFor[brevoapi.MessageVersion]())
	for i := range version.NumField() {
		var one brevoapi.MessageVersion
		reflect.ValueOf(&one).Elem().Field(i).Set(version.Field(i))
		same(t, "version with "+version.Type().Field(i).Name, brevoapi.SendEmailRequest{MessageVersions: []brevoapi.MessageVersion{one, {To: []brevoapi.EmailAddress{{}}}}})
	}
	same(t, "nothing", brevoapi.SendEmailRequest{})
	same(t, "empty parts", brevoapi.SendEmailRequest{
		Sender: &brevoapi.EmailSender{}, Attachment: []brevoapi.EmailAttachment{{}, {Content: []byte{}}},
		Subject: new(""), Params: map[string]any{}, Headers: map[string]string{}, Tags: []string{},
	})
	for _, params := range []map[string]any{{"x": math.Inf(1)}, {"x": func() {}}} {
		_, err := (&emailBody{Params: params}).AppendJSON(nil)
		assert.Error(t, err)
	}
}

func same(t *testing.T, name string, body brevoapi.SendEmailRequest) {
	t.Helper()
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(body), name)
	got, err := (*emailBody)(&body).AppendJSON(nil)
	require.NoError(t, err, name)
	assert.Equal(t, want.String(), string(got)+"\n", name)
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
		t.Fatalf("a %s is in the body of a mail: write it in AppendJSON", typ)
	}
	return v
}
