package sandbox

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// formSpec has every shape that the forms of the vendors have.
const formSpec = `
openapi: 3.1.0
info: {title: forms, version: '1'}
paths: {}
components:
  schemas:
    Form:
      type: object
      required: ['email[to]']
      properties:
        'email[to]': {type: string}
        'email[body]': {type: string, format: byte}
        'email[params]': {type: object, additionalProperties: {type: string}}
        'email[attachments]': {type: array, items: {$ref: '#/components/schemas/Part'}}
        count: {type: integer}
        rate: {type: number}
        open: {type: boolean}
        file: {type: string, format: binary}
        tags: {type: array, items: {type: string}}
        list:
          type: array
          items: {type: [string, object], allOf: [{$ref: '#/components/schemas/Personal'}]}
        rows: {type: array, items: {type: array, items: {type: string}}}
    Open:
      type: object
      properties: {EMAIL: {type: string}, 'details[status]': {type: string}}
      additionalProperties: {type: string}
    Part:
      type: object
      required: [name]
      properties: {name: {type: string}, size: {type: integer}}
    Personal:
      required: [email]
      properties: {email: {type: string}}
`

func formSchema(t *testing.T, name string) *openapi3.Schema {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(formSpec))
	require.NoError(t, err)
	newSpec(doc)
	return doc.Components.Schemas[name].Value
}

func TestFold(t *testing.T) {
	type m = map[string]any
	type l = []any
	tests := map[string]struct {
		schema, form string
		want         any
		problem      string // empty: allowed
	}{
		"bracketed names":    {"Form", "email[to]=a@b", m{"email[to]": "a@b"}, ""},
		"map":                {"Form", "email[to]=a&email[params][x]=1&email[params][y]=", m{"email[to]": "a", "email[params]": m{"x": "1", "y": ""}}, ""},
		"list of objects":    {"Form", "email[to]=a&email[attachments][0][name]=n&email[attachments][1][name]=o&email[attachments][1][size]=7", m{"email[to]": "a", "email[attachments]": l{m{"name": "n"}, m{"name": "o", "size": 7.0}}}, ""},
		"scalars":            {"Form", "email[to]=a&count=3&rate=1.5&open=true", m{"email[to]": "a", "count": 3.0, "rate": 1.5, "open": true}, ""},
		"list":               {"Form", "email[to]=a&tags[0]=x&tags[1]=y", m{"email[to]": "a", "tags": l{"x", "y"}}, ""},
		"list without index": {"Form", "email[to]=a&tags[]=x&tags[]=y", m{"email[to]": "a", "tags": l{"x", "y"}}, ""},
		"list of lists":      {"Form", "email[to]=a&rows[0][0]=x&rows[0][1]=y", m{"email[to]": "a", "rows": l{l{"x", "y"}}}, ""},
		"texts or objects":   {"Form", "email[to]=a&list[0]=x@y&list[1][email]=z", m{"email[to]": "a", "list": l{"x@y", m{"email": "z"}}}, ""},
		"free names":         {"Open", "EMAIL=a&CITY=b&details[status]=c", m{"EMAIL": "a", "CITY": "b", "details[status]": "c"}, ""},
		"free container":     {"Open", "EMAIL=a&CITY[0]=b", nil, "value must be a string"},
		"base64":             {"Form", "email[to]=a&email[body]=QUI%3D", m{"email[to]": "a", "email[body]": "QUI="}, ""},
		"not base64":         {"Form", "email[to]=a&email[body]=QUI", nil, "not base64"},
		"not an integer":     {"Form", "email[to]=a&count=three", nil, "/count"},
		"not a boolean":      {"Form", "email[to]=a&open=1", nil, "/open"},
		"missing":            {"Form", "count=3", nil, `"email[to]" is missing`},
		"unknown":            {"Form", "email[to]=a&subject=x", nil, `"subject" is unsupported`},
		"unknown in a list":  {"Form", "email[to]=a&email[attachments][0][name]=n&email[attachments][0][nome]=n", nil, `"nome" is unsupported`},
		"missing in allOf":   {"Form", "email[to]=a&list[0][subject]=x", nil, "/list/0"},
		"twice":              {"Form", "email[to]=a&email[to]=b", nil, "given twice"},
		"value and list":     {"Form", "email[to]=a&tags=x&tags[0]=y", nil, "both a value and a container"},
		"gap":                {"Form", "email[to]=a&tags[0]=x&tags[2]=y", nil, "a list with the keys 0 2"},
		"bad brackets":       {"Form", "email[to]=a&tags[0=x", nil, `"tags[0" is unsupported`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			schema := formSchema(t, tt.schema)
			got, found := fold(parseQuery(tt.form), schema)
			found = append(found, problems(schema.VisitJSON(any(got), openapi3.MultiErrors()))...)
			if tt.problem == "" {
				assert.Empty(t, found)
				assert.Equal(t, tt.want, got)
				return
			}
			require.NotEmpty(t, found)
			assert.Contains(t, found[0], tt.problem)
		})
	}
}

func TestParseMultipart(t *testing.T) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	require.NoError(t, w.WriteField("email[to]", "a"))
	part, err := w.CreateFormFile("file", "счёт.pdf")
	require.NoError(t, err)
	_, err = part.Write([]byte{0, 1, 2})
	require.NoError(t, err)
	require.NoError(t, w.Close())

	fields, err := parseForm(w.FormDataContentType(), buf.Bytes())
	require.NoError(t, err)
	assert.Equal(t, []Field{
		{Name: "email[to]", Value: "a"},
		{Name: "file", Value: "\x00\x01\x02", Filename: "счёт.pdf", ContentType: "application/octet-stream"},
	}, fields)
	value, found := fold(fields, formSchema(t, "Form"))
	assert.Empty(t, found)
	assert.Equal(t, "\x00\x01\x02", value["file"])

	fields[1].Name = "tags[0]"
	_, found = fold(fields, formSchema(t, "Form"))
	assert.Equal(t, []string{"field tags[0]: a file where the spec has none"}, found)

	_, err = parseForm(w.FormDataContentType(), buf.Bytes()[:buf.Len()-20])
	assert.Error(t, err)
}

// The two lists that SMS.by takes in the query are folded like forms.
func TestDeepObjectParameters(t *testing.T) {
	s := New(t)
	c := brevoClient(t, s)
	c.base = s.BaseURL("smsby")
	var form map[string]any
	s.states["smsby"].handlers = map[string]handler{"importContacts": func(c *call) answer {
		form = c.form
		return answer{status: 200, body: map[string]any{"status": "OK", "result": map[string]any{"inserted": 1, "updated": 0, "invalid": 0, "log": []any{}}}}
	}}
	path := "/api/v2/importContacts?token=" + Key("smsby") + "&list_id=55&field_names[0]=email&field_names[1]=name"
	c.call(200, "POST", path+"&data[0][0]=a@b.by&data[0][1]=Anna", "")
	assert.Equal(t, map[string]any{"field_names": []any{"email", "name"}, "data": []any{[]any{"a@b.by", "Anna"}}}, form)
	assert.Empty(t, s.Violations())
	c.call(400, "POST", path, "")
	v := s.Violations()
	require.Len(t, v, 1)
	assert.Contains(t, v[0].What, `"data" is missing`)
}

// Form bodies reach the handler folded, and the record in order.
func TestFormBodies(t *testing.T) {
	s := New(t)
	var form map[string]any
	s.states["smsby"].handlers = map[string]handler{"sendEmail": func(c *call) answer {
		form = c.form
		return answer{status: 200, body: map[string]any{"status": "OK", "result": map[string]any{"email_id": 7}}}
	}}
	c := brevoClient(t, s)
	c.base = s.BaseURL("smsby") + "/api/v2/sendEmail"
	post := func(status int, contentType, body string) {
		t.Helper()
		c.more = http.Header{"Content-Type": {contentType}}
		c.call(status, "POST", "", body)
	}
	fields := "token=" + Key("smsby") + "&sender_email=shop%40example.by&email=anna%40example.by&subject=S&message=M"
	post(200, typeForm, fields)
	assert.Equal(t, "anna@example.by", form["email"])
	rec := s.Requests("smsby")[0]
	require.Len(t, rec.Fields, 5)
	assert.Equal(t, Field{Name: "message", Value: "M"}, rec.Fields[4])
	post(200, typeMultipart+"; boundary=x", multipartBody("x", fields))
	require.Empty(t, s.Violations())

	post(400, typeForm, fields+"&sujbect=S")
	post(400, typeForm, "a=%zz")
	post(400, typeMultipart+"; boundary=x", "--x\r\n")
	post(400, "text/plain", fields)
	post(400, "", "")
	var what []string
	for _, v := range s.Violations() {
		what = append(what, v.What)
	}
	require.Len(t, what, 5)
	assert.Contains(t, what[0], `"sujbect" is unsupported`)
	assert.Contains(t, what[1], "the form does not parse")
	assert.Contains(t, what[2], "the form does not parse")
	assert.Contains(t, what[3], "the content type is not in the spec")
	assert.Contains(t, what[4], "the body is missing")
}

func multipartBody(boundary, fields string) string {
	var b strings.Builder
	for _, f := range parseQuery(fields) {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, f.Name, f.Value)
	}
	return b.String() + "--" + boundary + "--\r\n"
}
