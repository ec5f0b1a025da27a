package rest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/form"
)

// File is one file of a multipart body.
type File struct {
	Name        string
	ContentType string // empty means application/octet-stream
	Content     []byte
}

// FormFile returns the file part of a form body.
func (f File) FormFile() form.File {
	return form.File{Name: f.Name, ContentType: f.ContentType, Content: f.Content}
}

// Encode returns the body and its content type; both are empty when the call has no body.
func (c *Call) Encode() (body []byte, contentType string, err error) { return c.AppendBody(nil) }

// AppendBody is Encode that appends to dst, where that is possible. A body that is
// an [Appender] writes its own JSON, others are encoded by encoding/json without
// escapes for HTML.
func (c *Call) AppendBody(dst []byte) (body []byte, contentType string, err error) {
	switch c.Kind {
	case "":
		return nil, "", nil
	case JSON:
		body, err := c.appendJSON(dst)
		if err != nil {
			return nil, "", &ParamError{Name: "body", Why: "cannot be encoded: " + err.Error()}
		}
		return body, "application/json", nil
	case Formdata, Multipart:
		fields, err := c.FormFields()
		if err != nil {
			return nil, "", err
		}
		// An urlencoded body cannot mark a field as a file.
		if c.Kind == Formdata && !form.HasFile(fields) {
			return form.URLEncode(fields), "application/x-www-form-urlencoded", nil
		}
		return form.Multipart(fields)
	}
	return nil, "", fmt.Errorf("rest: body kind %q is not known", c.Kind)
}

func (c *Call) appendJSON(dst []byte) ([]byte, error) {
	if own, ok := c.Body.(Appender); ok {
		return own.AppendJSON(dst)
	}
	return appendStandard(dst, c.Body)
}

// FormFields returns the fields of a form body in order, those of the Doer first.
func (c *Call) FormFields() ([]form.Field, error) {
	fields := make([]form.Field, 0, 16)
	for _, p := range c.Form {
		fields = append(fields, form.Field{Name: p.Name, Value: p.Value})
	}
	more, err := form.Fields(c.Body)
	if err != nil {
		return nil, &ParamError{Name: "body", Why: "cannot be encoded: " + err.Error()}
	}
	return append(fields, more...), nil
}

// URL joins base, path and query.
func (c *Call) URL(base string) (string, error) {
	path, err := c.Path()
	if err != nil || len(c.Query) == 0 {
		return base + path, err
	}
	var b strings.Builder
	b.WriteString(base)
	b.WriteString(path)
	sep := byte('?')
	for _, p := range c.Query {
		b.WriteByte(sep)
		sep = '&'
		b.WriteString(url.QueryEscape(p.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.Value))
	}
	return b.String(), nil
}

// sortIndexed sorts names with a[2] before a[10].
func sortIndexed(keys []string) {
	slices.SortFunc(keys, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
}
