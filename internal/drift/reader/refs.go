package reader

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// oldPlaces are where Swagger 2 keeps what OpenAPI 3 keeps below components.
var oldPlaces = map[string]string{
	"schemas": "definitions", "parameters": "parameters", "responses": "responses", "securitySchemes": "securityDefinitions",
}

const maxHops = 20 // references that lead to references

// part is v as an object of the components' kind, its reference followed.
func (t *tidier) part(at string, v any, kind string) map[string]any {
	for range maxHops {
		object := t.object(at, v)
		ref, ok := object["$ref"].(string)
		if !ok {
			return object
		}
		found, where, why := t.follow(ref, kind)
		if why != "" {
			t.repair(why, at)
		}
		if found == nil {
			return nil
		}
		if kind == "responses" && where == "schemas" {
			// A reference to a schema, where a response is wanted that has it.
			return map[string]any{
				"content": map[string]any{
					"application/json": map[string]any{"schema": map[string]any{"$ref": ref}},
				},
			}
		}
		v = found
	}
	t.repair(DanglingRef, at)
	return nil
}

// follow finds what a reference leads to, and the kind of component that is; why
// says what is wrong with the reference. A reference to nothing finds nil.
func (t *tidier) follow(ref, kind string) (found any, where string, why Kind) {
	file, pointer, ok := strings.Cut(ref, "#")
	if ok && file != "" || !ok && strings.ContainsAny(ref, "/.") {
		return nil, "", OtherFile
	}
	if !ok {
		pointer = "/" + ref // the name alone
	}
	if unescaped, err := url.PathUnescape(pointer); err == nil {
		pointer = unescaped
	}
	keys := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, k := range keys {
		keys[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(k)
	}
	if found := walk(t.root, keys); found != nil {
		if where = t.kindOf(keys); where != "" && where != kind {
			return found, where, OtherPart
		}
		return found, where, ""
	}
	// By the name alone, where the file keeps that kind of part.
	name := keys[len(keys)-1]
	for _, place := range []string{kind, "schemas", "responses", "parameters"} {
		if found := walk(t.root, []string{"components", place, name}); found != nil {
			return found, place, ShortRef
		}
		if old := oldPlaces[place]; old != "" {
			if found := walk(t.root, []string{old, name}); found != nil {
				return found, place, ShortRef
			}
		}
	}
	return nil, "", DanglingRef
}

// kindOf is the kind of component that the keys lead to, empty when they lead elsewhere.
func (t *tidier) kindOf(keys []string) string {
	if len(keys) == 3 && keys[0] == "components" {
		return keys[1]
	}
	if len(keys) == 2 {
		for kind, old := range oldPlaces {
			if keys[0] == old {
				return kind
			}
		}
	}
	return ""
}

func walk(v any, keys []string) any {
	for _, k := range keys {
		switch here := v.(type) {
		case map[string]any:
			v = here[k]
		case []any:
			i, err := strconv.Atoi(k)
			if err != nil || i < 0 || i >= len(here) {
				return nil
			}
			v = here[i]
		default:
			return nil
		}
	}
	return v
}

var oddName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// component writes the schema that a reference leads to, once, and returns its
// new name; empty when it leads to none.
func (t *tidier) component(at, ref string) string {
	found, where, why := t.follow(ref, "schemas")
	if why != "" {
		t.repair(why, at)
	}
	if found == nil {
		return ""
	}
	if where != "schemas" {
		if found = schemaWithin(found); found == nil {
			if why == "" {
				t.repair(DanglingRef, at)
			}
			return ""
		}
	}
	id := where + " " + ref[strings.LastIndexAny(ref, "/#")+1:]
	if where == "" {
		id = ref // somewhere within the file
	}
	if name, ok := t.renamed[id]; ok {
		return name
	}
	name := oddName.ReplaceAllString(strings.TrimPrefix(id, "schemas "), "_")
	for taken := true; taken; {
		if _, taken = t.schemas[name]; taken {
			name += "_"
		}
	}
	t.renamed[id] = name
	t.schemas[name] = map[string]any{} // holds the name
	t.open[name] = true
	t.schemas[name] = t.schema(
		child("/components/schemas", strings.TrimPrefix(id, "schemas ")),
		found,
	)
	delete(t.open, name)
	return name
}

// schemaWithin is the schema of a response, parameter or request body, or v
// itself when it is none of these.
func schemaWithin(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if schema, ok := object["schema"]; ok {
		return schema
	}
	if content, ok := object["content"].(map[string]any); ok {
		for _, kind := range sorted(content) {
			if media, ok := content[kind].(map[string]any); ok && media["schema"] != nil {
				return media["schema"]
			}
		}
		return nil
	}
	return v
}
