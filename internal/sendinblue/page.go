package sendinblue

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// Rows is a page of contacts as ReadPage found it.
type Rows struct {
	Page  *provider.Page[provider.Contact]
	Got   int   // contacts in the answer
	Count int64 // contacts in all
}

// ReadPage reads an answer with a page of contacts in one pass, with no type and
// no map between the answer and the contacts. It is nil for anything unusual:
// then the caller reads the answer the common way, which knows all of JSON and
// words the errors.
func ReadPage(data []byte, withoutEmail bool) *Rows {
	if !utf8.Valid(data) {
		return nil
	}
	out := &Rows{Page: &provider.Page[provider.Contact]{Items: []provider.Contact{}}}
	// Nothing that is kept is part of data: row copies first.
	r := pageReader{scanner: scanner{s: unsafe.String(unsafe.SliceData(data), len(data))}}
	var seen marks
	r.object(func(name string) {
		switch name {
		case "contacts":
			r.once(&seen, 0)
			r.array(func() {
				out.Got++
				r.row(out.Page, withoutEmail)
			})
		case "count":
			r.once(&seen, 1)
			out.Count = r.integer()
		default:
			r.unknown(name, "contacts", "count")
		}
	})
	if r.space(); r.bad || r.i != len(r.s) {
		return nil
	}
	return out
}

// largestPage is the most contacts that the vendor gives at a time.
const largestPage = 1000

// pageReader keeps what the contacts of a page share.
type pageReader struct {
	scanner
	ids, gone []int64 // memory for the lists of one contact
	offset    string  // the zone that was met last, "+03:30"
	zone      *time.Location
	fields    int // of the contact before
}

// row reads a contact from a copy of its part of the answer: the texts in it
// are parts of that copy, so that whoever keeps one contact keeps no page.
func (r *pageReader) row(page *provider.Page[provider.Contact], withoutEmail bool) {
	r.space()
	start := r.i
	r.pass()
	if r.bad || r.s[start] != '{' {
		r.bad = true
		return
	}
	if len(page.Items) == 0 { // the others are about as long as the first
		page.Items = make([]provider.Contact, 0, min(len(r.s)/(r.i-start)+1, largestPage))
	}
	whole := r.scanner
	r.scanner = scanner{s: strings.Clone(r.s[start:r.i])}
	c := r.contact()
	whole.bad = r.bad
	r.scanner = whole
	if c.Email == "" && !withoutEmail {
		page.LeftOut++
		return
	}
	page.Items = append(page.Items, c)
}

func (r *pageReader) contact() provider.Contact {
	var c Contact
	var own provider.Contact // from the attributes
	var seen marks
	r.object(func(name string) {
		switch name {
		case "attributes":
			r.once(&seen, 0)
			r.attributes(&own)
		case "createdAt":
			r.once(&seen, 1)
			c.CreatedAt = r.maybeText()
		case "email":
			r.once(&seen, 2)
			c.Email = r.maybeText()
		case "emailBlacklisted":
			r.once(&seen, 3)
			c.EmailBlacklisted = r.boolean()
		case "id":
			r.once(&seen, 4)
			r.integer()
		case "listIds":
			r.once(&seen, 5)
			r.ids = r.integers(r.ids[:0])
			c.ListIDs = r.ids
		case "listUnsubscribed":
			r.once(&seen, 6)
			r.gone = r.integers(r.gone[:0])
			c.ListUnsubscribed = r.gone
		case "modifiedAt":
			r.once(&seen, 7)
			c.ModifiedAt = r.maybeText()
		case "smsBlacklisted":
			r.once(&seen, 8)
			c.SMSBlacklisted = r.boolean()
		default:
			r.unknown(name, "attributes", "createdAt", "email", "emailBlacklisted", "id", "listIds", "listUnsubscribed", "modifiedAt", "smsBlacklisted")
		}
	})
	out := c.base()
	out.FirstName, out.LastName, out.Phone, out.Fields = own.FirstName, own.LastName, own.Phone, own.Fields
	out.CreatedAt, out.ModifiedAt = r.time(c.CreatedAt), r.time(c.ModifiedAt)
	return out
}

// attributes reads the same as Values.
func (r *pageReader) attributes(into *provider.Contact) {
	if r.null() {
		return
	}
	if strings.HasPrefix(r.s[r.i:], "[]") { // of a contact without any
		r.i += len("[]")
		return
	}
	var seen marks
	field := func(name string) {
		v := r.value()
		if v == nil {
			delete(into.Fields, name)
			return
		}
		if into.Fields == nil {
			into.Fields = make(map[string]any, r.fields)
		}
		into.Fields[name] = v
	}
	special := func(name string, mark int, to *string) {
		r.once(&seen, mark)
		switch r.peek() {
		case '"':
			*to = r.text()
		case 't', 'f', '[', '{', 'n':
			field(name)
		default:
			text := r.number()
			if f, err := strconv.ParseFloat(text, 64); err == nil && len(text) < exactDigits {
				text = strconv.FormatFloat(f, 'f', -1, 64)
			}
			*to = text
		}
	}
	r.object(func(name string) {
		switch name {
		case FirstName:
			special(name, 0, &into.FirstName)
		case LastName:
			special(name, 1, &into.LastName)
		case Phone:
			special(name, 2, &into.Phone)
		default:
			field(name)
		}
	})
	if r.fields = len(into.Fields); r.fields == 0 {
		into.Fields = nil
	}
}

// value reads what an attribute holds: a text, a number, true or false, nil, or
// a list or object of them.
func (r *pageReader) value() any {
	switch r.peek() {
	case '"':
		return r.text()
	case 't', 'f':
		return r.boolean()
	case 'n':
		if !r.null() {
			r.bad = true
		}
		return nil
	case '[', '{':
		start := r.i
		r.pass()
		if r.bad {
			return nil
		}
		dec := json.NewDecoder(strings.NewReader(r.s[start:r.i]))
		dec.UseNumber()
		var v any
		r.bad = dec.Decode(&v) != nil || dec.More()
		return v
	}
	text := r.number()
	if f, err := strconv.ParseFloat(text, 64); err == nil && len(text) < exactDigits {
		return f
	}
	return json.Number(text)
}

// time is what flex.ParseTime makes of text. With the offset of the time before
// it, as nearly always, no zone is made anew.
func (r *pageReader) time(text string) time.Time {
	const zone = len("+03:30")
	n := len(text) - zone
	if n < len("2006-01-02T15:04:05") || len(text) > 40 || text[n] != '+' && text[n] != '-' {
		t, _ := flex.ParseTime(text)
		return t
	}
	if r.zone == nil || r.offset != text[n:] {
		t, ok := flex.ParseTime(text)
		if ok {
			_, seconds := t.Zone()
			r.offset, r.zone = strings.Clone(text[n:]), time.UTC
			if seconds != 0 {
				r.zone = time.FixedZone("", seconds)
			}
		}
		return t
	}
	var room [40]byte
	var t time.Time
	if err := t.UnmarshalText(append(append(room[:0], text[:n]...), 'Z')); err != nil {
		t, _ = flex.ParseTime(text)
		return t
	}
	t = t.In(r.zone)
	_, seconds := t.Zone()
	return t.Add(-time.Duration(seconds) * time.Second)
}
