package rest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/rest"
)

func TestPath(t *testing.T) {
	call := rest.Call{Route: "/contacts/{id}/lists/{list}", Segments: []string{"a/b@c.example", "سلام"}}
	path, err := call.Path()
	require.NoError(t, err)
	assert.Equal(t, "/contacts/a%2Fb%40c.example/lists/%D8%B3%D9%84%D8%A7%D9%85", path)
	for _, bad := range []string{"", ".", "..", "a\nb", "a\x00", "\x7f", "\u0085", "a\u2028", "\xff", "../x", "a/../b", `a\..`, "./a"} {
		_, err := (&rest.Call{Route: "/contacts/{id}", Segments: []string{bad}}).Path()
		var p *rest.ParamError
		require.ErrorAs(t, err, &p, "%q", bad)
		assert.Equal(t, "id", p.Name)
	}
	_, err = (&rest.Call{Route: "/contacts", Segments: []string{"x"}}).Path()
	assert.Error(t, err)
}

func TestQueryStyles(t *testing.T) {
	type color string
	var call rest.Call
	rest.Query(&call, "form", true, "absent", (*string)(nil))
	rest.Query(&call, "form", true, "none", []int64(nil))
	rest.Query(&call, "form", true, "q", new("a b&c"))
	rest.Query(&call, "form", true, "limit", new(int64(0)))
	rest.Query(&call, "form", true, "color", new(color("red")))
	rest.Query(&call, "form", true, "ids", []int64{3, 1})
	rest.Query(&call, "form", false, "csv", []string{"a", "b"})
	rest.Query(&call, "form", true, "flag", true)
	rest.Query(&call, "deepObject", true, "names", []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"})
	url, err := call.URL("https://x.example")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(url, "https://x.example?q=a+b%26c&limit=0&color=red&ids=3&ids=1&csv=a%2Cb&flag=true&names%5B0%5D=a"), url)
	assert.Less(t, strings.Index(url, "names%5B2%5D"), strings.Index(url, "names%5B10%5D"), "indexes stay in order")
}

func TestEncodeDoesNotEscapeHTML(t *testing.T) {
	call := rest.Call{Kind: rest.JSON, Body: map[string]string{"html": "<p>&</p>"}}
	body, contentType, err := call.Encode()
	require.NoError(t, err)
	assert.Equal(t, `{"html":"<p>&</p>"}`, string(body))
	assert.Equal(t, "application/json", contentType)
}

func TestFormWithFileIsMultipart(t *testing.T) {
	type upload struct {
		A string     `json:"a"`
		F *rest.File `json:"f,omitempty"`
	}
	call := rest.Call{Kind: rest.Formdata, Body: &upload{A: "x"}, Form: []rest.Param{{Name: "token", Value: "t"}}}
	body, contentType, err := call.Encode()
	require.NoError(t, err)
	assert.Equal(t, "token=t&a=x", string(body))
	assert.Equal(t, "application/x-www-form-urlencoded", contentType)
	call.Body = &upload{A: "x", F: &rest.File{Name: "f.txt", Content: []byte("hello")}}
	body, contentType, err = call.Encode()
	require.NoError(t, err)
	assert.Contains(t, contentType, "multipart/form-data")
	assert.Contains(t, string(body), "hello")
}

func TestPlain(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request", "7")
		if r.URL.Path == "/v3/contacts/gone@x.example" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code":"document_not_found"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"email":%q,"id":5}`, r.URL.Path)
	}))
	defer srv.Close()
	api := brevoapi.NewClient(rest.Plain(srv.URL+"/v3", nil))
	var reply rest.Reply
	contact, err := api.GetContact(t.Context(), "a@x.example", nil, rest.WithReply(&reply), rest.WithQuery("extra", "1"), rest.WithHeader("X-Own", "2"))
	require.NoError(t, err)
	assert.Equal(t, int64(5), contact.ID)
	assert.Equal(t, "7", reply.Header.Get("X-Request"))
	_, err = api.GetContact(t.Context(), "gone@x.example", nil, rest.WithReply(&reply))
	var status *rest.StatusError
	require.ErrorAs(t, err, &status)
	assert.Equal(t, 404, status.Reply.Status)
	assert.Equal(t, 404, reply.Status, "the reply is there beside an error too")
	_, err = api.GetContact(t.Context(), "..", nil)
	var param *rest.ParamError
	assert.ErrorAs(t, err, &param)
}

func TestSecretNeverPrints(t *testing.T) {
	const planted = "PLANTED-4711"
	var answer struct{ Key rest.Secret }
	require.NoError(t, json.Unmarshal([]byte(`{"Key":"`+planted+`"}`), &answer))
	assert.Equal(t, planted, answer.Key.Reveal())
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", answer, &answer, []rest.Secret{answer.Key})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "answer", answer, "key", answer.Key)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "answer", answer, "key", answer.Key)
	data, err := json.Marshal(map[string]any{"a": answer, "k": answer.Key})
	require.NoError(t, err)
	out.Write(data)
	assert.NotContains(t, out.String(), planted)
	assert.NotContains(t, out.String(), fmt.Sprintf("%x", planted))
	assert.Contains(t, out.String(), "REDACTED")
}
