package rest

import (
	"net/url"
	"reflect"
	"strconv"

	"github.com/oapi-codegen/runtime"
)

// Seg returns the text of a path parameter.
func Seg[T ~string | ~int64](v T) string {
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Int64 {
		return strconv.FormatInt(rv.Int(), 10)
	}
	return reflect.ValueOf(v).String()
}

// Query adds a query parameter in the spec's style. A nil pointer, slice or map is not sent.
func Query[T any](c *Call, style string, explode bool, name string, v T) {
	switch v := any(v).(type) {
	case *string:
		if v != nil {
			c.Query = append(c.Query, Param{name, *v})
		}
		return
	case *int64:
		if v != nil {
			c.Query = append(c.Query, Param{name, strconv.FormatInt(*v, 10)})
		}
		return
	case string:
		c.Query = append(c.Query, Param{name, v})
		return
	}
	styled(c, style, explode, name, v)
}

// styled encodes styles, enums and containers by the generator's runtime.
func styled(c *Call, style string, explode bool, name string, v any) {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		if !rv.IsValid() || rv.IsNil() {
			return
		}
	}
	text, err := runtime.StyleParamWithLocation(style, explode, name, runtime.ParamLocationQuery, v)
	var values url.Values
	if err == nil {
		values, err = url.ParseQuery(text)
	}
	if err != nil {
		c.fail(&ParamError{Name: name, Why: "cannot be written: " + err.Error()})
		return
	}
	for _, key := range sortedKeys(values) {
		for _, value := range values[key] {
			c.Query = append(c.Query, Param{key, value})
		}
	}
}

// Header adds a header parameter. A nil pointer is not sent.
func Header[T any](c *Call, name string, v T) {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return
		}
		v := rv.Elem().Interface()
		Header(c, name, v)
		return
	}
	text, err := runtime.StyleParamWithLocation(
		"simple", false, name, runtime.ParamLocationHeader, v,
	)
	if err != nil {
		c.fail(&ParamError{Name: name, Why: "cannot be written: " + err.Error()})
		return
	}
	c.Header = append(c.Header, Param{name, text})
}

func (c *Call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func sortedKeys(m url.Values) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	// A style writes either one key or keys of growing index; text order would put [10] before [2].
	sortIndexed(keys)
	return keys
}
