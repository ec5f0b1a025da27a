package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Habit is a way in which programs in use depart from a vendor's description, and which
// a lenient sandbox takes because the vendor's servers do, or are thought to.
type Habit struct {
	Name string // as in the violation
	What string
	// Sources has what shows it, by provider; [Guess] where nothing does. A provider
	// that is missing refuses such a request, or nothing is known that would call for it.
	Sources map[string]string
}

// Guess marks a habit of which no source says that the vendor takes it.
const Guess = "guess"

// The official or widely used programs that have a habit. Each has sent it to the real
// service for years.
const (
	nodeSendPulse = "the vendor's client for Node (sendpulse-api 1.1.7)"
	phpSendPulse  = "the vendor's client for PHP"
	goSendPulse   = "a client for Go (dimuska139/sendpulse-sdk-go)"
	csSendPulse   = "a client for C# (gberikov/SendPulser)"
	phpMailWizz   = "MailWizz's client for PHP (ems-api/php-client)"
	djangoPakat   = "a public program that uses api.pakat.net"
	phpSMSBy      = "the vendor's class for PHP (sms-by-code/sms-php)"
)

// habits is the table of what a lenient sandbox takes. docs/sandbox.md shows it; a test
// keeps them alike.
var habits = []Habit{
	{"slash", "a slash at the end of the path", map[string]string{
		"brevo": Guess, "pakatv3": djangoPakat, "pakat": Guess,
		"sendpulse": "the vendor's document has such paths", "smsby": Guess,
	}},
	{"body", "a body where there is none: `{}`, `[]`, an empty form", map[string]string{
		"brevo": Guess, "pakatv3": Guess, "pakat": phpMailWizz,
		"sendpulse": nodeSendPulse + ", " + phpSendPulse, "smsby": Guess,
	}},
	{"parameters in the body", "parameters of the query in a JSON body", map[string]string{
		"sendpulse": nodeSendPulse,
	}},
	{"unknown parameter", "a parameter that the vendor does not name", map[string]string{
		"brevo": "the vendor's client for Node, 6.0.1: an unknown filter is dropped in silence", "pakatv3": Guess,
		"pakat": phpMailWizz, "sendpulse": Guess, "smsby": Guess,
	}},
	{"empty parameter", "a filter without a value", map[string]string{
		"brevo": Guess, "pakatv3": Guess, "pakat": Guess,
		"sendpulse": phpSendPulse + " and " + nodeSendPulse, "smsby": Guess,
	}},
	{"unknown field", "a field that the vendor does not name", map[string]string{
		"brevo": Guess, "pakatv3": Guess, "pakat": phpMailWizz + " (`company[zone]`)", "sendpulse": Guess,
		"smsby": phpSMSBy + ": the token beside the query",
	}},
	{"null", "null for a field that is absent", map[string]string{
		// The issues sendinblue/APIv3-php-library#53 and APIv3-nodejs-library#34 show that
		// null for smtpBlacklistSender is refused: see refusedNull.
		"brevo": Guess, "pakatv3": djangoPakat + " (`listIds`)", "sendpulse": goSendPulse,
	}},
	{"empty text", "an empty text for a field that is absent, of another type or with a fixed set of values", map[string]string{
		"pakat": phpMailWizz, "sendpulse": phpSendPulse, "smsby": Guess,
	}},
	{"number as text", "digits in a text where a number belongs; `1`, `0` and words for a truth value", map[string]string{
		"brevo": Guess, "pakatv3": Guess, "pakat": "forms have texts alone", "sendpulse": Guess, "smsby": "forms have texts alone",
	}},
	// Brevo refuses numbers for texts in headers since November 2022 (django-anymail 15.1).
	{"text as number", "a number where a text belongs", map[string]string{
		"pakatv3": Guess, "pakat": Guess, "sendpulse": Guess, "smsby": Guess,
	}},
	{"single value", "one value where a list belongs", map[string]string{
		"sendpulse": "the vendor's clients for Node and PHP (`list_id`)",
	}},
	{"PHP array", "`[]` for an object without keys, `{}` or an object of indexes for a list", map[string]string{
		"pakat": phpMailWizz, "sendpulse": phpSendPulse, "smsby": Guess,
	}},
	{"PHP text", "a list or an object as serialized by PHP", map[string]string{
		"sendpulse": nodeSendPulse,
	}},
	{"address alone", "a text where an object with an address belongs", map[string]string{
		"sendpulse": "the vendor's document (`emails` of a list)",
	}},
	{"list alone", "a list where an object with this one list belongs", map[string]string{
		"sendpulse": "the vendor's OpenAPI file (`/smtp/unsubscribe`)",
	}},
	{"form for JSON", "a form where JSON belongs", map[string]string{
		"sendpulse": csSendPulse + " (webhooks)",
	}},
	{"JSON for a form", "JSON where a form belongs", map[string]string{
		"smsby": "the vendor's pages show a mailing as one JSON object",
	}},
	{"other form", "an urlencoded form where multipart/form-data belongs, and the reverse", map[string]string{
		"pakat": phpMailWizz + ": urlencoded throughout", "smsby": phpSMSBy + ": both",
	}},
	{"type of the body", "JSON under another content type, or under none", map[string]string{
		"brevo": Guess, "pakatv3": Guess, "sendpulse": Guess,
	}},
	{"unproved operation", "a call that the vendor does not document, `x-unproved` in the spec", map[string]string{
		"pakatv3": djangoPakat + " (`doubleOptinConfirmation`); of one contact Sendinblue's library of 2019",
	}},
	{"outer recipients", "to, cc and bcc beside messageVersions, which are ignored", map[string]string{
		"brevo": "the vendor's OpenAPI file says ignored, its guide says that the request fails",
	}},
}

// Habits returns the table of what a lenient sandbox takes beyond the descriptions.
func Habits() []Habit { return habits }

// refusedNull are fields of which the vendor is known to refuse null.
var refusedNull = map[string]bool{"smtpBlacklistSender": true}

// easing rewrites a request into what the description allows, and keeps the habits that
// it met.
type easing struct {
	provider string
	met      []string
}

// takes reports whether the provider has the habit, and notes it with the place.
func (e *easing) takes(name, where string) bool {
	i := slices.IndexFunc(habits, func(h Habit) bool { return h.Name == name })
	if i < 0 {
		panic("sandbox: no habit is called " + name)
	}
	if habits[i].Sources[e.provider] == "" {
		return false
	}
	text := name
	if where != "" {
		text += " " + strconv.Quote(clip(where, 100))
	}
	if !slices.Contains(e.met, text) {
		e.met = append(e.met, text)
	}
	return true
}

// taken reports whether a lenient sandbox takes a habit that a handler meets, and lists
// it; s.mu is held.
func (s *Server) taken(provider, operation, name string) bool {
	e := &easing{provider: provider}
	if !s.lenient || !e.takes(name, "") {
		return false
	}
	s.addViolations(Violation{Provider: provider, Operation: operation, What: "request: " + name, Taken: true})
	return true
}

// ease rewrites the request to rt in r and c. What is no habit stays, for the check.
func (e *easing) ease(rt *route, r *http.Request, c *call) {
	e.easeBody(rt, c)
	e.easeQuery(rt, r, c)
}

func (e *easing) easeQuery(rt *route, r *http.Request, c *call) {
	names := rt.queryNames()
	var kept []string
	for _, f := range slices.Concat(parseQuery(r.URL.RawQuery), c.moved) {
		p := names.find(f.Name)
		switch {
		case p == "" && !names.free && e.takes("unknown parameter", f.Name):
		case p != "" && f.Value == "" && !names.required[p] && e.takes("empty parameter", f.Name):
		default:
			kept = append(kept, url.QueryEscape(f.Name)+"="+url.QueryEscape(f.Value))
		}
	}
	if len(e.met) > 0 {
		u := *r.URL
		u.RawQuery = strings.Join(kept, "&")
		r.URL = &u
		c.query = u.Query()
	}
}

func (e *easing) easeBody(rt *route, c *call) {
	if len(c.body) == 0 {
		return
	}
	body := rt.op.RequestBody
	if body == nil {
		if moved, ok := scalars(c.body); ok && len(moved) > 0 && rt.method == http.MethodGet && e.takes("parameters in the body", "") {
			c.body, c.moved = nil, moved
		} else if (rt.method == http.MethodGet || rt.method == http.MethodDelete || nothing(c.body)) && e.takes("body", "") {
			c.body = nil
		}
		return
	}
	content := body.Value.Content
	kind, given := mediaType(c.header), bodyKind(c)
	mt := content.Get(kind)
	if mt == nil || kind == typeMultipart && given != typeMultipart {
		if kind, mt = e.otherKind(content, given); mt == nil {
			return
		}
	}
	schema := mt.Schema.Value
	if kind != typeMultipart && kind != typeForm {
		e.easeJSON(c, kind, given, schema)
		return
	}
	e.easeForm(c, kind, given, schema)
}

// otherKind chooses the documented kind of body for one that came as another.
func (e *easing) otherKind(content openapi3.Content, given string) (string, *openapi3.MediaType) {
	isForm := given == typeForm || given == typeMultipart
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		form := kind == typeForm || kind == typeMultipart
		habit := "type of the body"
		switch {
		case form && isForm && kind != given:
			habit = "other form"
		case form && !isForm:
			habit = "JSON for a form"
		case !form && isForm:
			habit = "form for JSON"
		}
		if e.takes(habit, "") {
			return kind, content[kind]
		}
	}
	return "", nil
}

func (e *easing) easeJSON(c *call, kind, given string, schema *openapi3.Schema) {
	var value any
	if given == typeForm || given == typeMultipart {
		fields, err := parseForm(c.header.Get("Content-Type"), c.body)
		if err != nil {
			return
		}
		value, _ = fold(fields, schema)
	} else {
		dec := json.NewDecoder(bytes.NewReader(c.body))
		dec.UseNumber()
		if dec.Decode(&value) != nil || dec.More() {
			return
		}
	}
	before := len(e.met)
	value = e.value(value, schema, "")
	if len(e.met) == before && mediaType(c.header) == kind {
		return // as it came
	}
	if data, err := json.Marshal(value); err == nil {
		c.replace(kind, data)
	}
}

func (e *easing) easeForm(c *call, kind, given string, schema *openapi3.Schema) {
	var fields []Field
	if given == typeForm || given == typeMultipart {
		var err error
		if fields, err = parseForm(c.header.Get("Content-Type"), c.body); err != nil {
			return
		}
	} else {
		var value any
		dec := json.NewDecoder(bytes.NewReader(c.body))
		dec.UseNumber()
		if dec.Decode(&value) != nil {
			return
		}
		fields = flatten(nil, "", value)
	}
	before := len(e.met)
	var kept []Field
	for _, f := range fields {
		s, ok := fieldSchema(schema, f.Name)
		switch {
		case !ok && e.takes("unknown field", f.Name):
		case ok && f.Value == "" && f.Filename == "" && !takesEmpty(s) && e.takes("empty text", f.Name):
		default:
			if text, ok := truth(f.Value); ok && allows(s, openapi3.TypeBoolean) && !allows(s, openapi3.TypeString) && e.takes("number as text", f.Name) {
				f.Value = strconv.FormatBool(text)
			}
			kept = append(kept, f)
		}
	}
	if len(e.met) == before && mediaType(c.header) == kind {
		return
	}
	data, contentType := encodeForm(kind, kept)
	c.replace(contentType, data)
}

// replace gives the call another body. The header of the record stays.
func (c *call) replace(contentType string, data []byte) {
	c.header = c.header.Clone()
	c.header.Set("Content-Type", contentType)
	c.body = data
}

// value returns v in the form of the schema, where a habit covers the difference.
func (e *easing) value(v any, schema *openapi3.Schema, where string) any {
	schema = plainSchema(schema)
	if schema == nil {
		return v
	}
	list, object, text := allows(schema, openapi3.TypeArray), allows(schema, openapi3.TypeObject), allows(schema, openapi3.TypeString)
	number := allows(schema, openapi3.TypeInteger) || allows(schema, openapi3.TypeNumber)
	if s, ok := v.(string); ok && (list || object) && !text {
		if un, rest, ok := unserialize(s); ok && rest == "" && e.takes("PHP text", where) {
			v = un
		}
	}
	switch x := v.(type) {
	case string:
		switch {
		case text:
			return x
		case list && e.takes("single value", where):
			return e.list([]any{x}, schema, where)
		case object && slices.Equal(schema.Required, []string{"email"}) && e.takes("address alone", where):
			return map[string]any{"email": x}
		case number && isNumber(x) && e.takes("number as text", where):
			return json.Number(x)
		case allows(schema, openapi3.TypeBoolean):
			if on, ok := truth(x); ok && e.takes("number as text", where) {
				return on
			}
		}
	case json.Number:
		switch {
		case number:
		case list && e.takes("single value", where):
			return e.list([]any{x}, schema, where)
		case text && e.takes("text as number", where):
			return x.String()
		case allows(schema, openapi3.TypeBoolean):
			if on, ok := truth(x.String()); ok && e.takes("number as text", where) {
				return on
			}
		}
	case []any:
		switch {
		case list:
			return e.list(x, schema, where)
		case object && len(x) == 0 && e.takes("PHP array", where):
			return map[string]any{}
		case object && len(schema.Required) == 1:
			name := schema.Required[0]
			if p := schema.Properties[name]; p != nil && allows(p.Value, openapi3.TypeArray) && e.takes("list alone", name) {
				return e.value(map[string]any{name: x}, schema, where)
			}
		}
	case map[string]any:
		switch {
		case object || len(schema.Properties) > 0:
			return e.object(x, schema, where)
		case list:
			if items, ok := indexed(x); ok && e.takes("PHP array", where) {
				return e.list(items, schema, where)
			}
		}
	}
	return v
}

func (e *easing) list(items []any, schema *openapi3.Schema, where string) any {
	if schema.Items == nil {
		return items
	}
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = e.value(item, schema.Items.Value, fmt.Sprintf("%s/%d", where, i))
	}
	return out
}

func (e *easing) object(m map[string]any, schema *openapi3.Schema, where string) any {
	closed := schema.AdditionalProperties.Has != nil && !*schema.AdditionalProperties.Has
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		v, at := m[name], strings.TrimPrefix(where+"/"+name, "/")
		s := keySchema(schema, name)
		_, known := schema.Properties[name]
		switch {
		case closed && !known && e.takes("unknown field", at):
		case v == nil && known && !nullable(s) && !slices.Contains(schema.Required, name) && !refusedNull[name] && e.takes("null", at):
		case v == "" && known && !takesEmpty(plainSchema(s)) && !slices.Contains(schema.Required, name) && e.takes("empty text", at):
		default:
			out[name] = e.value(v, s, at)
		}
	}
	return out
}

// plainSchema returns the schema with types and properties in one place, also where it
// only refers to another by allOf.
func plainSchema(schema *openapi3.Schema) *openapi3.Schema {
	if schema != nil && schema.Type == nil && len(schema.AllOf) == 1 {
		return plainSchema(schema.AllOf[0].Value)
	}
	return schema
}

func nullable(schema *openapi3.Schema) bool {
	return schema == nil || allows(schema, "null") || schema.Nullable
}

// takesEmpty reports whether an empty text is a value of the schema.
func takesEmpty(schema *openapi3.Schema) bool {
	switch {
	case schema == nil || schema.Type == nil:
		return true
	case len(schema.Enum) > 0:
		return slices.Contains(schema.Enum, any(""))
	}
	return allows(schema, openapi3.TypeString)
}

// fieldSchema finds the schema of a field of a form; false when no part of the form has
// that name.
func fieldSchema(schema *openapi3.Schema, name string) (*openapi3.Schema, bool) {
	prop := property(schema, name)
	if prop == "" {
		// A form with free keys names none of them.
		return nil, schema.AdditionalProperties.Has == nil || *schema.AdditionalProperties.Has
	}
	s := plainSchema(schema.Properties[prop].Value)
	keys, ok := brackets(name[len(prop):])
	if !ok {
		return nil, false
	}
	for _, key := range keys {
		switch {
		case s == nil:
			return nil, true
		case allows(s, openapi3.TypeArray):
			if s.Items == nil {
				return nil, true
			}
			s = plainSchema(s.Items.Value)
		default:
			_, known := s.Properties[key]
			if closed := s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has; closed && !known {
				return nil, false
			}
			s = plainSchema(keySchema(s, key))
		}
	}
	return s, true
}

// bodyKind tells what a body is by its look, where its content type does not.
func bodyKind(c *call) string {
	kind := mediaType(c.header)
	if kind == typeMultipart {
		return kind
	}
	data := bytes.TrimSpace(c.body)
	switch {
	case len(data) > 0 && (data[0] == '{' || data[0] == '['):
		return "application/json"
	case kind == typeForm || !json.Valid(data):
		return typeForm
	}
	return "application/json"
}

// nothing reports whether a body says nothing.
func nothing(body []byte) bool {
	text := string(bytes.TrimSpace(body))
	return text == "{}" || text == "[]" || text == "null" || text == `""`
}

// scalars returns the values of a JSON object without objects inside as parameters.
func scalars(body []byte) ([]Field, bool) {
	var m map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&m) != nil {
		return nil, false
	}
	var out []Field
	for _, name := range slices.Sorted(maps.Keys(m)) {
		switch v := m[name].(type) {
		case nil:
		case string, json.Number, bool:
			out = append(out, Field{Name: name, Value: fmt.Sprint(v)})
		default:
			return nil, false
		}
	}
	return out, true
}

// flatten writes a JSON value as fields with brackets.
func flatten(to []Field, name string, v any) []Field {
	inside := func(key string) string {
		if name == "" {
			return key
		}
		return name + "[" + key + "]"
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			to = flatten(to, inside(key), v[key])
		}
	case []any:
		for i, item := range v {
			to = flatten(to, inside(strconv.Itoa(i)), item)
		}
	case nil:
	default:
		to = append(to, Field{Name: name, Value: fmt.Sprint(v)})
	}
	return to
}

func encodeForm(kind string, fields []Field) (data []byte, contentType string) {
	if kind == typeForm {
		pairs := make([]string, len(fields))
		for i, f := range fields {
			pairs[i] = url.QueryEscape(f.Name) + "=" + url.QueryEscape(f.Value)
		}
		return []byte(strings.Join(pairs, "&")), typeForm
	}
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, f := range fields { // writing to memory does not fail
		if f.Filename == "" {
			_ = w.WriteField(f.Name, f.Value)
			continue
		}
		h := map[string][]string{
			"Content-Disposition": {multipart.FileContentDisposition(f.Name, f.Filename)},
			"Content-Type":        {f.ContentType},
		}
		if part, err := w.CreatePart(h); err == nil {
			_, _ = part.Write([]byte(f.Value))
		}
	}
	_ = w.Close()
	return buf.Bytes(), w.FormDataContentType()
}

// indexed returns the values of an object whose keys are 0, 1, 2 and so on.
func indexed(m map[string]any) ([]any, bool) {
	keys := make([]int, 0, len(m))
	for key := range m {
		n, err := strconv.Atoi(key)
		if err != nil {
			return nil, false
		}
		keys = append(keys, n)
	}
	sort.Ints(keys)
	out := make([]any, len(keys))
	for i, n := range keys {
		out[i] = m[strconv.Itoa(n)]
	}
	return out, true
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && json.Valid([]byte(text))
}

// truth reads the words that forms and PHP have for a truth value.
func truth(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "1", "true", "yes", "on":
		return true, true
	case "0", "false", "no", "off":
		return false, true
	}
	return false, false
}

// unserialize reads the beginning of a text that PHP's serialize wrote, or a client in
// its manner: null, truth values, numbers, texts and arrays. An array with the keys 0, 1,
// 2 is a list.
func unserialize(text string) (value any, rest string, ok bool) {
	if rest, ok := strings.CutPrefix(text, "N;"); ok {
		return nil, rest, true
	}
	kind, body, found := strings.Cut(text, ":")
	if !found || len(kind) != 1 {
		return nil, text, false
	}
	switch kind {
	case "b", "i", "d":
		digits, rest, found := strings.Cut(body, ";")
		if !found || kind != "b" && !isNumber(digits) {
			return nil, text, false
		}
		if kind == "b" {
			return digits == "1", rest, true
		}
		return json.Number(digits), rest, true
	case "s":
		length, body, _ := strings.Cut(body, ":")
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || len(body) < n+3 || body[0] != '"' || body[n+1:n+3] != `";` {
			return nil, text, false
		}
		return body[1 : n+1], body[n+3:], true
	case "a":
		length, body, _ := strings.Cut(body, ":")
		n, err := strconv.Atoi(length)
		body, open := strings.CutPrefix(body, "{")
		if err != nil || !open {
			return nil, text, false
		}
		m := map[string]any{}
		for range n {
			var key, v any
			if key, body, ok = unserialize(body); !ok {
				return nil, text, false
			}
			if v, body, ok = unserialize(body); !ok {
				return nil, text, false
			}
			m[fmt.Sprint(key)] = v
		}
		if body, ok = strings.CutPrefix(body, "}"); !ok {
			return nil, text, false
		}
		if items, ok := indexed(m); ok && len(m) > 0 {
			return items, body, true
		}
		if len(m) == 0 {
			return []any{}, body, true
		}
		return m, body, true
	}
	return nil, text, false
}
