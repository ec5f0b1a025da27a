package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/postmux/postmux/internal/notes"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/rest/flex"
)

// evidence decides whether a 2xx answer proves that a send or a change was carried
// out. The body decides, and not its Content-Type: many servers, gateways and
// maintenance pages answer 200 to everything. It proves a success when it is
//   - an object of the operation's success form with an id, under any 2xx;
//   - under a documented status, an object with a member of that form in its JSON
//     type, or the beginning of one that broke off or grew too large;
//   - empty or {} under a status for which the spec documents no content.
//
// Anything else is [outcome.NoEvidence]. Reads pass: nothing depends on them.
type evidence struct {
	linked
	assumed bool // the spec's statuses are a guess, so those in assumedStatuses count as documented
	header  headerReader
}

// assumedStatuses are the statuses with content that a vendor without documented
// statuses may use for a success.
const assumedStatuses = "200 201 202"

func (l *evidence) do(ctx context.Context, x exchange) (*Answer, *failure) {
	a, f := l.next.do(ctx, x)
	if a == nil || !a.OK() || x.call.Effect == rest.Read {
		return a, f
	}
	var why string
	switch {
	case f == nil:
		a.decoded = true
		f, why = l.judge(x, a)
		if f == nil && why == "" && !l.documented(x.call, a.Status, x.call.Success) && !l.documented(x.call, a.Status, x.call.Empty) {
			notes.Add(ctx, fmt.Sprintf("status %d is not documented for this request; the id in the response proves that it was carried out", a.Status))
		}
	case f.class == outcome.Unreadable:
		if !l.documented(x.call, a.Status, x.call.Success) || !begins(a.Body, formOf(x.out)) {
			why = f.err.Message
		}
	}
	if why != "" {
		f = &failure{outcome.NoEvidence, &provider.Error{
			Kind:    provider.ErrOutcomeUnknown,
			Message: fmt.Sprintf("no usable answer: status %d and %s", a.Status, why),
		}}
	}
	if f != nil {
		l.header.annotate(f.err, a)
	}
	return a, f
}

// judge decodes the answer into x.out. It returns what the body is when that proves
// nothing, or a failure when it proves a success that cannot be read.
func (l *evidence) judge(x exchange, a *Answer) (f *failure, why string) {
	form := formOf(x.out)
	body := a.Body
	if empty := len(body) == 0; empty || emptyObject(body) {
		switch {
		case l.documented(x.call, a.Status, x.call.Empty), unspecified(x.call):
			return nil, ""
		case empty:
			return nil, "an empty body"
		}
		return nil, "an empty object"
	}
	if err := decode(x.call, body, x.out); err != nil {
		documented := l.documented(x.call, a.Status, x.call.Success)
		member := hasMember(body, form)
		switch {
		case documented && member && flex.DecodeEmpty(body, x.out) == nil:
			return nil, "" // another member is nothing, as PHP writes it
		case documented && (member || begins(body, form)):
			e := &provider.Error{Message: "the answer cannot be decoded", Err: err}
			return &failure{outcome.Unreadable, e}, ""
		}
		return nil, shapeOf(body)
	}
	switch {
	case unspecified(x.call) && json.Valid(body):
		return nil, ""
	case !l.documented(x.call, a.Status, x.call.Success):
		if hasID(reflect.ValueOf(x.out)) {
			return nil, ""
		}
		return nil, "an answer that is not documented for it"
	case form == nil && x.call.Success != "" && json.Valid(body):
		// A list, or a value with a decoder of its own.
		return nil, ""
	case form != nil && (anySet(reflect.ValueOf(x.out).Elem()) || hasMember(body, form)):
		return nil, ""
	}
	return nil, shapeOf(body)
}

func (l *evidence) documented(call *rest.Call, status int, statuses string) bool {
	if unspecified(call) {
		return true
	}
	guess := l.assumed && statuses == call.Success && statuses != "" && has(assumedStatuses, status)
	return guess || has(statuses, status)
}

// has reports whether the list of statuses holds status.
func has(statuses string, status int) bool {
	for s := range strings.SplitSeq(statuses, " ") {
		if n, err := strconv.Atoi(s); err == nil && n == status {
			return true
		}
	}
	return false
}

// unspecified reports whether no spec describes the call.
func unspecified(call *rest.Call) bool { return call.Success == "" && call.Empty == "" }

func emptyObject(body []byte) bool {
	return body[0] == '{' && body[len(body)-1] == '}' && len(bytes.TrimSpace(body[1:len(body)-1])) == 0
}

// shapeOf says in words what a body is.
func shapeOf(body []byte) string {
	switch {
	case json.Valid(body):
		return "JSON of another shape"
	case body[0] == '<':
		return "HTML"
	case body[0] == '{', body[0] == '[':
		return "JSON that is not whole"
	}
	return "text that is no JSON"
}

// formOf returns the type of the success form, or nil when it is no struct with
// documented members.
func formOf(out any) reflect.Type {
	t := reflect.TypeOf(out)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil
	}
	if t.Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	return t.Elem()
}

// anySet reports whether a member was decoded. It spares a look into the body.
func anySet(v reflect.Value) bool {
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			return true
		}
	}
	return false
}

// hasMember reports whether body is an object with a member of form in its JSON type.
func hasMember(body []byte, form reflect.Type) bool {
	var members map[string]json.RawMessage
	if form == nil || json.Unmarshal(body, &members) != nil {
		return false
	}
	for name, raw := range members {
		if fits(raw, memberOf(form, name)) {
			return true
		}
	}
	return false
}

// fits reports whether raw is a value of t, which may be nil, and not null. What is in it
// may be nothing, as PHP writes it.
func fits(raw json.RawMessage, t reflect.Type) bool {
	if t == nil || string(raw) == "null" {
		return false
	}
	v := reflect.New(t).Interface()
	return json.Unmarshal(raw, v) == nil || !flex.Empty(raw) && flex.DecodeEmpty(raw, v) == nil
}

// begins reports whether body is the beginning of an object in which a member of
// form has been read, or has begun, in its JSON type.
func begins(body []byte, form reflect.Type) bool {
	if form == nil {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for {
		key, err := d.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return false
		}
		begun := bytes.TrimLeft(body[d.InputOffset():], " \t\r\n:")
		t := memberOf(form, name)
		var raw json.RawMessage
		err = d.Decode(&raw)
		switch {
		case err == nil && fits(raw, t):
			return true
		case err != nil:
			cut := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
			return cut && t != nil && (len(begun) == 0 || mayBegin(t, begun[0]))
		}
	}
}

// mayBegin reports whether a value of t may begin with c.
func mayBegin(t reflect.Type, c byte) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return strings.IndexByte(`"{[-0123456789tf`, c) >= 0
	}
	switch t.Kind() {
	case reflect.String:
		return c == '"'
	case reflect.Bool:
		return c == 't' || c == 'f'
	case reflect.Struct, reflect.Map:
		return c == '{'
	case reflect.Slice, reflect.Array:
		return c == '[' || c == '"' // []byte is a text
	}
	return c == '-' || '0' <= c && c <= '9'
}

// memberOf returns the type of the member with the name, or nil.
func memberOf(form reflect.Type, name string) reflect.Type {
	for i := range form.NumField() {
		f := form.Field(i)
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name && f.IsExported() {
			return f.Type
		}
	}
	return nil
}

// hasID reports whether v holds an id: a member that is set and whose name ends in ID
// or IDs.
func hasID(v reflect.Value) bool {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return false
		}
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return false
	}
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		isID := strings.HasSuffix(name, "ID") || strings.HasSuffix(name, "IDs")
		if isID && !f.IsZero() && (f.Kind() != reflect.String || !flex.Nothing(f.String())) || hasID(f) {
			return true
		}
	}
	return false
}
