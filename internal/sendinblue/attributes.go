package sendinblue

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/phone"
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

// phones are the attributes that hold phone numbers.
var phones = []string{Phone, "WHATSAPP", "LANDLINE_NUMBER"}

// refetchAfter is how old the list of attributes must be before a name that is
// not in it is asked for again: reading it counts against an hourly limit.
const refetchAfter = time.Minute

// Attributes knows the attributes of an account. The vendor drops unknown names
// and values of the wrong type in silence; Attributes makes them errors. The
// list is fetched once, when first needed. It is safe for concurrent use.
type Attributes struct {
	// Fetch reads name -> type ("text", "date", "float", "boolean", …).
	Fetch func(ctx context.Context) (map[string]string, error)
	// CountryCode says that the vendor refuses phone numbers without country code.
	CountryCode bool

	mu      sync.Mutex
	types   map[string]string
	fetched time.Time
}

// Convert returns the attributes that change sets, in the vendor's names and
// types, with notes about what was converted, or the error for the first field that the
// account would drop. An empty text clears an attribute.
func (a *Attributes) Convert(
	ctx context.Context, change provider.ContactChange,
) (map[string]any, []provider.Note, error) {
	in := maps.Clone(change.Fields)
	if in == nil {
		in = map[string]any{}
	}
	for name, c := range map[string]provider.Change[string]{FirstName: change.FirstName, LastName: change.LastName, Phone: change.Phone} {
		if _, twice := in[name]; twice && !c.IsZero() {
			return nil, nil, provider.Invalid("fields."+name, "the field is given twice")
		}
		switch {
		case c.Clears():
			in[name] = nil
		case c.IsSet():
			in[name] = mailaddr.Name(c.Value())
		}
	}
	if len(in) == 0 {
		return nil, nil, nil
	}
	if _, ok := in[Email]; ok {
		return nil, nil, provider.Invalid("fields."+Email, "the address of a contact is not changed by an upsert")
	}
	notes, err := a.cleanPhones(in, change)
	if err != nil || len(in) == 0 {
		return nil, notes, err
	}
	types, err := a.known(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	out := make(map[string]any, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		typ, ok := types[name]
		if !ok {
			return nil, nil, provider.Invalid("fields."+name, "the account has no such attribute and the provider would drop it in silence; known: %s", strings.Join(slices.Sorted(maps.Keys(types)), ", "))
		}
		var note provider.Note
		if out[name], note, err = convert(name, typ, in[name]); err != nil {
			return nil, nil, err
		}
		if note != (provider.Note{}) {
			notes = append(notes, note)
		}
	}
	return out, notes, nil
}

// cleanPhones takes the phones among values, by attribute, for what they are. A contact
// that is stored as blocked is stored without one that is none.
func (a *Attributes) cleanPhones(values map[string]any, change provider.ContactChange) ([]provider.Note, error) {
	var notes []provider.Note
	for _, name := range phones {
		text, isText := values[name].(string)
		digits, isNumber := exact.Text(values[name])
		if text == "" && !isNumber {
			continue
		}
		field := "fields." + name
		if name == Phone && change.Phone.IsSet() {
			field = "phone"
		}
		number, why, err := phone.Clean(text + digits) // one of them is empty
		if why == "" && !isText {
			why = "written as text"
		}
		if err == nil && a.CountryCode && number[0] == '0' && !strings.HasPrefix(number, "00") {
			err = errors.New(`expected a phone number with its country code, "+" and 7 to 15 digits as in +375291234567, got one that begins with 0`)
		}
		switch {
		case err != nil && change.Status.Terminal():
			delete(values, name)
			notes = append(notes, provider.Note{Field: field, Action: provider.NoteDropped, Why: err.Error()})
		case err != nil:
			return nil, provider.Invalid(field, "%s", err.Error())
		case why != "":
			values[name] = number
			notes = append(notes, provider.Note{Field: field, Action: provider.NoteConverted, Why: why})
		}
	}
	return notes, nil
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
func convert(name, typ string, v any) (any, provider.Note, error) {
	if v == nil {
		return "", provider.Note{}, nil
	}
	text, isText := v.(string)
	bad := func(want string) (any, provider.Note, error) {
		return nil, provider.Note{}, provider.Invalid("fields."+name, "expected %s: the attribute has type %s", want, typ)
	}
	switch typ {
	case "date":
		if midnight, err := time.Parse(time.RFC3339Nano, text); err == nil && midnight.Equal(dayOf(midnight)) {
			return midnight.Format(time.DateOnly), provider.Note{}, nil // a day in the form of a time
		}
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return bad("a date YYYY-MM-DD")
		}
	case "float", "id":
		note := provider.Note{Field: "fields." + name, Action: provider.NoteConverted}
		if isText {
			n, why, ok := exact.Parse(text)
			if !ok {
				return bad("a number")
			}
			v, note.Why = n, why
		}
		if _, ok := exact.Text(v); !ok {
			return bad("a number")
		}
		if exact.Rounds(v) {
			note.Action, note.Why = provider.NoteWarning, "passed on with all digits; the attribute has type "+typ+", in which the provider may round so many"
		}
		if note.Why == "" {
			note = provider.Note{}
		}
		return v, note, nil
	case "boolean":
		if isText {
			b, err := strconv.ParseBool(strings.ToLower(text))
			if err != nil {
				return bad("true or false")
			}
			return b, provider.Note{}, nil
		}
		if _, ok := v.(bool); !ok {
			return bad("true or false")
		}
	case "text":
		if !isText {
			return bad("a text")
		}
	}
	return v, provider.Note{}, nil
}

// dayOf is the beginning of the day of t, in its own zone.
func dayOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, t.Location())
}

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
	decoded, err := exact.Decode(raw)
	all, ok := decoded.(map[string]any)
	if err == nil && !ok && decoded != nil {
		err = errors.New("expected an object")
	}
	if err != nil {
		return &provider.Error{Kind: provider.ErrBadResponse, Field: "fields", Message: "attributes of a contact cannot be read", Err: err}
	}
	for name, v := range all {
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

// setText sets a name or a phone number to v, and reports whether v is a text or a
// number.
func setText(to *string, v any) bool {
	text, ok := v.(string)
	if !ok {
		text, ok = exact.Text(v)
	}
	if ok {
		*to = text
	}
	return ok
}
