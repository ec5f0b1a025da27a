package sendinblue

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// Names of the attributes that every account is born with.
const (
	FirstName = "FIRSTNAME"
	LastName  = "LASTNAME"
	Phone     = "SMS"
	// Email as an attribute changes the address of a contact.
	Email = "EMAIL"
)

// refetchAfter is how old the list of attributes must be before a name that is
// not in it is asked for again: reading it counts against an hourly limit.
const refetchAfter = time.Minute

// Attributes knows the attributes of an account. The vendor drops unknown names
// and values of the wrong type in silence; Attributes makes them errors. The
// list is fetched once, when first needed. It is safe for concurrent use.
type Attributes struct {
	// Fetch reads name -> type ("text", "date", "float", "boolean", …).
	Fetch func(ctx context.Context) (map[string]string, error)

	mu      sync.Mutex
	types   map[string]string
	fetched time.Time
}

// Convert returns the attributes that change sets, in the vendor's names and
// types, or the error for the first field that the account would drop. An empty
// text clears an attribute.
func (a *Attributes) Convert(ctx context.Context, change provider.ContactChange) (map[string]any, error) {
	in := maps.Clone(change.Fields)
	if in == nil {
		in = map[string]any{}
	}
	for name, c := range map[string]provider.Change[string]{FirstName: change.FirstName, LastName: change.LastName, Phone: change.Phone} {
		if _, twice := in[name]; twice && !c.IsZero() {
			return nil, provider.Invalid("fields."+name, "the field is given twice")
		}
		switch {
		case c.Clears():
			in[name] = nil
		case c.IsSet():
			in[name] = mailaddr.Name(c.Value())
		}
	}
	if len(in) == 0 {
		return nil, nil
	}
	if _, ok := in[Email]; ok {
		return nil, provider.Invalid("fields."+Email, "the address of a contact is not changed by an upsert")
	}
	types, err := a.known(ctx, in)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		typ, ok := types[name]
		if !ok {
			return nil, provider.Invalid("fields."+name, "the account has no such attribute and the provider would drop it in silence; known: %s", strings.Join(slices.Sorted(maps.Keys(types)), ", "))
		}
		if out[name], err = convert(name, typ, in[name]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// known returns the types of the account's attributes, fetching them when names
// holds one that is not known yet. The lock is not held while fetching: each
// caller waits by its own context.
func (a *Attributes) known(ctx context.Context, names map[string]any) (map[string]string, error) {
	a.mu.Lock()
	types, fetched := a.types, a.fetched
	a.mu.Unlock()
	missing := types == nil
	for name := range names {
		_, ok := types[name]
		missing = missing || !ok && time.Since(fetched) > refetchAfter
	}
	if !missing {
		return types, nil
	}
	types, err := a.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.types, a.fetched = types, time.Now()
	return types, nil
}

// convert returns v as the vendor takes it for an attribute of this type. Text
// is read where another type is meant, because a CSV file holds nothing else.
func convert(name, typ string, v any) (any, error) {
	if v == nil {
		return "", nil
	}
	text, isText := v.(string)
	bad := func(want string) (any, error) {
		return nil, provider.Invalid("fields."+name, "expected %s: the attribute has type %s", want, typ)
	}
	switch typ {
	case "date":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return bad("a date YYYY-MM-DD")
		}
	case "float", "id":
		if isText {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return bad("a number")
			}
			return f, nil
		}
		switch v.(type) {
		case float64, int, int64, json.Number:
		default:
			return bad("a number")
		}
	case "boolean":
		if isText {
			b, err := strconv.ParseBool(strings.ToLower(text))
			if err != nil {
				return bad("true or false")
			}
			return b, nil
		}
		if _, ok := v.(bool); !ok {
			return bad("true or false")
		}
	case "text":
		if !isText {
			return bad("a text")
		}
	}
	return v, nil
}

// exactDigits is the length from which a number stays as its digits: a shorter
// one is exact as a float64.
const exactDigits = 16

// Values reads the attributes of an answer. It takes first name, last name and
// phone out of them.
func Values(raw json.RawMessage, into *provider.Contact) error {
	if len(raw) == 0 {
		return nil
	}
	// A contact without any may have one of the forms in which PHP writes nothing.
	if none := (flex.Map[json.RawMessage]{}); raw[0] != '{' && json.Unmarshal(raw, &none) == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // ids lose digits as floats
	var all map[string]any
	if err := dec.Decode(&all); err != nil {
		return &provider.Error{Kind: provider.ErrBadResponse, Field: "fields", Message: "attributes of a contact cannot be read", Err: err}
	}
	for name, v := range all {
		if n, ok := v.(json.Number); ok {
			v = number(n.String())
			all[name] = v
		}
		to := named(into, name)
		if v == nil || to != nil && (setText(to, v) || adapterkit.Nothing(v)) {
			delete(all, name)
		}
	}
	into.Phone = adapterkit.IDOf(into.Phone)
	if len(all) > 0 {
		into.Fields = all
	}
	return nil
}

// named returns where c holds the attribute of this name, nil for one of its Fields.
func named(c *provider.Contact, name string) *string {
	switch name {
	case FirstName:
		return &c.FirstName
	case LastName:
		return &c.LastName
	case Phone:
		return &c.Phone
	}
	return nil
}

// number returns the number of an answer: a float64 where that is exact.
func number(digits string) any {
	if f, err := strconv.ParseFloat(digits, 64); err == nil && len(digits) < exactDigits {
		return f
	}
	return json.Number(digits)
}

// setText sets a name or a phone number to v, and reports whether v is a text or a
// number.
func setText(to *string, v any) bool {
	switch v := v.(type) {
	case string:
		*to = v
	case json.Number:
		*to = v.String()
	case float64:
		*to = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return false
	}
	return true
}
