package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// exchange is a request that is carried out, and the answer to it. The mails that came
// of it show both.
type exchange struct {
	request Request // without Fields, which are read again from the body
	status  int     // of the answer; 0 while there is none, dropped
	answer  []byte
	taken   []string // habits, see Lenient
	notes   []string
}

func newExchange(r Request, taken []string) *exchange {
	r.Fields = nil
	return &exchange{request: r, taken: taken}
}

// headerSize is what x keeps beside the body, in bytes.
func (x *exchange) headerSize() int {
	if x == nil {
		return 0
	}
	n := 0
	for name, values := range x.request.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// fault notes what a fault makes of the answer.
func (x *exchange) fault(f Fault, failing bool) {
	if !failing {
		return
	}
	what := fmt.Sprintf("answered %d", f.Status)
	switch {
	case f.Drop:
		what = "closed the connection"
	case f.slow():
		what = "let the answer wait"
	}
	if f.Delay > 0 {
		what += fmt.Sprintf(", after %s", f.Delay)
	}
	x.notes = append(x.notes, "A fault of the test "+what+".")
}

// note adds a note to the request that is carried out; s.mu is held.
func (s *Server) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.current != nil && !slices.Contains(s.current.notes, text) {
		s.current.notes = append(s.current.notes, text)
	}
}

// maxAnswer is what is kept of an answer, in bytes. That to a thousand mails has 70 KB.
const maxAnswer = 256 << 10

func (x *exchange) answered(a answer) {
	x.status = a.status
	body, _ := a.body.([]byte)
	x.answer = body[:min(len(body), maxAnswer)]
}

// exchangeView is an exchange as the control API shows it: without credentials, and
// without the greater part of long texts unless all of them is asked for.
type exchangeView struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"` // the vendor's, decoded
	Query   []fieldView       `json:"query"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`   // empty when it is a form
	Fields  []fieldView       `json:"fields"` // of a form, in order
	Answer  answerView        `json:"answer"`
	Taken   []string          `json:"taken"` // what a lenient sandbox took
}

type answerView struct {
	Status int    `json:"status"` // 0: the connection was closed without an answer
	Body   string `json:"body"`
}

type fieldView struct {
	Name     string `json:"name"`
	Value    string `json:"value,omitempty"`
	FileName string `json:"file_name,omitempty"`
	Size     int    `json:"size,omitempty"` // of a file, in bytes
}

// redacted stands in the place of credentials.
const redacted = "REDACTED"

// secretWords are parts of the names of headers and fields that hold credentials.
var secretWords = []string{"auth", "api-key", "api_key", "apikey", "token", "secret", "password", "cookie", "signature"}

func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) })
}

// longest is the longest text of a body that is shown whole, in bytes.
const longest = 2000

// view shows x. key is the credential that the fake accepts.
func (x *exchange) view(key string, whole bool) exchangeView {
	most := longest
	if whole {
		most = maxBody * 2
	}
	hide := func(text string) string {
		if key != "" {
			text = strings.ReplaceAll(text, key, redacted)
		}
		return text
	}
	field := func(f Field) fieldView {
		switch {
		case secretName(f.Name):
			return fieldView{Name: f.Name, Value: redacted}
		case f.Filename != "":
			return fieldView{Name: f.Name, FileName: f.Filename, Size: len(f.Value)}
		}
		return fieldView{Name: f.Name, Value: shorten(hide(strings.ToValidUTF8(f.Value, "\ufffd")), most)}
	}
	r := x.request
	v := exchangeView{
		Method: r.Method, Path: hide(r.Path), Query: []fieldView{}, Headers: map[string]string{}, Fields: []fieldView{},
		Taken:  append([]string{}, x.taken...),
		Answer: answerView{Status: max(x.status, 0), Body: pretty(hide(string(x.answer)), most)},
	}
	for name, values := range r.Header {
		v.Headers[name] = hide(strings.Join(values, ", "))
		if secretName(name) {
			v.Headers[name] = redacted
		}
	}
	for _, f := range queryFields(r.Query) {
		v.Query = append(v.Query, field(f))
	}
	if kind := mediaType(r.Header); kind == typeForm || kind == typeMultipart {
		if fields, err := parseForm(r.Header.Get("Content-Type"), r.Body); err == nil {
			for _, f := range fields {
				v.Fields = append(v.Fields, field(f))
			}
			return v
		}
	}
	v.Body = pretty(hide(string(r.Body)), most)
	return v
}

// queryFields are the parameters of a query by name.
func queryFields(q url.Values) []Field {
	var out []Field
	for name, values := range q {
		for _, v := range values {
			out = append(out, Field{Name: name, Value: v})
		}
	}
	slices.SortStableFunc(out, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// pretty indents JSON, with texts of at most most bytes, and shortens anything else.
func pretty(body string, most int) string {
	body = strings.ToValidUTF8(body, "\ufffd")
	if !json.Valid([]byte(body)) {
		return shorten(body, most)
	}
	var short, out bytes.Buffer
	for i := 0; i < len(body); {
		if body[i] != '"' {
			short.WriteByte(body[i])
			i++
			continue
		}
		end := i + 1
		for ; body[end] != '"'; end++ {
			if body[end] == '\\' {
				end++
			}
		}
		end++
		short.WriteString(shortenJSON(body[i:end], most))
		i = end
	}
	if err := json.Indent(&out, short.Bytes(), "", "  "); err != nil {
		return short.String()
	}
	return out.String()
}

// shortenJSON shortens a text in its quotes.
func shortenJSON(quoted string, most int) string {
	if len(quoted) <= most+2 {
		return quoted
	}
	cut := 1
	for cut < most/4 {
		_, n := utf8.DecodeRuneInString(quoted[cut:])
		if quoted[cut] == '\\' {
			if n = 2; quoted[cut+1] == 'u' {
				n = 6
			}
		}
		cut += n
	}
	return quoted[:cut] + leftOut(len(quoted)-1-cut) + `"`
}

func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := strings.ToValidUTF8(text[:most/4], "")
	return cut + leftOut(len(text)-len(cut))
}

func leftOut(n int) string { return fmt.Sprintf(" … %d bytes more", n) }
