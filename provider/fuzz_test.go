package provider_test

import (
	"bytes"
	"encoding/json"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// What is written and read again is the same message, and the check says the
// same of both.
func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(fullMessage))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := provider.ParseMessage(data)
		if err != nil {
			require.ErrorIs(t, err, provider.ErrInvalid)
			return
		}
		written, err := json.Marshal(m)
		if err != nil {
			return // a time that JSON has no form for
		}
		again, err := provider.ParseMessage(written)
		require.NoError(t, err)
		rewritten, err := json.Marshal(again)
		require.NoError(t, err)
		assert.Equal(t, string(written), string(rewritten))
		assert.Equal(t, m.Validate() == nil, again.Validate() == nil)
	})
}

// A message or a change of a contact that was read holds the digits and the characters
// of the document, or was refused.
func FuzzDigits(f *testing.F) {
	for _, doc := range []string{
		fullMessage, `{"variables":{"order":9007199254740993,"x":12345678901234567890,"price":10.10}}`,
		`{"email":"a@example.com","fields":{"POINTS":9007199254740993,"T":["a"],"n":-0,"e":1E5}}`,
		`{"subject":"\ud83d\udc69","variables":{"a":"\\ud83d","\u0431":[1e999,{"b":0.10}]}}`, "\ufeff{\"subject\":\"\xc0\"}",
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := provider.ParseMessage(data); err == nil {
			sameValues(t, data, "variables", m.Variables, map[string]string{"subject": m.Subject, "html": m.HTML, "text": m.Text})
		}
		if c, err := provider.ParseContactChange(data); err == nil {
			sameValues(t, data, "fields", c.Fields, map[string]string{"email": c.Email, "phone": c.Phone.Value(), "first_name": c.FirstName.Value()})
		}
	})
}

// sameValues compares what was read with the members of the document.
func sameValues(t *testing.T, data []byte, name string, values map[string]any, texts map[string]string) {
	if !utf8.Valid(data) {
		t.Fatalf("%q was read", data)
	}
	generic := func(data []byte) any {
		dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		return v
	}
	doc, _ := generic(data).(map[string]any)
	written, err := json.Marshal(values)
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	if given, ok := doc[name].(map[string]any); ok && !reflect.DeepEqual(given, generic(written)) {
		t.Fatalf("%q became %q", data, written)
	}
	for field, text := range texts {
		if given, ok := doc[field].(string); ok && given != text {
			t.Fatalf("%s of %q became %q", field, data, text)
		}
	}
}

// An address that passes is read by net/mail as this one address, alone and in
// a header.
func FuzzCheckEmail(f *testing.F) {
	f.Fuzz(func(t *testing.T, email string) {
		err := provider.CheckEmail(email)
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		assert.LessOrEqual(t, len(email), 254)
		for _, text := range []string{email, "Anna <" + email + ">"} {
			list, err := mail.ParseAddressList(text)
			// net/mail takes no other dots and some letters nowhere: then no header is built from the address either.
			if err == nil && (len(list) != 1 || list[0].Address != email) {
				t.Fatalf("%q is read as %v", text, list)
			}
			if err != nil && !strings.ContainsFunc(email, func(r rune) bool { return r >= 0x80 }) {
				t.Fatalf("%q: %v", email, err)
			}
		}
	})
}

// A header that passes is one header of a mail and reads back as it is.
func FuzzHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, name, value string) {
		m := &provider.Message{
			To:   []provider.Address{{Email: "a@example.com"}},
			Text: "x", Subject: "x", Headers: map[string]string{name: value},
		}
		if err := m.Validate(); err != nil {
			require.ErrorIs(t, err, provider.ErrInvalid)
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		got, err := mail.ReadMessage(strings.NewReader("To: a@example.com\r\n" + name + ": " + value + "\r\nEnd: y\r\n\r\nbody"))
		require.NoError(t, err)
		require.Len(t, got.Header, 3)
		assert.Equal(t, []string{"a@example.com"}, got.Header["To"])
		assert.Equal(t, []string{strings.Trim(value, " \t")}, got.Header[textproto.CanonicalMIMEHeaderKey(name)])
	})
}

// A file name that passes stays in its folder and its part of a form.
func FuzzAttachmentName(f *testing.F) {
	f.Fuzz(func(t *testing.T, name string) {
		m := &provider.Message{
			To:   []provider.Address{{Email: "a@example.com"}},
			Text: "x", Subject: "x", Attachments: []provider.Attachment{{Name: name, Content: []byte("x")}},
		}
		if err := m.Validate(); err != nil {
			require.ErrorIs(t, err, provider.ErrInvalid)
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		assert.True(t, filepath.IsLocal(name))
		assert.Equal(t, name, filepath.Base(name))
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		_, err := w.CreateFormFile("file", name)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		part, err := multipart.NewReader(&b, w.Boundary()).NextRawPart()
		require.NoError(t, err)
		assert.Len(t, part.Header, 2)
		_, _, err = mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		require.NoError(t, err)
	})
}

// Contacts and receipts read back as they were written.
func FuzzContactJSON(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := provider.ParseContactChange(data); err == nil {
			written, err := json.Marshal(c)
			require.NoError(t, err)
			again, err := provider.ParseContactChange(written)
			require.NoError(t, err)
			if len(c.Fields) == 0 {
				c.Fields, again.Fields = nil, nil
			}
			if len(c.Lists) == 0 {
				c.Lists, again.Lists = nil, nil
			}
			assert.Equal(t, c, again)
		} else {
			require.ErrorIs(t, err, provider.ErrInvalid)
		}
		roundTrip[provider.Contact](t, data)
		roundTrip[provider.ContactReceipt](t, data)
		roundTrip[provider.Receipt](t, data)
	})
}

// roundTrip reads data as a T, when it is one, and writes it twice.
func roundTrip[T any](t *testing.T, data []byte) {
	var first, second T
	if json.Unmarshal(data, &first) != nil {
		return
	}
	one, err := json.Marshal(first)
	if err != nil {
		return // a time that JSON has no form for
	}
	require.NoError(t, json.Unmarshal(one, &second), "%s", one)
	two, err := json.Marshal(second)
	require.NoError(t, err)
	if !reflect.DeepEqual(one, two) {
		t.Fatalf("%s became %s", one, two)
	}
}
