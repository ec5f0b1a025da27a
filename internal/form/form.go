// Package form encodes structs as bracketed form bodies, the dialect of PHP
// servers: a field's json tag is its name as written in the spec, a list in it
// becomes name[0], a map name[key], a struct in a list name[0][field].
//
// The generator's own encoder is not used: it writes base64 fields as lists of
// bytes, drops times, and turns nested maps into text.
package form

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Field is one field of a form; File is set for file parts.
type Field struct {
	Name, Value string
	File        *File
}

// File is a file part.
type File struct {
	Name, ContentType string
	Content           []byte
}

// Filer is a value that is a file part.
type Filer interface{ FormFile() File }

// Fields flattens body, a struct or a pointer to one, in the order of its
// fields. Nil pointers, nil containers and fields tagged omitempty that are
// empty are left out. An untagged map field named AdditionalProperties adds
// its keys as they are.
func Fields(body any) ([]Field, error) {
	var e encoder
	rv := reflect.ValueOf(body)
	for rv.Kind() == reflect.Pointer || rv.Kind() == reflect.Interface {
		if rv.IsNil() {
			return nil, nil
		}
		rv = rv.Elem()
	}
	switch rv.Kind() {
	case reflect.Struct:
		err := e.structure(rv, func(tag string) string { return tag })
		return e.fields, err
	case reflect.Map:
		err := e.mapping(rv, func(key string) string { return key })
		return e.fields, err
	case reflect.Invalid:
		return nil, nil
	}
	return nil, fmt.Errorf("a form body is a struct or a map, not %s", rv.Kind())
}

type encoder struct{ fields []Field }

func (e *encoder) structure(rv reflect.Value, name func(string) string) error {
	t := rv.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		tag, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "-" {
			if f.Name == "AdditionalProperties" {
				if err := e.mapping(rv.Field(i), name); err != nil {
					return err
				}
			}
			continue
		}
		if strings.Contains(opts, "omitempty") && empty(rv.Field(i)) {
			continue
		}
		if strings.Contains(opts, "omitzero") && rv.Field(i).IsZero() {
			continue
		}
		if err := e.value(name(tag), rv.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", tag, err)
		}
	}
	return nil
}

func (e *encoder) mapping(rv reflect.Value, name func(string) string) error {
	if rv.Kind() != reflect.Map || rv.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("a form cannot hold %s", rv.Type())
	}
	keys := rv.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		if err := e.value(name(k.String()), rv.MapIndex(k)); err != nil {
			return fmt.Errorf("%s: %w", k.String(), err)
		}
	}
	return nil
}

func (e *encoder) value(name string, rv reflect.Value) error {
	for rv.Kind() == reflect.Pointer || rv.Kind() == reflect.Interface {
		if rv.IsNil() {
			return nil
		}
		rv = rv.Elem()
	}
	if f, ok := rv.Interface().(Filer); ok {
		file := f.FormFile()
		e.fields = append(e.fields, Field{Name: name, File: &file})
		return nil
	}
	in := func(key string) string { return name + "[" + key + "]" }
	switch rv.Kind() {
	case reflect.String:
		e.add(name, rv.String())
	case reflect.Bool:
		e.add(name, strconv.FormatBool(rv.Bool()))
	case reflect.Int, reflect.Int64, reflect.Int32:
		e.add(name, strconv.FormatInt(rv.Int(), 10))
	case reflect.Float64, reflect.Float32:
		e.add(name, strconv.FormatFloat(rv.Float(), 'f', -1, 64))
	case reflect.Slice:
		if rv.Type().Elem().Kind() == reflect.Uint8 {
			e.add(name, base64.StdEncoding.EncodeToString(rv.Bytes()))
			return nil
		}
		for i := range rv.Len() {
			if err := e.value(in(strconv.Itoa(i)), rv.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		return e.mapping(rv, in)
	case reflect.Struct:
		return e.structure(rv, in)
	default:
		return fmt.Errorf("a form cannot hold %s", rv.Type())
	}
	return nil
}

func (e *encoder) add(name, value string) {
	e.fields = append(e.fields, Field{Name: name, Value: value})
}

// empty is encoding/json's rule for omitempty.
func empty(rv reflect.Value) bool {
	switch rv.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return rv.Len() == 0
	case reflect.Struct:
		return false
	}
	return rv.IsZero()
}

// URLEncode writes fields as application/x-www-form-urlencoded, keeping their order.
func URLEncode(fields []Field) []byte {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(f.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(f.Value))
	}
	return []byte(b.String())
}

// HasFile reports whether a field is a file part.
func HasFile(fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool { return f.File != nil })
}

// Multipart writes fields as multipart/form-data.
func Multipart(fields []Field) (body []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		if f.File == nil {
			if err := w.WriteField(f.Name, f.Value); err != nil {
				return nil, "", err
			}
			continue
		}
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", multipart.FileContentDisposition(f.Name, f.File.Name))
		ct := f.File.ContentType
		if ct == "" {
			ct = "application/octet-stream"
		}
		h.Set("Content-Type", ct)
		part, err := w.CreatePart(h)
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(f.File.Content); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}
