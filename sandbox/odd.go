package sandbox

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// odd rewrites an answer as a vendor may also write it: where the spec says that numbers
// and texts stand for each other (by a flex type), even numbers change from the one to the other, and every second time has another
// layout, with an offset in place of Z and without fractions of a second.
func (rt *route) odd(a answer) answer {
	data, _ := a.body.([]byte)
	resp := rt.answers(a.status)
	if len(data) == 0 || resp == nil {
		return a
	}
	mt := resp.Content.Get(mediaType(a.header))
	var value any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if mt == nil || mt.Schema == nil || dec.Decode(&value) != nil {
		return a
	}
	times := 0
	value = oddValue(value, mt.Schema.Value, &times)
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if enc.Encode(value) == nil {
		a.body = bytes.TrimSpace(buf.Bytes())
	}
	return a
}

func oddValue(v any, schema *openapi3.Schema, times *int) any {
	schema = plainSchema(schema)
	if schema == nil {
		return v
	}
	goType, _ := schema.Extensions["x-go-type"].(string)
	either := strings.HasPrefix(goType, "flex.")
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil && n%2 == 0 && either && allows(schema, openapi3.TypeString) {
			return x.String()
		}
	case string:
		n, err := strconv.ParseInt(x, 10, 64)
		if err == nil && n%2 == 0 && either && strconv.FormatInt(n, 10) == x && (allows(schema, openapi3.TypeInteger) || allows(schema, openapi3.TypeNumber)) {
			return json.Number(x)
		}
		if t, err := time.Parse(time.RFC3339Nano, x); err == nil {
			if *times++; *times%2 == 0 {
				return t.In(time.FixedZone("", 3*60*60)).Format("2006-01-02T15:04:05-07:00")
			}
		}
	case []any:
		if schema.Items != nil {
			for i := range x {
				x[i] = oddValue(x[i], schema.Items.Value, times)
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(x)) {
			x[name] = oddValue(x[name], keySchema(schema, name), times)
		}
	}
	return v
}
