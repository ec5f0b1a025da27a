package reader

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tidier writes a description anew, with what a comparison looks at.
type tidier struct {
	kind    string // as "OpenAPI 3.0.3"
	swagger bool   // Swagger 2
	lists   bool   // the format has lists of types
	root    map[string]any
	repairs []Repair
	told    map[Repair]bool
	schemas map[string]any    // components that were written, by their new names
	renamed map[string]string // the new names of components
	open    map[string]bool   // components that are being written
}

func (t *tidier) repair(k Kind, place string) {
	// A part that several places refer to is read at each of them.
	if r := (Repair{k, place}); !t.told[r] {
		t.told[r] = true
		t.repairs = append(t.repairs, r)
	}
}

// document is the whole description in OpenAPI 3.
func (t *tidier) document(root map[string]any) map[string]any {
	t.root, t.schemas, t.renamed, t.open = root, map[string]any{}, map[string]string{}, map[string]bool{}
	for _, k := range sorted(root) {
		t.known(
			"",
			k,
			`openapi swagger info servers paths components tags security externalDocs webhooks jsonSchemaDialect $self
			host basePath schemes consumes produces definitions parameters responses securityDefinitions`,
		)
	}
	info := t.object("/info", root["info"])
	out := map[string]any{
		// Every file gets one version: what differs between them was made alike.
		"openapi": "3.0.3",
		"info": map[string]any{
			"title":   t.string("/info/title", info["title"]),
			"version": t.string("/info/version", info["version"]),
		},
		"paths":      t.paths(root["paths"]),
		"components": map[string]any{"securitySchemes": t.securitySchemes()},
	}
	if servers := t.servers(); len(servers) > 0 {
		out["servers"] = servers
	}
	if security := t.security("/security", root["security"]); security != nil {
		out["security"] = security
	}
	out["components"].(map[string]any)["schemas"] = t.schemas // after the paths, which fill it
	return out
}

func (t *tidier) servers() []any {
	var out []any
	add := func(at, url string) {
		if strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") ||
			strings.HasPrefix(url, "/") {
			out = append(
				out,
				map[string]any{"url": strings.NewReplacer("{", "%7B", "}", "%7D").Replace(url)},
			)
		} else if url != "" {
			t.repair(OddServer, at)
		}
	}
	if !t.swagger {
		for i, v := range t.list("/servers", t.root["servers"]) {
			at := index("/servers", i)
			add(at, t.string(at+"/url", t.object(at, v)["url"]))
		}
		return out
	}
	base := t.string("/basePath", t.root["basePath"])
	host := t.string("/host", t.root["host"])
	if base != "" && !strings.HasPrefix(base, "/") {
		base = "/" + base
	}
	if host == "" {
		add("/basePath", base)
		return out
	}
	schemes := t.strings("/schemes", t.root["schemes"])
	if len(schemes) == 0 {
		schemes = []string{"https"}
	}
	for _, scheme := range schemes {
		add("/host", scheme+"://"+host+base)
	}
	return out
}

var (
	methods = strings.Fields("get put post delete options head patch trace")
	named   = regexp.MustCompile(`/:([A-Za-z_]\w*)`)
)

func (t *tidier) paths(v any) map[string]any {
	out := map[string]any{}
	items := t.object("/paths", v)
	for _, path := range sorted(items) {
		if strings.HasPrefix(path, "x-") {
			continue
		}
		at := child("/paths", path)
		item := t.pathItem(at, items[path])
		if len(item) == 0 {
			t.repair(EmptyPath, at)
			continue
		}
		to := path
		if !strings.HasPrefix(to, "/") {
			t.repair(NoSlash, at)
			to = "/" + to
		}
		cut, _, _ := strings.Cut(to, "?")
		cut, _, _ = strings.Cut(cut, "#")
		if cut = named.ReplaceAllString(cut, "/{$1}"); cut != to {
			t.repair(OddPath, at)
			to = cut
		}
		if old, ok := out[to]; ok {
			t.repair(DuplicateKey, at)
			out[to] = both(old, item)
			continue
		}
		out[to] = item
	}
	return out
}

func (t *tidier) pathItem(at string, v any) map[string]any {
	item := t.part(at, v, "pathItems")
	out := map[string]any{}
	common := t.parameters(at+"/parameters", item["parameters"])
	for _, k := range sorted(item) {
		if method := strings.ToLower(k); slices.Contains(methods, method) {
			if k != method {
				t.repair(OtherType, at+"/"+k)
			}
			// An empty list is how some languages write an empty object.
			if op := t.object(at+"/"+k, item[k]); len(op) > 0 {
				out[method] = t.operation(at+"/"+k, op, common)
			} else {
				t.repair(EmptyPath, at+"/"+k)
			}
			continue
		}
		t.known(at, k, "$ref summary description servers parameters query additionalOperations")
	}
	return out
}

func (t *tidier) operation(at string, op map[string]any, common []parameter) map[string]any {
	for _, k := range sorted(op) {
		t.known(
			at,
			k,
			`tags summary description externalDocs operationId parameters requestBody responses callbacks deprecated security
			servers consumes produces schemes`,
		)
	}
	out := map[string]any{}
	if t.bool(at+"/deprecated", op["deprecated"]) {
		out["deprecated"] = true
	}
	if id := t.string(at+"/operationId", op["operationId"]); id != "" {
		out["operationId"] = id
	}
	if security := t.security(at+"/security", op["security"]); security != nil {
		out["security"] = security
	}
	body := t.requestBody(at+"/requestBody", op["requestBody"])
	own := t.parameters(at+"/parameters", op["parameters"])
	var parameters []any
	var form []parameter
	seen := map[[2]string]bool{}
	for i, p := range slices.Concat(own, common) {
		at := [2]string{p.in, p.name}
		if seen[at] {
			if i < len(own) {
				t.repair(OddParameter, p.at)
			}
			continue
		}
		seen[at] = true
		switch p.in {
		case "body":
			body = t.content(p, op)
		case "formData":
			form = append(form, p)
		default:
			parameters = append(parameters, p.value())
		}
		if !t.swagger && (p.in == "body" || p.in == "formData") {
			t.repair(BodyParameter, p.at)
		}
	}
	if len(form) > 0 {
		body = t.form(form, op)
	}
	if len(parameters) > 0 {
		out["parameters"] = parameters
	}
	if body != nil {
		out["requestBody"] = body
	}
	out["responses"] = t.responses(at, op)
	return out
}

// mediaTypes are what an operation of Swagger 2 takes (consumes) or answers (produces).
func (t *tidier) mediaTypes(key string, op map[string]any) []string {
	for _, where := range []map[string]any{op, t.root} {
		if list := t.strings("/"+key, where[key]); len(list) > 0 {
			return list
		}
	}
	return []string{"application/json"}
}

// content is the body of Swagger 2 as a request body.
func (t *tidier) content(p parameter, op map[string]any) map[string]any {
	content := map[string]any{}
	for _, kind := range t.mediaTypes("consumes", op) {
		content[kind] = map[string]any{"schema": p.schema}
	}
	return map[string]any{"required": p.required, "content": content}
}

func (t *tidier) form(fields []parameter, op map[string]any) map[string]any {
	properties, required := map[string]any{}, []any{}
	kind := "application/x-www-form-urlencoded"
	for _, p := range fields {
		properties[p.name] = p.schema
		if p.required {
			required = append(required, p.name)
		}
		if s, ok := p.schema.(map[string]any); ok && s["format"] == "binary" ||
			slices.Contains(t.mediaTypes("consumes", op), "multipart/form-data") {
			kind = "multipart/form-data"
		}
	}
	schema := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return map[string]any{"content": map[string]any{kind: map[string]any{"schema": schema}}}
}

func (t *tidier) requestBody(at string, v any) map[string]any {
	if v == nil {
		return nil
	}
	body := t.part(at, v, "requestBodies")
	for _, k := range sorted(body) {
		t.known(at, k, "$ref description content required")
	}
	out := map[string]any{"content": t.media(at+"/content", body["content"])}
	if t.bool(at+"/required", body["required"]) {
		out["required"] = true
	}
	return out
}

func (t *tidier) media(at string, v any) map[string]any {
	out := map[string]any{}
	content := t.object(at, v)
	for _, kind := range sorted(content) {
		at := child(at, kind)
		media := t.object(at, content[kind])
		for _, k := range sorted(media) {
			t.known(
				at,
				k,
				"schema example examples encoding itemSchema itemEncoding prefixEncoding",
			)
		}
		one := map[string]any{}
		if schema, ok := media["schema"]; ok {
			one["schema"] = t.schema(at+"/schema", schema)
		}
		out[kind] = one
	}
	return out
}

var status = regexp.MustCompile(`^([1-5]\d\d|[1-5]XX|default)$`)

func (t *tidier) responses(at string, op map[string]any) map[string]any {
	out := map[string]any{}
	responses := t.object(at+"/responses", op["responses"])
	for _, code := range sorted(responses) {
		at := child(at+"/responses", code)
		if strings.HasPrefix(code, "x-") {
			continue
		}
		if name := strings.TrimSpace(code); status.MatchString(name) {
			out[name] = t.response(at, responses[code], op)
			continue
		}
		t.repair(OddStatus, at)
	}
	if len(out) == 0 {
		t.repair(NoAnswer, at)
		out["default"] = map[string]any{"description": ""}
	}
	return out
}

func (t *tidier) response(at string, v any, op map[string]any) map[string]any {
	response := t.part(at, v, "responses")
	for _, k := range sorted(response) {
		t.known(at, k, "$ref description headers content links summary schema examples")
	}
	out := map[string]any{"description": ""}
	content := t.media(at+"/content", response["content"])
	if schema, ok := response["schema"]; ok {
		if !t.swagger {
			t.repair(OtherPart, at+"/schema")
		}
		tidied := t.schema(at+"/schema", schema)
		for _, kind := range t.mediaTypes("produces", op) {
			content[kind] = map[string]any{"schema": tidied}
		}
	}
	if len(content) > 0 {
		out["content"] = content
	}
	headers := t.object(at+"/headers", response["headers"])
	tidied := map[string]any{}
	for _, name := range sorted(headers) {
		at := child(at+"/headers", name)
		if !strings.EqualFold(name, "Content-Type") {
			tidied[name] = map[string]any{
				"schema": t.schemaOf(at, t.part(at, headers[name], "headers")),
			}
		}
	}
	if len(tidied) > 0 {
		out["headers"] = tidied
	}
	return out
}

type parameter struct {
	at, name, in string
	required     bool
	deprecated   bool
	schema       any
}

func (p parameter) value() map[string]any {
	out := map[string]any{"name": p.name, "in": p.in, "schema": p.schema}
	if p.required {
		out["required"] = true
	}
	if p.deprecated {
		out["deprecated"] = true
	}
	return out
}

func (t *tidier) parameters(at string, v any) []parameter {
	var out []parameter
	for i, item := range t.list(at, v) {
		at := index(at, i)
		object := t.part(at, item, "parameters")
		for _, k := range sorted(object) {
			t.known(
				at,
				k,
				`$ref name in description required deprecated allowEmptyValue style explode allowReserved schema example examples
				content collectionFormat `+inParameter,
			)
		}
		p := parameter{
			at:   at,
			name: t.string(at+"/name", object["name"]),
			in:   t.string(at+"/in", object["in"]),
		}
		if p.in == "body" && p.name == "" {
			p.name = "body"
		}
		if p.name == "" {
			t.repair(OddParameter, at)
			continue
		}
		if !slices.Contains(
			[]string{"path", "query", "header", "cookie", "body", "formData"},
			p.in,
		) {
			t.repair(NoPlace, at)
			if p.in = "query"; strings.Contains(at, escaped("{"+p.name+"}")) {
				p.in = "path"
			}
		}
		p.required = t.bool(at+"/required", object["required"]) || p.in == "path"
		p.deprecated = t.bool(at+"/deprecated", object["deprecated"])
		if _, ok := object["type"]; ok && !t.swagger {
			t.repair(BareType, at)
		}
		p.schema = t.schemaOf(at, object)
		out = append(out, p)
	}
	return out
}

// inParameter are keys of a schema that Swagger 2 writes beside a parameter or header.
const inParameter = `type format items default maximum exclusiveMaximum minimum exclusiveMinimum
	maxLength minLength pattern maxItems minItems uniqueItems enum multipleOf nullable`

// schemaOf is the schema of a parameter or a header, wherever it stands.
func (t *tidier) schemaOf(at string, object map[string]any) any {
	if schema, ok := object["schema"]; ok {
		return t.schema(at+"/schema", schema)
	}
	media := t.media(at+"/content", object["content"])
	for _, kind := range sorted(media) {
		if schema, ok := media[kind].(map[string]any)["schema"]; ok {
			return schema
		}
	}
	bare := map[string]any{}
	for _, k := range strings.Fields(inParameter) {
		if v, ok := object[k]; ok {
			bare[k] = v
		}
	}
	return t.schema(at, bare)
}

func (t *tidier) securitySchemes() map[string]any {
	at, schemes := "/components/securitySchemes", t.object("/components", t.root["components"])["securitySchemes"]
	if t.swagger {
		at, schemes = "/securityDefinitions", t.root["securityDefinitions"]
	}
	out := map[string]any{}
	for _, name := range sorted(t.object(at, schemes)) {
		at := child(at, name)
		scheme := t.part(at, schemes.(map[string]any)[name], "securitySchemes")
		one := map[string]any{}
		for _, k := range []string{"type", "name", "in", "scheme"} {
			if text := t.string(at+"/"+k, scheme[k]); text != "" {
				one[k] = text
			}
		}
		if one["type"] == "basic" {
			one["type"], one["scheme"] = "http", "basic"
		}
		out[name] = one
	}
	return out
}

func (t *tidier) security(at string, v any) []any {
	if v == nil {
		return nil
	}
	out := []any{}
	for i, item := range t.list(at, v) {
		one := map[string]any{}
		object := t.object(index(at, i), item)
		for _, name := range sorted(object) {
			one[name] = t.strings(child(index(at, i), name), object[name])
		}
		out = append(out, one)
	}
	return out
}

// known reports a key that the format does not have.
func (t *tidier) known(at, key, keys string) {
	if !strings.HasPrefix(key, "x-") && !slices.Contains(strings.Fields(keys), key) {
		t.repair(UnknownKey, child(at, key))
	}
}

// object is v as an object. An empty list stands for an empty object, as PHP writes it.
func (t *tidier) object(at string, v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case nil:
		return nil
	case []any:
		if len(v) == 0 {
			return nil
		}
	}
	t.repair(UselessValue, at)
	return nil
}

// list is v as a list. One value stands for a list of it.
func (t *tidier) list(at string, v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case nil:
		return nil
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
	}
	t.repair(OtherType, at)
	return []any{v}
}

func (t *tidier) strings(at string, v any) []string {
	var out []string
	for i, item := range t.list(at, v) {
		if text := t.string(index(at, i), item); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// string is v as a text. A number or truth value is read as it is written, a
// list of one value as that value.
func (t *tidier) string(at string, v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	case json.Number, bool:
		if at != "/info/version" { // every other file forgets these quotes
			t.repair(OtherType, at)
		}
		return scalar(v)
	case []any:
		if len(v) > 0 {
			if text := scalar(v[0]); text != "" {
				t.repair(OtherType, at)
				return text
			}
		}
	}
	t.repair(UselessValue, at)
	return ""
}

func (t *tidier) bool(at string, v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case nil:
		return false
	}
	b, err := strconv.ParseBool(strings.ToLower(scalar(v)))
	if err != nil {
		t.repair(UselessValue, at)
		return false
	}
	t.repair(OtherType, at)
	return b
}

func sorted(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// child is the place of a key.
func child(at, key string) string { return at + "/" + escaped(key) }

func index(at string, i int) string { return at + "/" + strconv.Itoa(i) }

// escaped is a key as a JSON pointer has it.
func escaped(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
