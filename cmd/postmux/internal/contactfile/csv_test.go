package contactfile

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestCSV(t *testing.T) {
	rows, err := readCSV([]byte("\ufeffemail,phone,external_id,first_name,last_name,lists,status,field.CITY\r\n" +
		"anna@example.by,'+375291234567,u-1,Анна,\"Иванова, ст.\",newsletter; id:4,unsubscribed,Минск\r\n" +
		"sara@example.ir,,,سارا,,,,'=1+1\r\n" +
		"bob@example.com,,,'tis,O'Neill,,,'\r\n"))
	require.NoError(t, err)
	assert.Equal(t, []provider.ContactChange{
		{
			Email: "anna@example.by", Phone: provider.ChangeTo("+375291234567"), ExternalID: provider.ChangeTo("u-1"),
			FirstName: provider.ChangeTo("Анна"), LastName: provider.ChangeTo("Иванова, ст."), Fields: map[string]any{"CITY": "Минск"},
			Lists: []provider.Ref{{Alias: "newsletter"}, {ID: "4"}}, Status: provider.StatusUnsubscribed,
		},
		{Email: "sara@example.ir", FirstName: provider.ChangeTo("سارا"), Fields: map[string]any{"CITY": "=1+1"}},
		{Email: "bob@example.com", FirstName: provider.ChangeTo("'tis"), LastName: provider.ChangeTo("O'Neill"), Fields: map[string]any{"CITY": "'"}},
	}, rows)
}

func TestCSVRefused(t *testing.T) {
	for _, tc := range []struct{ what, text, want string }{
		{"empty", "", "found an empty file"},
		{"unknown column", "email,Name\n", `unknown column "Name"; known: email, phone, external_id, first_name, last_name, lists, status, field.NAME`},
		{"blank in the name", "email, phone\n", `unknown column " phone"`},
		{"semicolons", "email;phone\n", `unknown column "email;phone"; known: email, phone, external_id, first_name, last_name, lists, status, field.NAME; the cells are separated by commas`},
		{"field without a name", "email,field.\n", `unknown column "field."`},
		{"column twice", "email,phone,phone\n", `the column "phone" stands twice`},
		{"no address", "phone\n", "the column email is missing"},
		{"not UTF-8", "email\n\xff@example.com\n", "expected a CSV file in UTF-8"},
		{"cells", "email,phone\na@example.com\nb@example.com,1\nc@example.com,1,2\n", "the file has problems:\n  line 2: expected 2 cells, got 1\n  line 4: expected 2 cells, got 3"},
		{"quote", "email,phone\na@example.com,\"x\"y\n", `line 2: extraneous or missing " in quoted-field`},
		{"empty list", "email,lists\na@example.com,a;;b\n", `line 2: lists: expected names separated by ;, got "a;;b"`},
	} {
		t.Run(tc.what, func(t *testing.T) {
			_, err := readCSV([]byte(tc.text))
			require.Error(t, err)
			assert.Contains(t, err.Error(), tc.want)
		})
	}
}

func TestUnguard(t *testing.T) {
	for in, want := range map[string]string{
		"'=1": "=1", "'@x": "@x", "'\tx": "\tx", "'\rx": "\rx", "'+98": "+98", "'-1": "-1",
		"'": "'", "''=": "'=", "'x": "'x", "=1": "=1", "": "", "O'Neill": "O'Neill",
	} {
		assert.Equal(t, want, unguard(in), "%q", in)
	}
}

// Every text of a contact change is a column and a flag, and what a file has of it
// gets into the change.
func TestOwnFields(t *testing.T) {
	text := reflect.TypeFor[provider.Change[string]]()
	var names []string
	var change provider.ContactChange
	for i, f := range reflect.VisibleFields(reflect.TypeOf(change)) {
		if f.Type != text {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		own := OwnFieldIn(&change, name)
		require.NotNil(t, own, "ownFields has no %s", name)
		assert.Same(t, reflect.ValueOf(&change).Elem().Field(i).Addr().Interface(), own, name)

		var c provider.Contact
		require.NoError(t, json.Unmarshal(fmt.Appendf(nil, "{%q:\"x\"}", name), &c))
		k := slices.IndexFunc(OwnFields, func(o OwnField) bool { return o.Name == name })
		assert.Equal(t, "x", OwnFields[k].Of(&c), name)
	}
	assert.ElementsMatch(t, names, OwnNames())
}

func TestJSONL(t *testing.T) {
	rows, err := readJSONL([]byte(`{"email":"a@example.com","phone":null,"fields":{"AGE":42,"OLD":null},"lists":[{"alias":"newsletter"}]}` + "\n\n" +
		`{"email":"b@example.com","first_name":"سارا"}`))
	require.NoError(t, err)
	assert.Equal(t, []provider.ContactChange{
		{Email: "a@example.com", Phone: provider.ChangeToNone[string](), Fields: map[string]any{"AGE": 42.0, "OLD": nil}, Lists: []provider.Ref{{Alias: "newsletter"}}},
		{Email: "b@example.com", FirstName: provider.ChangeTo("سارا")},
	}, rows)

	_, err = readJSONL([]byte(`{"email":"a@example.com","mail":1}` + "\n" + `{"email":1}` + "\n" + `{"email":"c@example.com"} x` + "\n" + `{`))
	require.Error(t, err)
	for _, want := range []string{"line 1: mail: unknown key", "line 2: email: expected a text, got a number", "line 3: expected one JSON document", "line 4: expected a JSON document"} {
		assert.Contains(t, err.Error(), want)
	}
}

func readCSV(data []byte) ([]provider.ContactChange, error)   { return Read("a.csv", data) }
func readJSONL(data []byte) ([]provider.ContactChange, error) { return Read("a.jsonl", data) }
