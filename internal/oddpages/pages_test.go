package oddpages

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sendpulse"
)

// oneAnswer is a transport that gives one body to the first request of a listing, and an
// empty page to the others.
type oneAnswer struct {
	first, after string
	given        bool
}

func (o *oneAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	body := o.first
	if o.given {
		body = o.after
	}
	o.given = true
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// oddPage is the page of contacts of a vendor in which one of two rows is odd.
type oddPage struct {
	vendor, list, before, after, empty string
	good                               string   // a row
	names                              []string // of the members of a row
}

var oddPages = []oddPage{
	{vendor: "brevo", list: "4", before: `{"count":2,"contacts":[`, after: `]}`, empty: `{"contacts":[],"count":2}`, good: blueGood, names: blueNames},
	{vendor: "brevo", before: `{"contacts":[`, after: `],"count":"2"}`, empty: `{"contacts":[]}`, good: blueGood, names: blueNames},
	{vendor: "pakatv3", before: `{"contacts":[`, after: `],"count":false}`, empty: `{"contacts":[]}`, good: blueGood, names: blueNames},
	{
		vendor: "pakat", list: "l1", before: `{"status":"success","data":{"count":"2","total_pages":1,"current_page":1,"next_page":[],"records":[`, after: `]}}`,
		empty: `{"status":"success","data":[]}`, good: `{"subscriber_uid":"g","EMAIL":"good@example.com","FNAME":"Good","status":"blacklisted"}`,
		names: []string{"subscriber_uid", "EMAIL", "email", "FNAME", "LNAME", "status", "source", "ip_address", "date_added", "list", "CITY"},
	},
	{
		vendor: "sendpulse", list: "4", before: `[`, after: `]`, empty: `[]`, good: `{"email":"good@example.com","phone":0,"status":9,"variables":{"first_name":"Good"}}`,
		names: []string{"email", "phone", "status", "status_explain", "variables", "id"},
	},
}

const blueGood = `{"email":"good@example.com","id":7,"emailBlacklisted":true,"smsBlacklisted":false,"listIds":[4],"createdAt":"2026-03-04T05:06:07Z","modifiedAt":"","attributes":{"FIRSTNAME":"Good"}}`

var blueNames = []string{"email", "id", "emailBlacklisted", "smsBlacklisted", "listIds", "listUnsubscribed", "createdAt", "modifiedAt", "attributes"}

// value writes what PHP writes for nothing, or with a bad member anything.
func value(r *rand.Rand, bad bool, name string) string {
	nothings := []string{`null`, `[]`, `{}`, `false`, `""`}
	switch name {
	case "createdAt", "modifiedAt", "date_added", "id", "phone", "status", "emailBlacklisted", "smsBlacklisted":
		nothings = append(nothings, `0`, `"0"`)
	}
	if name == "status" || name == "email" || name == "EMAIL" || name == "subscriber_uid" {
		nothings = nothings[:5]
	}
	if !bad {
		return nothings[r.IntN(len(nothings))]
	}
	others := []string{
		`7`, `-1`, `1.5`, `1e400`, `"7"`, `"x"`, `true`, `"yes"`, `[1,"2",null]`, `[{}]`, `[[]]`, `{"a":1}`, `{"0":4,"2":5}`, `"4,5"`, `"2026-03-04"`,
		`"0000-00-00 00:00:00"`, `{"FIRSTNAME":false,"SMS":[]}`, `{"SMS":{"a":[]}}`, `"odd@example.com"`, `12345678901234567890`, `"\ud800"`,
	}
	return others[r.IntN(len(others))]
}

// oddRow writes a row. It is only of nothings when bad is false.
func (p oddPage) oddRow(r *rand.Rand, bad bool) string {
	var b strings.Builder
	for _, name := range p.names {
		if r.IntN(4) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, value(r, bad && r.IntN(2) == 0, name))
	}
	return "{" + b.String() + "}"
}

// A row in which any field is nothing, in any form of PHP, is a row like others; one
// with something odd in it is read, or left out and counted. The other rows of its page
// are never lost.
func FuzzPages(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint8(seed), seed%2 == 0, seed%3 == 0, `{"email":[]}`)
	}
	f.Add(uint64(1), uint8(0), true, true, `{"emailBlacklisted":{"a":1}}`)
	clients := make([]*provider.Client, len(oddPages))
	answers := make([]*oneAnswer, len(oddPages))
	for i, p := range oddPages {
		answers[i] = new(oneAnswer)
		settings := provider.AccountSettings{BaseURL: "http://127.0.0.1:1", Tries: 1}
		key, hc := provider.NewSecret("k"), provider.WithHTTPClient(&http.Client{Transport: answers[i]})
		var err error
		switch p.vendor {
		case "brevo":
			clients[i], err = brevo.Open(brevo.Config{AccountSettings: settings, APIKey: key}, hc)
		case "pakatv3":
			clients[i], err = pakat.OpenV3(pakat.V3Config{AccountSettings: settings, APIKey: key}, hc)
		case "pakat":
			clients[i], err = pakat.Open(pakat.Config{AccountSettings: settings, APIKey: key}, hc)
		case "sendpulse":
			clients[i], err = sendpulse.Open(sendpulse.Config{AccountSettings: settings, APIKey: key, FirstNameVariable: "first_name"}, hc)
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, seed uint64, which uint8, bad, first bool, own string) {
		i := int(which) % len(oddPages)
		p := oddPages[i]
		odd := own // what the fuzzer itself makes of a row
		if seed%4 != 0 || !strings.HasPrefix(own, "{") || !json.Valid([]byte(own)) {
			odd = p.oddRow(rand.New(rand.NewPCG(seed, 3)), bad)
			own = ""
		}
		rows := []string{p.good, odd}
		if first {
			rows = []string{odd, p.good}
		}
		body := p.before + strings.Join(rows, ",") + p.after
		*answers[i] = oneAnswer{first: body, after: p.empty}
		page, err := clients[i].ListContacts(context.Background(), provider.ContactQuery{List: provider.Ref{ID: p.list}, WithoutEmail: true})
		if err != nil {
			t.Fatalf("%s: %v\n%s", p.vendor, err, body)
		}
		if n := len(page.Items) + page.LeftOut + page.Unread; n != 2 {
			t.Fatalf("%s: %d of 2 rows\n%s", p.vendor, n, body)
		}
		if own == "" && !bad && page.Unread > 0 {
			t.Fatalf("%s: nothings are unread\n%s", p.vendor, body)
		}
		for _, c := range page.Items {
			if c.FirstName == "Good" && c.Email == "good@example.com" && len(c.Suppressed) == 1 && c.Phone == "" {
				return
			}
		}
		t.Fatalf("%s: the good row is lost\n%s\n%+v", p.vendor, body, page.Items)
	})
}
