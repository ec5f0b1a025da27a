package sendinblue

import (
	"strings"
	"time"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// Rows is a page of contacts as ReadPage found it.
type Rows struct {
	Page  *provider.Page[provider.Contact]
	Got   int    // contacts in the answer
	First string // tells the first contact of the answer from others
	Count int64  // contacts in all
}

// largestPage is the most contacts that the vendor gives at a time.
const largestPage = 1000

// pageReader keeps what the contacts of a page share.
type pageReader struct {
	*fastpath.Reader
	ids, gone []int64 // memory for the lists of one contact
	offset    string  // the zone that was met last, "+03:30"
	zone      *time.Location
	fields    int // of the contact before
}

// ReadPage reads an answer with a page of contacts in one pass, with no type and
// no map between the answer and the contacts. It is nil for anything unusual:
// then the caller reads the answer the common way, which knows all of JSON and
// words the errors.
func ReadPage(data []byte, withoutEmail bool) *Rows {
	page := &provider.Page[provider.Contact]{Items: []provider.Contact{}}
	out := &Rows{Page: page}
	r := pageReader{Reader: fastpath.NewReader(data)}
	row := func() {
		out.Got++
		var c provider.Contact
		// Who keeps one contact keeps no page.
		var id int64
		size := r.Within(func() { c, id = r.contact() })
		if out.Got == 1 {
			out.First = nameOf(c, id)
		}
		if len(page.Items) == 0 { // the others are about as long as the first
			page.Items = make([]provider.Contact, 0, min(len(data)/size+1, largestPage))
		}
		if c.Email == "" && !withoutEmail {
			page.LeftOut++
			return
		}
		page.Items = append(page.Items, c)
	}
	r.Struct([]string{"contacts", "count"}, func(name string) {
		switch name {
		case "contacts":
			r.Array(row)
		case "count":
			out.Count = r.Int()
		}
	})
	if !r.Good() {
		return nil
	}
	return out
}

// contactNames are the members of a contact, in the order in which the vendor writes them.
var contactNames = []string{
	"email", "id", "emailBlacklisted", "smsBlacklisted", "createdAt", "modifiedAt", "listIds", "listUnsubscribed", "attributes",
}

func (r *pageReader) contact() (out provider.Contact, id int64) {
	var c Contact
	var own provider.Contact // from the attributes
	r.Struct(contactNames, func(name string) {
		switch name {
		case "attributes":
			r.attributes(&own)
		case "createdAt":
			c.CreatedAt = r.MaybeText()
		case "email":
			c.Email = r.MaybeText()
		case "emailBlacklisted":
			c.EmailBlacklisted = r.Bool()
		case "id":
			c.ID = r.Int()
		case "listIds":
			r.ids = r.Ints(r.ids[:0])
			c.ListIDs = r.ids
		case "listUnsubscribed":
			r.gone = r.Ints(r.gone[:0])
			c.ListUnsubscribed = r.gone
		case "modifiedAt":
			c.ModifiedAt = r.MaybeText()
		case "smsBlacklisted":
			c.SMSBlacklisted = r.Bool()
		}
	})
	out = c.base()
	out.FirstName, out.LastName, out.Phone, out.Fields = own.FirstName, own.LastName, own.Phone, own.Fields
	out.CreatedAt, out.ModifiedAt = r.time(c.CreatedAt), r.time(c.ModifiedAt)
	return out, c.ID
}

// attributes reads the same as Values.
func (r *pageReader) attributes(into *provider.Contact) {
	if r.Word("null") || r.Word("[]") { // of a contact without any
		return
	}
	r.Object(func(name string) {
		to := named(into, name)
		if _, twice := into.Fields[name]; to != nil {
			r.Spoil(twice || *to != "")
		}
		if to != nil && r.Peek() == '"' {
			*to = r.Text() // usual, and without memory for an any
			return
		}
		v := r.value()
		if to != nil && (setText(to, v) || v != nil && adapterkit.Nothing(v)) {
			return
		}
		if v == nil {
			delete(into.Fields, name)
			return
		}
		if into.Fields == nil {
			into.Fields = make(map[string]any, r.fields)
		}
		into.Fields[name] = v
	})
	into.Phone = adapterkit.IDOf(into.Phone)
	if r.fields = len(into.Fields); r.fields == 0 {
		into.Fields = nil
	}
}

// value reads what an attribute holds: a text, a number, true or false, nil, or
// a list or object of them.
func (r *pageReader) value() any {
	switch r.Peek() {
	case '"':
		return r.Text()
	case 't', 'f':
		return r.Bool()
	case 'n':
		r.Spoil(!r.Word("null"))
		return nil
	case '[', '{':
		return exact.Numbers(r.Any())
	}
	return exact.Number(r.Number())
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
