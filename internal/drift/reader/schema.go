package reader

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const refPrefix = "#/components/schemas/"

// silent are keys of a schema that say nothing to a comparison.
const silent = `title description example examples externalDocs xml discriminator deprecated
	readOnly writeOnly $schema $id $anchor $comment $defs $dynamicRef $dynamicAnchor
	contentMediaType contentEncoding contentSchema if then else dependentRequired dependentSchemas
	unevaluatedItems unevaluatedProperties contains minContains maxContains propertyNames
	minProperties maxProperties patternProperties prefixItems not collectionFormat allowEmptyValue definitions`

// schema writes a schema anew: as a reference, or without any combination.
func (t *tidier) schema(at string, v any) map[string]any {
	if b, ok := v.(bool); ok && b {
		return map[string]any{}
	}
	in := t.object(at, v)
	own := t.plain(at, in)
	var parts []map[string]any
	if v, ok := in["$ref"]; ok {
		if name := t.component(at, t.string(at+"/$ref", v)); name != "" {
			parts = append(parts, map[string]any{"$ref": refPrefix + name})
		}
	}
	for i, v := range t.list(at+"/allOf", in["allOf"]) {
		if part := t.schema(index(at+"/allOf", i), v); len(part) > 0 {
			parts = append(parts, part)
		}
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		if union := t.union(at+"/"+key, in[key]); len(union) > 0 {
			parts = append(parts, union)
		}
	}
	if len(parts) == 0 {
		return own
	}
	// What stands beside a reference is often no more than its type again.
	if len(parts) == 1 && (len(own) == 0 || len(own) == 1 && own["type"] == "object") {
		return parts[0]
	}
	out := map[string]any{}
	for _, part := range append(parts, own) {
		t.merge(at, out, t.resolved(part))
	}
	return out
}

// resolved is a schema that is no reference. Of one that is being written, as
// in a cycle, nothing is known yet.
func (t *tidier) resolved(schema map[string]any) map[string]any {
	for range maxHops {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		name := strings.TrimPrefix(ref, refPrefix)
		if t.open[name] {
			return nil
		}
		schema, _ = t.schemas[name].(map[string]any)
	}
	return nil
}

// merge adds what another part of an allOf says.
func (t *tidier) merge(at string, into, from map[string]any) {
	for _, k := range sorted(from) {
		v := from[k]
		old, ok := into[k]
		switch {
		case !ok:
			into[k] = v
		case k == "properties":
			fields := copied(old.(map[string]any))
			for name, v := range v.(map[string]any) {
				fields[name] = v // a later part makes a field more precise
			}
			into[k] = fields
		case k == "required":
			into[k] = union(old.([]any), v.([]any))
		case !reflect.DeepEqual(old, v):
			if k == "type" && !share(old, v) {
				t.repair(Conflict, at)
			}
			into[k] = v
		}
	}
}

// share reports whether two values of the key type have a type in common.
func share(a, b any) bool {
	one, other := typesOf(a), typesOf(b)
	return slices.ContainsFunc(one, func(name any) bool { return slices.Contains(other, name) })
}

func typesOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// union is one schema for the alternatives of a oneOf or anyOf: their types, all
// their fields, and as required what is so in each.
func (t *tidier) union(at string, v any) map[string]any {
	var out map[string]any
	var types []any
	alternatives := t.list(at, v)
	for i, v := range alternatives {
		one := t.schema(index(at, i), v)
		if len(alternatives) == 1 {
			return one
		}
		one = copied(t.resolved(one))
		if one["type"] == "null" {
			out = also(out, "nullable", true)
			continue
		}
		if kind, ok := one["type"]; ok {
			types = union(types, typesOf(kind))
		}
		if out == nil {
			out = one
			continue
		}
		for _, k := range sorted(out) {
			switch value, ok := one[k]; {
			case k == "properties" && ok:
				fields := copied(value.(map[string]any))
				for name, v := range out[k].(map[string]any) {
					fields[name] = v
				}
				out[k] = fields
			case k == "enum" && ok:
				out[k] = union(out[k].([]any), value.([]any))
			case k == "required" && ok:
				out[k] = slices.DeleteFunc(
					slices.Clone(out[k].([]any)),
					func(name any) bool { return !slices.Contains(value.([]any), name) },
				)
			case k == "properties",
				k == "items",
				k == "nullable",
				k == "type",
				ok && reflect.DeepEqual(out[k], value):
			default:
				delete(out, k)
			}
		}
		for _, k := range []string{"properties", "items", "nullable"} {
			if v, ok := one[k]; ok && out[k] == nil {
				out[k] = v
			}
		}
	}
	if len(types) == 1 {
		return also(out, "type", types[0])
	}
	if len(types) > 1 {
		return also(out, "type", types)
	}
	return out
}

func also(m map[string]any, key string, v any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	m[key] = v
	return m
}

func union(a, b []any) []any {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.ContainsFunc(out, func(have any) bool { return reflect.DeepEqual(have, v) }) {
			out = append(out, v)
		}
	}
	return out
}

func copied(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// plain is what a schema says itself.
func (t *tidier) plain(at string, in map[string]any) map[string]any {
	out := map[string]any{}
	for _, k := range sorted(in) {
		at, v := child(at, k), in[k]
		switch k {
		case "$ref",
			"allOf",
			"oneOf",
			"anyOf",
			"nullable",
			"exclusiveMinimum",
			"exclusiveMaximum",
			"additionalProperties",
			"required",
			"type":
			// below, or by the caller
		case "format", "pattern":
			set(out, k, t.string(at, v))
		case "minimum", "maximum", "multipleOf":
			if n := t.number(at, v); n != "" {
				out[k] = n
			}
		case "minLength", "maxLength", "minItems", "maxItems":
			if n, err := strconv.ParseUint(string(t.number(at, v)), 10, 32); err == nil {
				out[k] = n
			}
		case "uniqueItems":
			if t.bool(at, v) {
				out[k] = true
			}
		case "enum":
			if list := t.list(at, v); len(list) > 0 {
				out[k] = union(nil, list)
			}
		case "const":
			out["enum"] = []any{v}
		case "default":
			if v != nil {
				out[k] = v
			}
		case "properties":
			t.properties(at, v, out)
		case "items":
			if list, ok := v.([]any); ok { // a tuple, or PHP's empty object
				if len(list) > 0 {
					t.repair(OtherType, at)
					out[k] = t.union(at, list)
					continue
				}
				v = nil
			}
			out[k] = t.schema(at, v)
		case "schema":
			t.misplaced(at, v, out)
		default:
			t.known(at[:len(at)-len(escaped(k))-1], k, silent)
		}
	}
	t.required(at+"/required", in["required"], out)
	t.types(at+"/type", in["type"], out)
	t.rest(at, in, out)
	return out
}

func set(out map[string]any, key, text string) {
	if text != "" {
		out[key] = text
	}
}

// misplaced is a key schema within a schema: the name of a type, or the schema itself.
func (t *tidier) misplaced(at string, v any, out map[string]any) {
	t.repair(OtherPart, at)
	switch v := v.(type) {
	case string:
		out["type"] = v // unless type says so itself
	case map[string]any:
		t.merge(at, out, t.resolved(t.schema(at, v)))
	}
}

func (t *tidier) properties(at string, v any, out map[string]any) {
	fields := t.object(at, v)
	properties := map[string]any{}
	for _, name := range sorted(fields) {
		at := child(at, name)
		// required: true at the field itself
		if field, ok := fields[name].(map[string]any); ok {
			switch flag := field["required"].(type) {
			case bool, string:
				t.repair(RequiredAtField, at)
				if ok, err := strconv.ParseBool(scalar(flag)); err == nil && ok {
					list, _ := out["required"].([]any)
					out["required"] = append(list, name)
				}
				field = copied(field)
				delete(field, "required")
				fields[name] = field
			}
		}
		properties[name] = t.schema(at, fields[name])
	}
	groups(properties)
	if len(properties) > 0 {
		out["properties"] = properties
	}
}

// indexed is a field of a form that stands for an item of a list, as options[0][name].
var indexed = regexp.MustCompile(`^(.+?)\[\d+\]\[?(\w*)\]?$`)

// groups makes lists of the fields that write out items of a list one by one.
func groups(properties map[string]any) {
	for _, name := range sorted(properties) {
		m := indexed.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		schema := properties[name]
		delete(properties, name)
		if m[2] == "" {
			properties[m[1]] = map[string]any{"type": "array", "items": schema}
			continue
		}
		list, _ := properties[m[1]].(map[string]any)
		items, _ := list["items"].(map[string]any)
		fields, _ := items["properties"].(map[string]any)
		if fields == nil {
			fields = map[string]any{}
			items = map[string]any{"type": "object", "properties": fields}
			properties[m[1]] = map[string]any{"type": "array", "items": items}
		}
		fields[m[2]] = schema
	}
}

func (t *tidier) required(at string, v any, out map[string]any) {
	if _, ok := v.(bool); ok { // says of a schema that stands alone nothing
		t.repair(UselessValue, at)
		return
	}
	list, _ := out["required"].([]any)
	for _, name := range t.strings(at, v) {
		list = union(list, []any{name})
	}
	if len(list) > 0 {
		out["required"] = list
	}
}

// Types that do not exist, and what is meant.
var oddTypes = map[string][2]string{
	"int": {"integer"}, "int32": {"integer", "int32"}, "int64": {"integer", "int64"},
	"long":  {"integer", "int64"},
	"float": {"number", "float"}, "double": {"number", "double"},
	"decimal": {"number"}, "numeric": {"number"},
	"bool": {"boolean"},
	"str":  {"string"}, "text": {"string"}, "uuid": {"string", "uuid"}, "email": {"string", "email"},
	"date": {"string", "date"}, "datetime": {"string", "date-time"}, "date-time": {"string", "date-time"},
	"list": {"array"},
	"dict": {"object"}, "map": {"object"}, "hash": {"object"}, "json": {"object"},
	"any": {}, "mixed": {},
}

var realTypes = strings.Fields("string number integer boolean array object")

func (t *tidier) types(at string, v any, out map[string]any) {
	if v == nil && out["type"] == nil {
		return
	}
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
		if v == nil {
			list = []any{out["type"]}
		}
	} else if !t.lists {
		t.repair(TypeList, at)
	}
	delete(out, "type")
	var types []any
	for _, item := range list {
		name := strings.ToLower(strings.TrimSpace(t.string(at, item)))
		if before, found := strings.CutSuffix(name, "[]"); found {
			name, out["items"] = "array", t.schema(at, map[string]any{"type": before})
			t.repair(OddType, at)
		}
		switch {
		case name == "null":
			out["nullable"] = true
		case name == "file" && t.swagger:
			types, out["format"] = union(types, []any{"string"}), "binary"
		case slices.Contains(realTypes, name):
			if name != item && name != "array" {
				t.repair(OddType, at)
			}
			types = union(types, []any{name})
		default:
			t.repair(OddType, at)
			real := oddTypes[name]
			if name == "file" {
				real = [2]string{"string", "binary"}
			}
			if real[0] != "" {
				types = union(types, []any{real[0]})
			}
			if real[1] != "" && out["format"] == nil {
				out["format"] = real[1]
			}
		}
	}
	switch len(types) {
	case 0:
	case 1:
		out["type"] = types[0]
	default:
		out["type"] = types
	}
}

// rest is what depends on the type, or on another key.
func (t *tidier) rest(at string, in, out map[string]any) {
	if t.bool(at+"/nullable", in["nullable"]) {
		out["nullable"] = true
	}
	for key, bound := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		if n, ok := in[key].(json.Number); ok && out[bound] == nil {
			out[bound] = n
		}
	}
	if v, ok := in["additionalProperties"]; ok {
		if b, ok := v.(bool); ok && !b {
			out["additionalProperties"] = false
		} else if schema := t.schema(at+"/additionalProperties", v); len(schema) > 0 {
			out["additionalProperties"] = schema
		}
	}
	switch {
	case out["type"] == nil && out["properties"] != nil:
		out["type"] = "object" // it goes without saying
	case out["type"] == nil && out["items"] != nil:
		out["type"] = "array"
	case out["type"] == "array" && out["items"] == nil:
		t.repair(NoItems, at)
		out["items"] = map[string]any{}
	case out["type"] == "boolean":
		delete(out, "enum") // true and false say nothing
	case out["type"] == "number" && slices.Contains([]any{"integer", "int32", "int64", "long"}, out["format"]):
		t.repair(OddType, at+"/format")
		out["type"], out["format"] = "integer", "int64"
	}
	if kind, ok := out["type"].(string); ok && kind != "array" {
		delete(out, "items")
	}
}

// number is v as a number of JSON, empty when it is none.
func (t *tidier) number(at string, v any) json.Number {
	switch v := v.(type) {
	case json.Number:
		return v
	case nil:
		return ""
	}
	text := strings.TrimSpace(scalar(v))
	if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
		t.repair(OtherType, at)
		return json.Number(text)
	}
	t.repair(UselessValue, at)
	return ""
}
