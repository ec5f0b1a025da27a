package main

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// unwritten stands for each text that somebody has to write. The rule table of
// the specs refuses a spec that has it.
const unwritten = "TODO"

// suggestion is what the new file has and the curated spec lacks, in the form of
// our specs: new operations, new fields of our schemas, new parameters. It holds
// names, types, values and bounds, which are facts, and no text of the vendor;
// the reader does not even keep that.
func (r *Report) suggestion() (string, error) {
	raw, err := os.ReadFile(r.project.spec)
	if err != nil {
		return "", err
	}
	s := &suggester{
		project: r.project, own: r.own, ids: map[string]bool{}, components: map[string]*component{}, seen: map[[2]*openapi3.Schema]bool{},
		flex: cmp.Or(
			firstMatch(flexPath, string(raw)),
			"github.com/postmux/postmux/rest/flex",
		), errors: errorAnswers(string(raw)),
	}
	for _, c := range r.project.curated {
		s.ids[strings.ToLower(c.id)] = true
	}
	for name := range r.own.doc.Components.Schemas {
		s.taken = append(s.taken, name)
	}
	var list, paths, parameters strings.Builder
	items := r.new.doc.Paths.Map()
	for _, path := range slices.Sorted(keys(items)) {
		heading := fmt.Sprintf("  %s:\n", path)
		operations := items[path].Operations()
		for _, method := range slices.Sorted(keys(operations)) {
			op := operations[method]
			here := withCommon(op, items[path])
			own, ok := r.project.curated[key(method, path)]
			listed, known := r.project.listed[key(method, path)]
			switch {
			case ok:
				s.grow(&parameters, own, here)
			case !known || listed.state == "curated":
				fmt.Fprintf(&list, "# %s\n", r.row(method, path, "curated"))
				paths.WriteString(heading)
				heading = ""
				s.operation(&paths, method, path, here)
			}
		}
	}
	return s.text(r, list.String(), paths.String(), parameters.String()), nil
}

func (s *suggester) text(r *Report, list, paths, parameters string) string {
	var b strings.Builder
	fmt.Fprintf(
		&b,
		"# What %s has and api/%s/openapi.yaml lacks. %s is to be written in our own words: the rules refuse it.\n",
		r.new.name,
		r.project.provider,
		unwritten,
	)
	if list != "" {
		b.WriteString(
			"#\n# Lines for operations.tsv; what is not taken up is ignored, with the reason, and goes out here.\n" + list,
		)
	}
	if parameters != "" {
		b.WriteString("#\n# New parameters of operations that the spec has:\n" + parameters)
	}
	if paths != "" {
		b.WriteString("paths:\n" + paths)
	}
	if len(s.components) > 0 {
		b.WriteString("components:\n  schemas:\n")
		for _, name := range s.order {
			s.components[name].write(&b, name)
		}
	}
	return b.String()
}

// suggester collects the parts.
type suggester struct {
	project    *project
	own        *vendorFile
	ids        map[string]bool // operationIds that are taken, in lower case
	taken      []string        // names of the curated components
	order      []string
	components map[string]*component
	seen       map[[2]*openapi3.Schema]bool
	flex       string
	errors     map[string]string // of a status, our shared response
}

// component is a new schema, or what is new in one that the spec has.
type component struct {
	known    bool // the spec has it
	answer   bool
	required []string
	fields   []string // lines
	names    []string // of the fields
	enum     []string
}

func (c *component) write(b *strings.Builder, name string) {
	if c.known {
		fmt.Fprintf(b, "    %s: # the spec has it; new are\n      properties:\n", name)
	} else {
		fmt.Fprintf(b, "    %s:\n", name)
		if c.enum != nil {
			fmt.Fprintf(b, "      type: string\n      enum: [%s]\n      description: %s\n", strings.Join(c.enum, ", "), unwritten)
			return
		}
		b.WriteString("      type: object\n")
		if c.answer {
			b.WriteString("      x-answer: true\n")
		}
		fmt.Fprintf(b, "      description: %s\n", unwritten)
		if len(c.required) > 0 {
			fmt.Fprintf(b, "      required: [%s]\n", strings.Join(c.required, ", "))
		}
		b.WriteString("      properties:\n")
	}
	for _, field := range c.fields {
		fmt.Fprintf(b, "        %s\n", field)
	}
}

func (s *suggester) component(name string) *component {
	if s.components[name] == nil {
		s.components[name] = &component{}
		s.order = append(s.order, name)
	}
	return s.components[name]
}

// grow collects what a curated operation has more of in the new file.
func (s *suggester) grow(parameters *strings.Builder, c curated, op *openapi3.Operation) {
	item := s.own.doc.Paths.Find(c.path)
	if item == nil {
		return
	}
	own := withCommon(item.GetOperation(c.method), item)
	for _, p := range op.Parameters {
		at := place{side: p.Value.In, field: p.Value.Name}
		if p.Value.In != "path" && own.Parameters.GetByInAndName(p.Value.In, p.Value.Name) == nil &&
			!s.project.explains(c.id, at) {
			fmt.Fprintf(parameters, "#   %s: - %s\n", c.id, s.parameter(c.id, p.Value))
		}
	}
	if own.RequestBody != nil && op.RequestBody != nil {
		s.fields(
			c.id,
			place{side: "request"},
			schemaOf(own.RequestBody.Value.Content),
			schemaOf(op.RequestBody.Value.Content),
			"",
		)
	}
	mine, theirs := success(own), success(op)
	if mine != nil && theirs != nil {
		s.fields(c.id, place{side: "response"}, mine, theirs, "")
	}
}

// fields compares two schemas and collects the fields that only theirs has.
func (s *suggester) fields(id string, at place, mine, theirs *openapi3.SchemaRef, name string) {
	if mine == nil || theirs == nil || mine.Value == nil || theirs.Value == nil ||
		s.seen[[2]*openapi3.Schema{mine.Value, theirs.Value}] {
		return
	}
	s.seen[[2]*openapi3.Schema{mine.Value, theirs.Value}] = true
	name = cmp.Or(refName(mine), name)
	if mine.Value.Items != nil && theirs.Value.Items != nil {
		at.field += "[]"
		s.fields(id, at, mine.Value.Items, theirs.Value.Items, name)
		return
	}
	if len(mine.Value.Properties) == 0 || name == "" {
		return // a free map, or a plain value
	}
	for _, field := range slices.Sorted(keys(theirs.Value.Properties)) {
		below := place{side: at.side, field: strings.TrimPrefix(at.field+"."+field, ".")}
		if own := mine.Value.Properties[field]; own != nil {
			s.fields(id, below, own, theirs.Value.Properties[field], "")
			continue
		}
		if c := s.component(name); !s.project.explains(id, below) &&
			!slices.Contains(c.names, field) {
			c.known = true
			c.names = append(c.names, field)
			c.fields = append(
				c.fields,
				fmt.Sprintf(
					"%s: %s",
					yamlText(field),
					s.schema(
						theirs.Value.Properties[field],
						name+exported(field),
						at.side == "response",
					),
				),
			)
		}
	}
	if c := s.components[name]; c != nil && len(c.fields) == 0 {
		delete(s.components, name)
		s.order = slices.DeleteFunc(s.order, func(n string) bool { return n == name })
	}
}

// operation writes a new operation.
func (s *suggester) operation(b *strings.Builder, method, path string, op *openapi3.Operation) {
	id := s.operationID(method, path)
	fmt.Fprintf(
		b,
		"    %s:\n      operationId: %s\n      summary: %s\n      tags: [%s]\n      x-effect: %s\n",
		strings.ToLower(method),
		id,
		unwritten,
		s.tag(path),
		unwritten,
	)
	if op.Deprecated {
		b.WriteString("      deprecated: true\n")
	}
	if len(op.Parameters) > 0 {
		b.WriteString("      parameters:\n")
		for _, p := range op.Parameters {
			fmt.Fprintf(b, "        - %s\n", s.parameter(id, p.Value))
		}
	}
	if op.RequestBody != nil {
		b.WriteString("      requestBody:\n")
		if op.RequestBody.Value.Required {
			b.WriteString("        required: true\n")
		}
		s.content(b, "        ", op.RequestBody.Value.Content, exported(id)+"Request", false)
	}
	b.WriteString("      responses:\n")
	statuses := op.Responses.Map()
	for _, code := range slices.Sorted(keys(statuses)) {
		if code[0] != '2' {
			continue
		}
		content := statuses[code].Value.Content
		if len(content) == 0 {
			fmt.Fprintf(b, "        '%s': {description: %s}\n", code, unwritten)
			continue
		}
		fmt.Fprintf(b, "        '%s':\n          description: %s\n", code, unwritten)
		s.content(b, "          ", content, exported(id)+"Answer", true)
	}
	for _, code := range slices.Sorted(keys(s.errors)) {
		// 401, 429 and default are at every operation; the others where the file has them.
		if statuses[code] != nil && code[0] != '2' ||
			slices.Contains([]string{"401", "429", "default"}, code) {
			fmt.Fprintf(
				b,
				"        %s: {$ref: '#/components/responses/%s'}\n",
				yamlText(code),
				s.errors[code],
			)
		}
	}
}

func (s *suggester) content(
	b *strings.Builder,
	indent string,
	content openapi3.Content,
	name string,
	answer bool,
) {
	fmt.Fprintf(b, "%scontent:\n", indent)
	for _, kind := range slices.Sorted(keys(content)) {
		fmt.Fprintf(
			b,
			"%s  %s:\n%s    schema: %s\n%s    example: %s\n",
			indent,
			kind,
			indent,
			s.body(content[kind].Schema, name, answer),
			indent,
			unwritten,
		)
	}
}

// body is the schema of a body, which is a component or a list of one.
func (s *suggester) body(ref *openapi3.SchemaRef, name string, answer bool) string {
	if ref == nil || ref.Value == nil {
		return "{}"
	}
	if len(ref.Value.Properties) > 0 {
		return fmt.Sprintf("{$ref: '#/components/schemas/%s'}", s.object(ref, name, answer))
	}
	text := s.schema(ref, name, answer)
	return strings.Replace(text, ", description: "+unwritten, "", 1)
}

func (s *suggester) parameter(id string, p *openapi3.Parameter) string {
	required := ""
	if p.Required {
		required = "required: true, "
	}
	note := notes(p.Schema)
	schema := strings.Replace(
		s.schema(p.Schema, exported(id)+exported(p.Name), false),
		", description: "+described(note),
		"",
		1,
	)
	return fmt.Sprintf(
		"{name: %s, in: %s, %sdescription: %s, schema: %s}",
		yamlText(p.Name),
		p.In,
		required,
		described(note),
		schema,
	)
}

// schema is a field's schema in one line, in the form of our specs.
func (s *suggester) schema(ref *openapi3.SchemaRef, name string, answer bool) string {
	if ref == nil || ref.Value == nil {
		return fmt.Sprintf("{description: %s}", unwritten)
	}
	v, about := ref.Value, described(notes(ref))
	types := v.Type.Slice()
	switch {
	case len(v.Properties) > 0:
		return fmt.Sprintf(
			"{$ref: '#/components/schemas/%s', description: %s}",
			s.object(ref, name, answer),
			about,
		)
	case len(types) > 1:
		return s.several(v, types, about, answer)
	case v.Type.Is("array"):
		items := strings.Replace(
			s.schema(v.Items, singular(name), answer),
			", description: "+described(notes(v.Items)),
			"",
			1,
		)
		return fmt.Sprintf(
			"{type: array, items: %s, description: %s}",
			strings.Replace(items, "{description: "+unwritten+"}", "{}", 1),
			about,
		)
	case v.Type.Is("object"):
		if below := v.AdditionalProperties.Schema; below != nil && below.Value != nil {
			inner := strings.Replace(
				s.schema(below, name+"Value", answer),
				", description: "+described(notes(below)),
				"",
				1,
			)
			return fmt.Sprintf(
				"{type: object, additionalProperties: %s, description: %s}",
				inner,
				about,
			)
		}
		return fmt.Sprintf("{type: object, additionalProperties: true, description: %s}", about)
	case v.Type.Is("string") && len(v.Enum) > 0 && !answer:
		return fmt.Sprintf(
			"{$ref: '#/components/schemas/%s', description: %s}",
			s.enum(v, name),
			about,
		)
	case len(types) == 0:
		return fmt.Sprintf("{description: %s}", about)
	}
	kind := types[0]
	format := v.Format
	switch {
	case kind == "integer":
		format = "int64"
	case !slices.Contains([]string{"date", "email", "uri", "uuid", "byte", "binary", "password"}, format):
		format = "" // times are texts, and the rest says nothing
	}
	out := "type: " + kind
	if v.Nullable && answer && kind == "string" {
		out = "type: [string, 'null'], x-go-type: string"
	}
	if format != "" {
		out += ", format: " + format
	}
	return fmt.Sprintf("{%s, description: %s}", out, about)
}

// several is a value that comes in several types: in answers one of the types of
// flex, in requests the first.
func (s *suggester) several(v *openapi3.Schema, types []string, about string, answer bool) string {
	if !answer {
		first := *v
		first.Type = &openapi3.Types{types[0]}
		return strings.Replace(
			s.schema(&openapi3.SchemaRef{Value: &first}, "", false),
			described(notes(&openapi3.SchemaRef{Value: &first})),
			about,
			1,
		)
	}
	kind := "flex.Text"
	switch {
	case slices.Contains(types, "boolean"):
		kind = "flex.Bool"
	case slices.Contains(types, "integer"):
		kind = "flex.Int"
	case slices.Contains(types, "object"):
		return fmt.Sprintf(
			"{type: [%s], x-go-type: json.RawMessage, description: %s}",
			strings.Join(types, ", "),
			about,
		)
	}
	return fmt.Sprintf(
		"{type: [%s], x-go-type: %s, x-go-type-import: {path: %s}, description: %s}",
		strings.Join(types, ", "),
		kind,
		s.flex,
		about,
	)
}

// object adds a component for an object and returns its name. Requests and
// answers have components of their own; the same object under two names is one.
func (s *suggester) object(ref *openapi3.SchemaRef, name string, answer bool) string {
	have := refName(ref)
	if have != "" {
		name = exported(have)
		if !answer && !strings.HasSuffix(name, "Request") {
			name = "New" + name
		}
	}
	for slices.Contains(s.taken, name) {
		name += "2"
	}
	if s.components[name] != nil {
		return name
	}
	c := &component{answer: answer}
	if !answer {
		c.required = ref.Value.Required
	}
	if have != "" {
		s.components[name] = c // before its fields, which may lead back to it
		s.order = append(s.order, name)
	}
	for _, field := range slices.Sorted(keys(ref.Value.Properties)) {
		schema := s.schema(ref.Value.Properties[field], name+exported(field), answer)
		c.fields = append(c.fields, yamlText(field)+": "+schema)
	}
	if have != "" {
		return name
	}
	for _, other := range s.order {
		if reflect.DeepEqual(s.components[other], c) {
			return other
		}
	}
	s.components[name] = c
	s.order = append(s.order, name)
	return name
}

func (s *suggester) enum(v *openapi3.Schema, name string) string {
	var values []string
	for _, value := range v.Enum {
		values = append(values, yamlText(fmt.Sprint(value)))
	}
	for slices.Contains(s.taken, name) || s.components[name] != nil && !slices.Equal(s.components[name].enum, values) {
		name += "2"
	}
	s.component(name).enum = values
	return name
}

// notes are what the description has to say of a schema: values, bounds, default.
func notes(ref *openapi3.SchemaRef) string {
	if ref == nil || ref.Value == nil {
		return ""
	}
	v := ref.Value
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if len(v.Enum) > 0 {
		values := make([]string, len(v.Enum))
		for i, value := range v.Enum {
			values[i] = fmt.Sprint(value)
		}
		add("known: %s", strings.Join(values, ", "))
	}
	if v.Type != nil && len(v.Type.Slice()) > 1 {
		add("as %s", strings.Join(v.Type.Slice(), " or "))
	}
	if v.Min != nil {
		add("from %v", *v.Min)
	}
	if v.Max != nil {
		add("to %v", *v.Max)
	}
	if v.MinLength > 0 {
		add("at least %d characters", v.MinLength)
	}
	if v.MaxLength != nil {
		add("at most %d characters", *v.MaxLength)
	}
	if v.MinItems > 0 {
		add("at least %d", v.MinItems)
	}
	if v.MaxItems != nil {
		add("at most %d", *v.MaxItems)
	}
	if v.Pattern != "" {
		add("pattern %s", v.Pattern)
	}
	if v.Format != "" &&
		!slices.Contains(
			[]string{"int64", "int32", "email", "uri", "uuid", "byte", "binary", "password"},
			v.Format,
		) {
		add("format %s", v.Format)
	}
	if v.Nullable {
		add("may be null")
	}
	if v.Default != nil {
		add("default %v", v.Default)
	}
	return strings.Join(out, "; ")
}

// described is a description that has to be written, with the facts for it.
func described(note string) string {
	if note == "" {
		return unwritten
	}
	return yamlText(unwritten + ": " + note)
}

// operationID is a name by our rules: the verb first, then what the path names.
func (s *suggester) operationID(method, path string) string {
	var words []string
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		if !strings.HasPrefix(part, "{") {
			words = append(words, part)
		}
	}
	one := strings.HasSuffix(path, "}")
	verb := map[string]string{"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}[method]
	switch {
	case method == "GET" && one:
		verb = "get"
	case method == "GET":
		verb = "list"
	}
	name := ""
	for n := 1; n <= len(words); n++ {
		last := words[len(words)-n]
		if n > 1 || one || method == "POST" {
			last = singular(last)
		}
		name = exported(last) + name
		if id := verb + name; !s.ids[strings.ToLower(id)] {
			s.ids[strings.ToLower(id)] = true
			return id
		}
	}
	return unwritten
}

// tag is that of the curated operation with the longest common beginning of its path.
func (s *suggester) tag(path string) string {
	best, tag := 1, unwritten
	for p, item := range s.own.doc.Paths.Map() {
		n := 0
		for n < len(p) && n < len(path) && p[n] == path[n] {
			n++
		}
		n = strings.Count(p[:n], "/")
		if n <= best {
			continue
		}
		for method := range item.Operations() {
			if t := s.project.tags[key(method, p)]; t != "" {
				best, tag = n, t
			}
		}
	}
	return tag
}

var (
	flexPath    = regexp.MustCompile(`x-go-type-import: \{path: (\S+)\}`)
	errorAnswer = regexp.MustCompile(
		`(?m)^        '?(\d{3}|default)'?: \{\$ref: '#/components/responses/(\w+)'\}`,
	)
)

// errorAnswers are the shared responses of our spec, by the status at which they
// stand most often.
func errorAnswers(raw string) map[string]string {
	count := map[[2]string]int{}
	out := map[string]string{}
	for _, m := range errorAnswer.FindAllStringSubmatch(raw, -1) {
		k := [2]string{m[1], m[2]}
		count[k]++
		if count[k] > count[[2]string{m[1], out[m[1]]}] || out[m[1]] == "" {
			out[m[1]] = m[2]
		}
	}
	return out
}

func firstMatch(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// withCommon is an operation with the parameters of its path item.
func withCommon(op *openapi3.Operation, item *openapi3.PathItem) *openapi3.Operation {
	out := *op
	out.Parameters = slices.Concat(op.Parameters, item.Parameters)
	return &out
}

func schemaOf(content openapi3.Content) *openapi3.SchemaRef {
	for _, kind := range slices.Sorted(keys(content)) {
		return content[kind].Schema
	}
	return nil
}

func success(op *openapi3.Operation) *openapi3.SchemaRef {
	statuses := op.Responses.Map()
	for _, code := range slices.Sorted(keys(statuses)) {
		if code[0] == '2' && len(statuses[code].Value.Content) > 0 {
			return schemaOf(statuses[code].Value.Content)
		}
	}
	return nil
}

func refName(ref *openapi3.SchemaRef) string {
	return ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]
}

// exported is a name as Go and our schemas write it.
func exported(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			up = true
			continue
		}
		if up {
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return b.String()
}

func singular(name string) string {
	switch {
	case strings.HasSuffix(name, "ies"):
		return strings.TrimSuffix(name, "ies") + "y"
	case strings.HasSuffix(name, "ss") || strings.HasSuffix(name, "us"):
		return name
	}
	return strings.TrimSuffix(name, "s")
}

// yamlText is a text as YAML within braces.
func yamlText(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return "'" + text + "'"
	}
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if strings.ContainsAny(text, ",{}[]:#&*!|>%@`'\"") {
		node.Style = yaml.SingleQuotedStyle
	}
	out, err := yaml.Marshal(&node)
	if err != nil {
		return strconv.Quote(text)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", " ")
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
