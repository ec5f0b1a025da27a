package reader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// text reads the bytes of a file as maps, lists and scalars; numbers are json.Number.
func (t *tidier) text(data []byte) (any, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	if err := looksLike(data); err != nil {
		return nil, err
	}
	data = t.onlyText(data)
	if data[0] == '{' || data[0] == '[' {
		if top, repairs, err := readJSON(data); err == nil {
			for _, r := range repairs {
				t.repair(r.Kind, r.Place)
			}
			return top, nil
		}
	}
	node, err := t.parseYAML(data)
	if err != nil {
		return nil, fmt.Errorf("is neither JSON nor YAML: %w", err)
	}
	c := converter{tidier: t, left: maxNodes}
	top := c.value(node, 0)
	if c.deep {
		return nil, errTooDeep
	}
	if c.left < 0 {
		return nil, fmt.Errorf("has more than %d values, aliases resolved", maxNodes)
	}
	return top, nil
}

// onlyText leaves out what no JSON or YAML reader takes.
func (t *tidier) onlyText(data []byte) []byte {
	var out []byte
	line := 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		bad := r == utf8.RuneError && size == 1 || r < ' ' && r != '\n' && r != '\t' && r != '\r' ||
			r == 0x7f
		if bad && out == nil {
			out = append(make([]byte, 0, len(data)), data[:i]...)
		}
		if bad {
			t.repair(BadEncoding, fmt.Sprintf("line %d", line))
		} else if out != nil {
			out = append(out, data[i:i+size]...)
		}
		if r == '\n' {
			line++
		}
		i += size
	}
	if out == nil {
		return data
	}
	return append(out, '\n')
}

// readJSON reads JSON, also with escapes, commas and comments that JSON does
// not have. The error says only that the text is no JSON.
func readJSON(data []byte) (any, []Repair, error) {
	data, repairs := strictJSON(data)
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	top, err := jsonValue(d, data, "", &repairs, 0)
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("text after the end")
	}
	return top, repairs, nil
}

// jsonValue reads one value. The standard decoder would take the last of two
// equal keys without a word.
func jsonValue(d *json.Decoder, data []byte, at string, repairs *[]Repair, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		out := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ := name.(string)
			v, err := jsonValue(d, data, at+"/"+key, repairs, depth+1)
			if err != nil {
				return nil, err
			}
			if old, ok := out[key]; ok {
				line := 1 + bytes.Count(data[:d.InputOffset()], []byte("\n"))
				*repairs = append(
					*repairs,
					Repair{DuplicateKey, fmt.Sprintf("line %d: %s", line, key)},
				)
				v = both(old, v)
			}
			out[key] = v
		}
		_, err = d.Token()
		return out, err
	case json.Delim('['):
		out := []any{}
		for d.More() {
			v, err := jsonValue(d, data, at, repairs, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err = d.Token()
		return out, err
	}
	return token, nil
}

// both is the value of a key that appears twice.
func both(old, later any) any {
	a, ok := old.(map[string]any)
	b, also := later.(map[string]any)
	if !ok || !also {
		return later
	}
	for k, v := range b {
		if was, ok := a[k]; ok {
			v = both(was, v)
		}
		a[k] = v
	}
	return a
}

// strictJSON rewrites loose JSON. Lines keep their numbers.
func strictJSON(data []byte) ([]byte, []Repair) {
	var repairs []Repair
	out := make([]byte, 0, len(data))
	line := 1
	report := func(k Kind) {
		place := fmt.Sprintf("line %d", line)
		if n := len(repairs); n == 0 || repairs[n-1] != (Repair{k, place}) {
			repairs = append(repairs, Repair{k, place})
		}
	}
	comma := -1 // where in out the last comma is, while only blanks follow it
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c == '"':
			text, next, escapes, broken := jsonString(data, i)
			if escapes {
				report(BadEscape)
			}
			if broken {
				report(LooseJSON)
			}
			quoted, _ := json.Marshal(text)
			out, comma = append(out, quoted...), -1
			line += bytes.Count(data[i:next], []byte("\n"))
			i = next
			continue
		case bytes.HasPrefix(data[i:], []byte("//")):
			report(LooseJSON)
			for i < len(data) && data[i] != '\n' {
				i++
			}
			continue
		case bytes.HasPrefix(data[i:], []byte("/*")):
			report(LooseJSON)
			end := bytes.Index(data[i+2:], []byte("*/"))
			if end < 0 {
				return data, nil
			}
			line += bytes.Count(data[i:i+2+end], []byte("\n"))
			i += end + 4
			continue
		case c == ',':
			comma = len(out)
		case (c == '}' || c == ']') && comma >= 0:
			report(LooseJSON)
			out[comma] = ' '
			comma = -1
		case c == '\n':
			line++
		case c != ' ' && c != '\t' && c != '\r':
			comma = -1
		}
		out = append(out, data[i])
		i++
	}
	return out, repairs
}

// jsonString reads the text that begins with the quote at start; next is what follows it.
func jsonString(data []byte, start int) (text string, next int, escapes, broken bool) {
	var b []byte
	i := start + 1
	for i < len(data) && data[i] != '"' {
		c := data[i]
		if c != '\\' || i+1 == len(data) {
			broken = broken || c == '\n' || c == '\r' || c == '\t'
			b = append(b, c)
			i++
			continue
		}
		i += 2
		switch c = data[i-1]; c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b', 'f', 'n', 'r', 't':
			b = append(b, "\b\f\n\r\t"[strings.IndexByte("bfnrt", c)])
		case 'u':
			r, ok := hex(data, i, 4)
			if !ok {
				escapes, b = true, append(b, '\\', 'u')
				continue
			}
			i += 4
			if utf16.IsSurrogate(r) && bytes.HasPrefix(data[i:], []byte(`\u`)) {
				if low, ok := hex(data, i+2, 4); ok && utf16.DecodeRune(r, low) != utf8.RuneError {
					r = utf16.DecodeRune(r, low)
					i += 6
				}
			}
			b = utf8.AppendRune(b, r)
		case 'x':
			r, ok := hex(data, i, 2)
			if !ok {
				escapes, b = true, append(b, '\\', 'x')
				continue
			}
			escapes, b = true, utf8.AppendRune(b, r)
			i += 2
		case '\'':
			escapes, b = true, append(b, c)
		default: // as \d of a pattern
			escapes, b = true, append(b, '\\', c)
		}
	}
	return string(b), min(i+1, len(data)), escapes, broken
}

func hex(data []byte, at, digits int) (rune, bool) {
	if at+digits > len(data) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(data[at:at+digits]), 16, 32)
	return rune(n), err == nil
}

const (
	maxNodes      = 5_000_000 // an alias within an alias within an alias would fill any memory
	maxDepth      = 500
	maxYAMLFixes  = 200
	maxYAMLBroken = 20 << 20 // bytes of a broken file that are worth the repeated attempts
)

var errTooDeep = fmt.Errorf("is nested more than %d levels deep", maxDepth)

var yamlLine = regexp.MustCompile(`line (\d+)`)

// parseYAML parses, and repairs line by line what is no strict YAML: a change
// of a line counts when the parser then gets further.
func (t *tidier) parseYAML(data []byte) (*yaml.Node, error) {
	node, err := parseOnce(data)
	if err == nil || len(data) > maxYAMLBroken || !bytes.Contains(data, []byte("paths")) {
		return node, err
	}
	lines := strings.Split(string(data), "\n")
	fixed := map[int]Kind{}
	defer func() {
		for _, n := range slices.Sorted(maps.Keys(fixed)) {
			t.repair(fixed[n], fmt.Sprintf("line %d", n))
		}
	}()
	closed := false
	for range maxYAMLFixes {
		fix, then := nextFix(lines, err)
		switch {
		case fix != nil:
			lines[fix.line-1], fixed[fix.line] = fix.text, fix.kind
		case !closed:
			// The parser names the beginning of a mapping and not the line within it.
			closed = true
			for i, line := range lines {
				if closesEarly(line) {
					lines[i], fixed[i+1] = quoted(line), LooseYAML
				}
			}
			_, then = parseOnce([]byte(strings.Join(lines, "\n")))
		default:
			return nil, err
		}
		if then == nil {
			return parseOnce([]byte(strings.Join(lines, "\n")))
		}
		err = then
	}
	return nil, err
}

type yamlFix struct {
	line int
	text string
	kind Kind
}

// nextFix finds a change near the line that the parser complains of, after which
// it gets further; then is what it says then.
func nextFix(lines []string, err error) (fix *yamlFix, then error) {
	at := errorLine(err)
	for _, n := range []int{at, at - 1, at + 1} {
		if at == 0 || n < 1 || n > len(lines) {
			continue
		}
		old := lines[n-1]
		for _, try := range yamlFixes {
			text := try.change(old)
			if text == old {
				continue
			}
			lines[n-1] = text
			_, then = parseOnce([]byte(strings.Join(lines, "\n")))
			lines[n-1] = old
			if then == nil || errorLine(then) > at ||
				errorLine(then) == at && then.Error() != err.Error() {
				return &yamlFix{n, text, try.kind}, then
			}
		}
	}
	return nil, err
}

func parseOnce(data []byte) (*yaml.Node, error) {
	var node yaml.Node
	err := yaml.Unmarshal(data, &node)
	return &node, err
}

// errorLine is the line that the parser names. Some of its messages count from 0.
func errorLine(err error) int {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

var (
	keyed     = regexp.MustCompile(`^(\s*(?:- )*(?:"[^"]*"|'[^']*'|[^\s"'#:]+)\s*:\s+)(\S.*)$`)
	yamlFixes = []struct {
		kind   Kind
		change func(line string) string
	}{
		{BadEscape, fixEscapes},
		{Tabs, func(line string) string {
			blank := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
			return strings.ReplaceAll(blank, "\t", "  ") + line[len(blank):]
		}},
		{LooseYAML, quoted},
	}
)

// quoted is the line with its value in quotes: a text with a colon, or one that
// begins with what YAML reads otherwise.
func quoted(line string) string {
	m := keyed.FindStringSubmatch(strings.TrimRight(line, " \r"))
	if m == nil || strings.HasPrefix(m[2], "|") || strings.HasPrefix(m[2], ">") {
		return line
	}
	value := m[2]
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1] // a quote within a quoted text
	}
	return m[1] + "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// closesEarly reports whether the value of a line is in quotes or brackets that
// end before the line does, as in: "a" b.
func closesEarly(line string) bool {
	m := keyed.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	value, end := m[2], -1
	switch value[0] {
	case '"':
		for end = 1; end < len(value) && value[end] != '"'; end++ {
			if value[end] == '\\' {
				end++
			}
		}
	case '\'':
		for end = 1; end < len(value) && value[end] != '\''; end++ {
			if strings.HasPrefix(value[end+1:], "''") {
				end += 2
			}
		}
	case '[':
		end = strings.LastIndexByte(value, ']')
	case '{':
		end = strings.LastIndexByte(value, '}')
	}
	if end < 1 || end >= len(value) {
		return false
	}
	rest := strings.TrimSpace(value[end+1:])
	return rest != "" && rest[0] != '#' && rest[0] != ','
}

// fixEscapes doubles the backslashes that begin no escape of YAML.
func fixEscapes(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		b.WriteByte(line[i])
		if line[i] != '\\' {
			continue
		}
		if i+1 < len(line) && strings.IndexByte(`0abtnvfre "/\N_LPxuU`, line[i+1]) >= 0 {
			i++
			b.WriteByte(line[i])
		} else if i+1 < len(line) {
			b.WriteByte('\\')
		}
	}
	return b.String()
}

// converter turns nodes of YAML into values as JSON has them.
type converter struct {
	*tidier
	left int  // nodes that may still be made
	deep bool // something was nested too deep
}

func (c *converter) value(n *yaml.Node, depth int) any {
	c.deep = c.deep || depth > maxDepth
	if c.left--; c.left < 0 || c.deep {
		return nil
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) > 0 {
			return c.value(n.Content[0], depth+1)
		}
	case yaml.AliasNode:
		return c.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			out = append(out, c.value(item, depth+1))
		}
		return out
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.ScalarNode:
		return scalarOf(n)
	}
	return nil
}

func (c *converter) mapping(n *yaml.Node, depth int) map[string]any {
	out := map[string]any{}
	var merged []any
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, v := n.Content[i], c.value(n.Content[i+1], depth+1)
		if name.Tag == "!!merge" {
			merged = append(merged, v)
			continue
		}
		if old, ok := out[name.Value]; ok {
			c.repair(DuplicateKey, fmt.Sprintf("line %d: %s", name.Line, name.Value))
			v = both(old, v)
		}
		out[name.Value] = v
	}
	for _, m := range merged {
		list, ok := m.([]any)
		if !ok {
			list = []any{m}
		}
		for _, item := range list {
			from, _ := item.(map[string]any)
			for k, v := range from {
				if _, ok := out[k]; !ok {
					out[k] = v
				}
			}
		}
	}
	return out
}

// scalarOf is a scalar by the rules of YAML 1.2: yes and no are texts, and so
// are times and numbers with a leading zero.
func scalarOf(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		if f, err := strconv.ParseFloat(strings.TrimPrefix(n.Value, "+"), 64); err == nil &&
			!math.IsInf(f, 0) &&
			!math.IsNaN(f) &&
			!strings.HasPrefix(n.Value, "0") {
			return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
		}
	}
	return n.Value
}

// scalar is a scalar as text, without a type.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
