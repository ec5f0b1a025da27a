package form

import (
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type fileValue struct{ File }

func (f fileValue) FormFile() File { return f.File }

type item struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

type state string

type body struct {
	To                   string            `json:"email[to]"`
	Body                 []byte            `json:"email[body],omitempty"`
	Plain                *string           `json:"email[plain],omitempty"`
	Params               map[string]string `json:"email[params],omitempty"`
	Items                []item            `json:"email[attachments],omitempty"`
	List                 []any             `json:"list,omitempty"`
	Flag                 *bool             `json:"flag,omitempty"`
	N                    *int64            `json:"n,omitempty"`
	F                    float64           `json:"f,omitempty"`
	State                *state            `json:"state,omitempty"`
	File                 *fileValue        `json:"file,omitempty"`
	Emptied              []string          `json:"emptied,omitzero"`
	AdditionalProperties map[string]string `json:"-"`
}

func pairs(t *testing.T, v any) []string {
	t.Helper()
	fields, err := Fields(v)
	require.NoError(t, err)
	var out []string
	for _, f := range fields {
		out = append(out, f.Name+"="+f.Value)
	}
	return out
}

func TestFields(t *testing.T) {
	assert.Equal(t, []string{"email[to]="}, pairs(t, body{}), "a field without omitempty is sent empty, all others are not sent")
	assert.Equal(t, []string{
		"email[to]=a@b.example",
		"email[body]=PHA+2LPZhNin2YU8L3A+", // base64 of <p>سلام</p>
		"email[plain]=",
		"email[params][a]=1", "email[params][b]=2",
		"email[attachments][0][name]=a.txt", "email[attachments][0][data]=YQ==",
		"email[attachments][1][name]=b.txt", "email[attachments][1][data]=Yg==",
		"list[0]=x@y.example", "list[1][name]=n", "list[1][data]=",
		"flag=false", "n=0", "f=1.5", "state=on",
		"CITY=Tehran", "FNAME=نگار",
	}, pairs(t, &body{
		To: "a@b.example", Body: []byte("<p>سلام</p>"), Plain: new(""),
		Params: map[string]string{"b": "2", "a": "1"},
		Items:  []item{{"a.txt", []byte("a")}, {"b.txt", []byte("b")}},
		List:   []any{"x@y.example", item{Name: "n"}},
		Flag:   new(false), N: new(int64(0)), F: 1.5, State: new(state("on")),
		AdditionalProperties: map[string]string{"FNAME": "نگار", "CITY": "Tehran"},
	}))
	assert.Equal(t, []string{"a=1"}, pairs(t, map[string]any{"a": 1, "b": nil}))
	assert.Empty(t, pairs(t, (*body)(nil)))
}

func TestFieldsRefusesWhatAFormCannotHold(t *testing.T) {
	for _, v := range []any{"text", struct {
		C chan int `json:"c"`
	}{make(chan int)}, struct {
		M map[int]string `json:"m"`
	}{map[int]string{1: "x"}}} {
		_, err := Fields(v)
		assert.Error(t, err)
	}
}

func TestURLEncodeKeepsOrder(t *testing.T) {
	assert.Equal(t, "b%5B0%5D=1+%26&a=%D0%B6", string(URLEncode([]Field{{Name: "b[0]", Value: "1 &"}, {Name: "a", Value: "ж"}})))
}

func TestMultipart(t *testing.T) {
	fields, err := Fields(body{To: "a@b.example", File: &fileValue{File{Name: "گزارش \"1\".pdf", ContentType: "application/pdf", Content: []byte("%PDF")}}})
	require.NoError(t, err)
	assert.True(t, HasFile(fields))
	data, contentType, err := Multipart(fields)
	require.NoError(t, err)
	_, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	r := multipart.NewReader(strings.NewReader(string(data)), params["boundary"])
	part, err := r.NextPart()
	require.NoError(t, err)
	assert.Equal(t, "email[to]", part.FormName())
	part, err = r.NextPart()
	require.NoError(t, err)
	assert.Equal(t, "file", part.FormName())
	assert.Equal(t, "application/pdf", part.Header.Get("Content-Type"))
	assert.Equal(t, `گزارش "1".pdf`, part.FileName())
	content, err := io.ReadAll(part)
	require.NoError(t, err)
	assert.Equal(t, "%PDF", string(content))
	_, err = r.NextPart()
	assert.ErrorIs(t, err, io.EOF)
}

func FuzzFields(f *testing.F) {
	f.Add("a", "b")
	f.Add("\r\nX: y", "--boundary")
	f.Fuzz(func(t *testing.T, name, value string) {
		data, contentType, err := Multipart([]Field{{Name: name, Value: value}, {Name: "f", File: &File{Name: name, ContentType: "text/plain", Content: []byte(value)}}})
		if err != nil {
			return
		}
		_, params, err := mime.ParseMediaType(contentType)
		require.NoError(t, err)
		r := multipart.NewReader(strings.NewReader(string(data)), params["boundary"])
		for range 2 {
			part, err := r.NextRawPart()
			require.NoError(t, err)
			content, err := io.ReadAll(part)
			require.NoError(t, err)
			assert.Equal(t, value, string(content))
		}
	})
}
