package all_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/events"
)

// Every listing of every vendor is read from a server that gives its pages in a wrong
// way: the listing is right, or ends with an error, after a bounded number of requests.

const (
	listedRows   = 20  // of each listing
	mostRequests = 120 // of one reading
)

// habit is a way of giving pages.
type habit struct {
	name     string
	most     int  // rows of a page at most
	same     bool // the same page for ever
	circle   bool // begins anew after the last row
	empty    int  // pages that have rows, if not 0
	nothing  bool // no page has rows
	noCount  bool // no word about rows, pages or the next page
	noIDs    bool // rows have neither ids nor addresses
	next     int  // always the next page, if not 0
	fails    bool // an error is the only right end
	mayMiss  bool // nothing tells that rows are missing
	odd      bool // fields that are nothing are written as PHP does
	unsorted bool // the keys of the list are not in order, so that it is an object
}

var habits = []habit{
	{name: "as documented", most: 10},
	{name: "one page", most: 100},
	{name: "short pages", most: 3},
	{name: "pages of one row", most: 1},
	{name: "no count", most: 10, noCount: true},
	{name: "no count, short pages", most: 3, noCount: true},
	{name: "no ids", most: 10, noIDs: true},
	{name: "no ids, no count, short pages", most: 3, noIDs: true, noCount: true},
	{name: "the same page", most: 10, same: true, fails: true},
	{name: "the same page, no count", most: 10, same: true, noCount: true, fails: true},
	{name: "the same page, no ids", most: 10, same: true, noIDs: true, fails: true},
	{name: "the same page, no count, no ids", most: 10, same: true, noIDs: true, noCount: true, fails: true},
	{name: "the same short page", most: 3, same: true, fails: true},
	{name: "the same row", most: 1, same: true, noCount: true, fails: true},
	{name: "a circle", most: 10, circle: true},
	{name: "a circle, no count", most: 10, circle: true, noCount: true, fails: true},
	{name: "a circle, no count, no ids", most: 7, circle: true, noCount: true, noIDs: true, fails: true},
	{name: "an empty page too early", most: 10, empty: 1, fails: true},
	{name: "an empty page too early, no count", most: 10, empty: 1, noCount: true, mayMiss: true},
	{name: "empty pages", most: 10, nothing: true, fails: true},
	{name: "empty pages, no count", most: 10, nothing: true, noCount: true, mayMiss: true},
	{name: "always page 2 next", most: 10, next: 2},
	{name: "always page 2 next, always page 1", most: 10, same: true, next: 2, fails: true},
	{name: "always a page next", most: 10, circle: true, next: 1 << 20, fails: true},
	{name: "nothing as PHP writes it", most: 10, odd: true},
	{name: "nothing as PHP writes it, no count", most: 10, odd: true, noCount: true},
	{name: "lists as objects", most: 10, unsorted: true},
}

// page is the rows of an answer, and what it says about them.
func (h habit) page(at, size int, numbered bool) (rows []int, number int) {
	size = min(size, h.most)
	if numbered {
		number = at
		at = (at - 1) * size
	}
	if h.same {
		at, number = 0, min(number, 1)
	}
	if h.nothing || h.empty > 0 && at >= h.empty*size {
		return nil, number
	}
	for i := at; i < at+size && (h.circle || i < listedRows); i++ {
		rows = append(rows, i%listedRows)
	}
	return rows, number
}

// listing is one way to read pages of a vendor.
type listing struct {
	vendor, name string
	op           string                         // operation of the listing
	paths        []string                       // of the listing, without and with further segments
	key          string                         // of the rows; empty for a bare list
	row          func(i int, ids bool) string   // JSON
	other        func(r *http.Request) string   // other answers
	read         func(*provider.Client) reading //
	counts       bool                           // the vendor tells how many rows there are
	numbered     bool                           // pages have numbers
	unpaged      bool                           // the vendor has no pages: what it gives is all
	filtered     bool                           // the count is of all rows, so fewer prove nothing
	one          bool                           // a row at a time is asked for
	only         func(h habit) bool             // habits that have a meaning here
}

// reading is what was read: names of rows in their order.
type reading struct {
	names []string
	err   error
}

func nameOf(i int) string { return fmt.Sprintf("n%02d", i) }

func allNames() []string {
	out := make([]string, listedRows)
	for i := range out {
		out[i] = nameOf(i)
	}
	return out
}

func gather[T any](seq iter.Seq2[T, error], name func(T) string) (r reading) {
	for item, err := range seq {
		if err != nil {
			r.err = err
			return r
		}
		r.names = append(r.names, name(item))
	}
	return r
}

// byCursors reads page after page as a caller does who keeps the cursors.
func byCursors[T any](list func(cursor string) (*provider.Page[T], error), name func(T) string) (r reading) {
	cursor := ""
	for n := 0; n == 0 || cursor != ""; n++ {
		if n > mostRequests {
			r.err = errors.New("it has no end")
			return r
		}
		page, err := list(cursor)
		if err != nil {
			r.err = err
			return r
		}
		for _, item := range page.Items {
			r.names = append(r.names, name(item))
		}
		cursor = page.Next
	}
	return r
}

var bg = context.Background()

const newsletter = "l1"

func contactsOf(list provider.Ref, cursors bool) func(*provider.Client) reading {
	name := func(c provider.Contact) string { return c.FirstName }
	return func(c *provider.Client) reading {
		q := provider.ContactQuery{List: list, Limit: 10, WithoutEmail: true}
		if !cursors {
			return gather(c.AllContacts(bg, q), name)
		}
		return byCursors(func(cursor string) (*provider.Page[provider.Contact], error) {
			q.Cursor = cursor
			return c.ListContacts(bg, q)
		}, name)
	}
}

func listsOf(cursors bool) func(*provider.Client) reading {
	name := func(l provider.List) string { return l.Name }
	return func(c *provider.Client) reading {
		if !cursors {
			return gather(c.AllLists(bg), name)
		}
		return byCursors(func(cursor string) (*provider.Page[provider.List], error) { return c.ListLists(bg, cursor) }, name)
	}
}

func stopsOf(cursors bool) func(*provider.Client) reading {
	name := func(s provider.Suppression) string { email, _, _ := strings.Cut(s.Email, "@"); return email }
	return func(c *provider.Client) reading {
		if !cursors {
			return gather(c.AllSuppressions(bg), name)
		}
		return byCursors(func(cursor string) (*provider.Page[provider.Suppression], error) {
			return c.ListSuppressions(bg, cursor)
		}, name)
	}
}

// found is the reading of a search for the last of the mails: all names when it is found.
func found(c *provider.Client) (r reading) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	receipt, err := c.Settle(bg, &provider.Receipt{
		Provider: c.Provider(), Account: c.Account(), State: provider.StateUnknown,
		Recipients: []provider.RecipientResult{{Email: "to@example.com", State: provider.StateUnknown}},
		Unsettled:  &provider.Trace{At: at, Until: at, Subject: nameOf(listedRows - 1)},
	})
	if err == nil && receipt.State != provider.StateUnknown {
		r.names = allNames()
	}
	r.err = err
	return r
}

// logged is the reading of the log of a mail: the names of its recipients.
func logged(c *provider.Client) (r reading) {
	receipt, err := c.Status(bg, provider.ReceiptFor(c.Account(), "<1@example.com>"))
	if receipt != nil {
		for _, p := range receipt.Recipients {
			name, _, _ := strings.Cut(p.Email, "@")
			r.names = append(r.names, name)
		}
	}
	slices.Sort(r.names)
	r.err = err
	return r
}

// memberships is the reading of a search for an address in all lists.
func memberships(c *provider.Client) (r reading) {
	contact, err := c.GetContact(bg, "a@example.com")
	if contact != nil {
		for _, m := range contact.Memberships {
			r.names = append(r.names, m.List)
		}
	}
	r.err = err
	return r
}

// tags is the reading of the fields of a list: the text of an error names them.
func tags(c *provider.Client) (r reading) {
	_, err := c.UpsertContact(bg, provider.ContactChange{
		Email: "a@example.com", Lists: []provider.Ref{{ID: newsletter}}, Fields: map[string]any{"NONE": "x"},
	})
	if err == nil {
		r.err = errors.New("the field was taken")
		return r
	}
	_, list, ok := strings.Cut(err.Error(), "it has: ")
	list, _, _ = strings.Cut(list, ";")
	if !ok {
		r.err = err
		return r
	}
	for name := range strings.SplitSeq(list, ", ") {
		r.names = append(r.names, strings.ToLower(name))
	}
	return r
}

// eventsOf reads the log of events: the names of its recipients.
func eventsOf(q events.Query) func(cursors bool) func(*provider.Client) reading {
	name := func(e events.Event) string { local, _, _ := strings.Cut(e.Recipient, "@"); return local }
	return func(cursors bool) func(*provider.Client) reading {
		return func(c *provider.Client) reading {
			if !cursors {
				return gather(events.AllEvents(bg, c, q), name)
			}
			q := q
			return byCursors(func(cursor string) (*provider.Page[events.Event], error) {
				q.Cursor = cursor
				return events.ListEvents(bg, c, q)
			}, name)
		}
	}
}

// row writes a row; members without an id are left out.
func row(ids bool, members string, idMembers string, args ...any) string {
	if !ids {
		return "{" + members + "}"
	}
	return "{" + fmt.Sprintf(idMembers, args...) + "," + members + "}"
}

func listings() []listing {
	blueContact := func(i int, ids bool) string {
		return row(ids, fmt.Sprintf(`"emailBlacklisted":false,"smsBlacklisted":false,"listIds":[4],"createdAt":"2026-03-04T05:06:07Z","modifiedAt":"2026-03-04T05:06:07Z","attributes":{"FIRSTNAME":%q}`, nameOf(i)), `"email":"%s@example.com","id":%d`, nameOf(i), i+1)
	}
	blueList := func(i int, ids bool) string {
		return row(ids, fmt.Sprintf(`"name":%q,"totalSubscribers":%d`, nameOf(i), i), `"id":%d`, i+1)
	}
	blocked := func(i int, _ bool) string {
		return fmt.Sprintf(`{"email":"%s@example.com","senderEmail":"","reason":{"code":"adminBlocked"},"blockedAt":"2026-03-04T05:06:07Z"}`, nameOf(i))
	}
	event := func(i int, _ bool) string {
		return fmt.Sprintf(`{"email":"%s@example.com","event":"delivered","date":"2026-03-04T05:06:%02dZ"}`, nameOf(i), i)
	}
	blueMail := func(i int, ids bool) string {
		return row(ids || i == listedRows-1, fmt.Sprintf(`"email":"to@example.com","subject":%q,"date":"2026-03-04T05:06:07Z"`, nameOf(i)), `"messageId":"<%d@example.com>"`, i)
	}
	member := func(i int, ids bool) string { // at new.pakat.net a contact always has an address
		return row(ids, fmt.Sprintf(`"EMAIL":"%s@example.com","FNAME":%q,"status":"confirmed"`, nameOf(i), nameOf(i)), `"subscriber_uid":"s%d"`, i)
	}
	pulseContact := func(i int, ids bool) string {
		return row(ids, fmt.Sprintf(`"status":1,"variables":{"first_name":%q}`, nameOf(i)), `"email":"%s@example.com"`, nameOf(i))
	}
	pakatLists := func(r *http.Request) string {
		if r.URL.Path != "/lists" {
			return ""
		}
		return `{"status":"success","data":{"count":1,"total_pages":1,"current_page":1,"next_page":null,"records":[{"general":{"list_uid":"l1","name":"News"}}]}}`
	}
	pulseLists := func(r *http.Request) string {
		if r.URL.Path == "/blacklist" || r.URL.Query().Get("offset") != "0" {
			return `[]`
		}
		return `[{"id":4,"name":"News","status":0}]`
	}
	pakatMember := func(r *http.Request) string {
		list, _ := strings.CutPrefix(r.URL.Path, "/lists/")
		list, _, _ = strings.Cut(list, "/")
		return fmt.Sprintf(`{"status":"success","data":{"count":1,"total_pages":1,"current_page":1,"next_page":null,"record":{"subscriber_uid":"s","EMAIL":"a@example.com","FNAME":%[1]q,"status":"confirmed"},"records":[{"subscriber_uid":"s","EMAIL":"a@example.com","FNAME":%[1]q,"status":"confirmed"}]}}`, list)
	}
	pulseMember := func(r *http.Request) string {
		if r.URL.Query().Get("offset") != "0" {
			return `[]`
		}
		n, _ := strconv.Atoi(strings.Split(r.URL.Path, "/")[2])
		return fmt.Sprintf(`[{"email":"a@example.com","status":1,"variables":{"first_name":%q}}]`, nameOf(n-1))
	}
	var out []listing
	both := func(l listing, read func(cursors bool) func(*provider.Client) reading) {
		name := l.name
		l.name, l.read = name+", iterated", read(false)
		out = append(out, l)
		l.name, l.read = name+", by cursors", read(true)
		out = append(out, l)
	}
	ofList := func(list provider.Ref) func(bool) func(*provider.Client) reading {
		return func(cursors bool) func(*provider.Client) reading { return contactsOf(list, cursors) }
	}
	four := provider.Ref{ID: "4"}
	for _, vendor := range []string{"brevo", "pakatv3"} {
		both(listing{vendor: vendor, name: "contacts", op: "listContacts", paths: []string{"/contacts"}, key: "contacts", row: blueContact, counts: true}, ofList(provider.Ref{}))
		both(listing{vendor: vendor, name: "lists", op: "listLists", paths: []string{"/contacts/lists"}, key: "lists", row: blueList, counts: true}, listsOf)
		both(listing{vendor: vendor, name: "suppressions", op: "listBlockedContacts", paths: []string{"/smtp/blockedContacts"}, key: "contacts", row: blocked, counts: true}, stopsOf)
		out = append(out, listing{vendor: vendor, name: "status", op: "listEmailEvents", paths: []string{"/smtp/statistics/events"}, key: "events", row: event, read: logged})
	}
	both(listing{vendor: "brevo", name: "contacts of a list", op: "listContactsOfList", paths: []string{"/contacts/lists/4/contacts"}, key: "contacts", row: blueContact, counts: true}, ofList(four))
	both(listing{vendor: "brevo", name: "contacts since", op: "listContacts", paths: []string{"/contacts"}, key: "contacts", row: blueContact, counts: true, filtered: true}, func(cursors bool) func(*provider.Client) reading {
		return func(c *provider.Client) reading {
			q := provider.ContactQuery{ModifiedSince: time.Unix(1, 0), Limit: 10, WithoutEmail: true}
			return byCursors(func(cursor string) (*provider.Page[provider.Contact], error) {
				q.Cursor = cursor
				return c.ListContacts(bg, q)
			}, func(c provider.Contact) string { return c.FirstName })
		}
	})
	out = append(out,
		listing{vendor: "brevo", name: "settle", op: "listEmails", paths: []string{"/smtp/emails"}, key: "transactionalEmails", row: blueMail, read: found, counts: true, filtered: true},
		listing{vendor: "pakatv3", name: "settle", op: "listEmails", paths: []string{"/smtp/emails"}, key: "transactionalEmails", row: blueMail, read: found, unpaged: true},
	)
	pakat := listing{vendor: "pakat", counts: true, numbered: true, key: "records"}
	of := func(l listing, name, op, path string, row func(int, bool) string, other func(*http.Request) string) listing {
		l.name, l.op, l.paths, l.row, l.other = name, op, []string{path}, row, other
		return l
	}
	pakatList := func(i int, ids bool) string {
		if !ids {
			return fmt.Sprintf(`{"general":{"name":%q}}`, nameOf(i))
		}
		return fmt.Sprintf(`{"general":{"name":%[1]q,"list_uid":%[1]q}}`, nameOf(i))
	}
	both(of(pakat, "contacts", "listSubscribers", "/lists/l1/subscribers", member, pakatLists), ofList(provider.Ref{}))
	both(of(pakat, "contacts of a list", "listSubscribers", "/lists/l1/subscribers", member, nil), ofList(provider.Ref{ID: newsletter}))
	both(of(pakat, "lists", "listLists", "/lists", pakatList, nil), listsOf)
	outer := of(pakat, "lists of all contacts", "listLists", "/lists", pakatList, pakatMember)
	outer.one = true
	both(outer, ofList(provider.Ref{}))
	search := of(pakat, "search", "listSubscribersByEmail", "/lists/subscribers/search-by-email-in-all-lists", func(i int, ids bool) string {
		return row(ids, fmt.Sprintf(`"status":"confirmed","list":{"list_uid":%q}`, nameOf(i)), `"subscriber_uid":"s%d"`, i)
	}, pakatMember)
	search.read = memberships
	search.only = func(h habit) bool { return !h.noIDs } // a record is read by its id
	fields := of(pakat, "fields", "listFields", "/lists/l1/fields", func(i int, ids bool) string {
		return row(true, `"label":"x"`, `"tag":"%s","field_id":%d`, strings.ToUpper(nameOf(i)), i)
	}, func(*http.Request) string { return `{"status":"success","data":{"count":0,"records":[]}}` })
	fields.read = tags
	fields.only = func(h habit) bool { return !h.nothing && !h.mayMiss } // the error would name none
	mails := of(pakat, "settle", "listTransactionalEmails", "/transactional-emails", func(i int, ids bool) string {
		return row(ids || i == listedRows-1, fmt.Sprintf(`"to_email":"to@example.com","subject":%q,"date_added":"2026-03-04 05:06:07","send_at":"2026-03-04 05:06:07","status":"sent"`, nameOf(i)), `"email_uid":"m%d"`, i)
	}, nil)
	mails.read = found
	out = append(out, search, fields, mails)
	none := func(*http.Request) string { return `{"status":"success","data":{"count":0,"records":[]}}` }
	for name, l := range map[string][2]string{"deliveries": {"listCampaignDeliveryLogs", "delivery-logs"}, "bounces": {"listCampaignBounces", "bounces"}, "unsubscribes": {"listCampaignUnsubscribes", "unsubscribes"}} {
		both(of(pakat, "events, "+name, l[0], "/campaigns/c1/"+l[1], func(i int, _ bool) string {
			return fmt.Sprintf(`{"subscriber":{"email":"%s@example.com"},"status":"success","bounce_type":"hard","date_added":"2026-03-04 05:06:07"}`, nameOf(i))
		}, none), eventsOf(events.Query{CampaignID: "c1"}))
	}
	campaigns := of(pakat, "events, campaigns", "listCampaigns", "/campaigns", func(i int, _ bool) string {
		return fmt.Sprintf(`{"campaign_uid":%q,"status":"sent"}`, nameOf(i))
	}, func(r *http.Request) string {
		parts := strings.Split(r.URL.Path, "/")
		if parts[len(parts)-1] != "unsubscribes" {
			return none(r)
		}
		return fmt.Sprintf(`{"status":"success","data":{"count":1,"total_pages":1,"current_page":1,"next_page":null,"records":[{"subscriber":{"email":"%s@example.com"},"date_added":"2026-03-04 05:06:07"}]}}`, parts[2])
	})
	campaigns.one = true
	campaigns.only = func(h habit) bool { return !h.noIDs } // a campaign has an id
	both(campaigns, eventsOf(events.Query{}))

	pulse := listing{vendor: "sendpulse"}
	pulseList := func(i int, ids bool) string {
		return row(ids, fmt.Sprintf(`"name":%q,"status":0`, nameOf(i)), `"id":%d`, i+1)
	}
	both(of(pulse, "contacts", "listContacts", "/addressbooks/4/emails", pulseContact, pulseLists), ofList(provider.Ref{}))
	both(of(pulse, "contacts of a list", "listContacts", "/addressbooks/4/emails", pulseContact, nil), ofList(four))
	both(of(pulse, "lists", "listLists", "/addressbooks", pulseList, nil), listsOf)
	outer = of(pulse, "lists of all contacts", "listLists", "/addressbooks", pulseList, pulseMember)
	outer.one = true
	both(outer, ofList(provider.Ref{}))
	both(of(pulse, "suppressions", "listSMTPUnsubscribes", "/smtp/unsubscribe", func(i int, _ bool) string {
		return fmt.Sprintf(`{"email":"%s@example.com","date":"2026-03-04 05:06:07"}`, nameOf(i))
	}, pulseLists), stopsOf)
	mails = of(pulse, "settle", "listEmails", "/smtp/emails", func(i int, ids bool) string {
		return row(ids || i == listedRows-1, fmt.Sprintf(`"recipient":"to@example.com","subject":%q,"send_date":"2026-03-04 05:06:07"`, nameOf(i)), `"id":"m%d"`, i)
	}, nil)
	mails.read = found
	return append(out, mails)
}

// php replaces what a row says of nothing by forms of PHP, in turn.
func php(rows []string) []string {
	forms := []string{`[]`, `false`, `""`, `{}`, `"0"`, `0`}
	out := slices.Clone(rows)
	for i, text := range out {
		form := forms[i%len(forms)]
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &members) != nil {
			continue
		}
		for name, raw := range members {
			switch name {
			case "createdAt", "modifiedAt", "blockedAt", "totalSubscribers", "label":
				members[name] = json.RawMessage(form)
			case "emailBlacklisted", "smsBlacklisted", "status", "field_id":
				if string(raw) == "false" {
					members[name] = json.RawMessage(form)
				}
			}
		}
		for _, name := range []string{"listUnsubscribed", "tags", "phone", "spam_complaint", "unsubscribe_by_link", "ip_address", "company", "attachments", "tracking"} {
			members[name] = json.RawMessage(form)
		}
		data, _ := json.Marshal(members)
		out[i] = string(data)
	}
	return out
}

// serve answers the requests of a listing in the way of a habit, and counts them.
func (l listing) serve(t *testing.T, h habit) (url string, requests *int) {
	requests = new(int)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !slices.Contains(l.paths, r.URL.Path) {
			if l.other == nil {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			_, _ = fmt.Fprint(w, l.other(r))
			return
		}
		*requests++
		q := r.URL.Query()
		at, _ := strconv.Atoi(q.Get("offset"))
		size, err := strconv.Atoi(q.Get("limit"))
		if l.numbered {
			at, _ = strconv.Atoi(q.Get("page"))
			size, err = strconv.Atoi(q.Get("per_page"))
		}
		if err != nil || size < 1 || at < 0 {
			size = 1000
		}
		indexes, number := h.page(at, size, l.numbered)
		rows := make([]string, len(indexes))
		for i, n := range indexes {
			rows[i] = l.row(n, !h.noIDs)
		}
		if h.odd {
			rows = php(rows)
		}
		list := "[" + strings.Join(rows, ",") + "]"
		if h.unsorted && len(rows) > 0 {
			for i := range rows {
				rows[i] = fmt.Sprintf(`"%d":%s`, 3+2*i, rows[i])
			}
			slices.Reverse(rows)
			list = "{" + strings.Join(rows, ",") + "}"
		}
		switch {
		case l.key == "":
			_, _ = fmt.Fprint(w, list)
		case l.numbered:
			per := min(size, h.most)
			pages, next := (listedRows+per-1)/per, 0
			if next = h.next; next == 0 && number < pages {
				next = number + 1
			} else if next > pages {
				next = at + 1
			}
			said := fmt.Sprintf(`"count":"%d","total_pages":%d,"current_page":%d,"next_page":%d,`, listedRows, pages, number, next)
			switch {
			case h.noCount:
				said = ""
			case h.next > 0:
				said = fmt.Sprintf(`"next_page":%d,`, next)
				if h.next == 2 {
					said += fmt.Sprintf(`"total_pages":%d,`, pages)
				}
			}
			_, _ = fmt.Fprintf(w, `{"status":"success","data":{%s"records":%s}}`, said, list)
		case h.noCount || !l.counts:
			_, _ = fmt.Fprintf(w, `{%q:%s}`, l.key, list)
		default:
			_, _ = fmt.Fprintf(w, `{%q:%s,"count":%d}`, l.key, list, listedRows)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, requests
}

// listingSettings are those of accounts that the listings need.
var listingSettings = map[string]provider.AccountConfig{
	"brevo": {"api_key": "xkeysib-test"}, "pakatv3": {"api_key": "k"}, "pakat": {"api_key": "k"},
	"sendpulse": {"api_key": "sp_k", "first_name_variable": "first_name"},
}

func TestListings(t *testing.T) {
	rows, refused, right := 0, 0, 0
	for _, l := range listings() {
		t.Run(l.vendor+" "+l.name, func(t *testing.T) {
			for _, h := range habits {
				if l.only != nil && !l.only(h) || h.next > 0 && !l.numbered {
					continue
				}
				rows++
				t.Run(h.name, func(t *testing.T) {
					url, requests := l.serve(t, h)
					account := provider.AccountConfig{"provider": l.vendor, "base_url": url, "tries": 1}
					for name, value := range listingSettings[l.vendor] {
						account[name] = value
					}
					registry := all.Registry()
					c, err := registry.Open(bg, provider.Config{Providers: map[string]provider.AccountConfig{"main": account}, Default: "main"})
					require.NoError(t, err)
					got := l.read(c)
					assert.LessOrEqual(t, *requests, mostRequests)
					if got.err != nil {
						refused++
						if h.nothing && errors.Is(got.err, provider.ErrNotFound) {
							return // there is nothing of it
						}
						require.ErrorIs(t, got.err, provider.ErrBadResponse)
						usual := h.fails || h.circle && !l.counts || h.noIDs && l.one || h.next > 0 || l.one && h.unsorted
						assert.True(t, usual, "%v", got.err)
						return
					}
					want := allNames()
					blind := h.mayMiss || (!l.counts || l.filtered) && (h.empty > 0 || h.nothing) || l.unpaged
					if blind {
						want = want[:min(len(got.names), len(want))]
					}
					assert.Equal(t, want, append([]string{}, got.names...))
					if !blind && !h.circle && h.next == 0 {
						assert.False(t, h.fails, "a loss that nobody notices")
					}
					right++
				})
			}
		})
	}
	t.Logf("%d readings of %d listings: %d right, %d end with an error", rows, len(listings()), right, refused)
}

// paramsOf finds where an adapter fills in the parameters of a call.
var paramsOf = regexp.MustCompile(`(\w+)api\.(\w+)Params\{`)

// Whatever an adapter asks for in pages has a row in listings, so that a new listing is
// seen to end too.
func TestEveryListingIsChecked(t *testing.T) {
	known := map[string]bool{"brevo listContacts": true}
	for _, l := range listings() {
		known[l.vendor+" "+l.op] = true
	}
	seen := 0
	for _, v := range vendors() {
		spec, err := api.Spec(v.Spec)
		require.NoError(t, err)
		doc, err := openapi3.NewLoader().LoadFromData(spec)
		require.NoError(t, err)
		paged := map[string]bool{}
		for _, item := range doc.Paths.Map() {
			for _, op := range item.Operations() {
				for _, p := range op.Parameters {
					if name := p.Value.Name; p.Value.In == "query" && (name == "offset" || name == "page") {
						paged[strings.ToLower(op.OperationID)] = true
					}
				}
			}
		}
		files, err := filepath.Glob(filepath.Join("..", "..", v.Adapter, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range paramsOf.FindAllStringSubmatch(string(text), -1) {
				if m[1] != v.Spec || !paged[strings.ToLower(m[2])] {
					continue
				}
				seen++
				op := strings.ToLower(m[2][:1]) + m[2][1:]
				assert.True(t, known[v.Driver+" "+op], "%s asks for pages of %s, which has no row in listings", file, op)
			}
		}
	}
	assert.Greater(t, seen, 15)
}

// A page that is over the cap is asked for again with half as many rows, and no row is
// lost or comes twice.
func TestPagesOverTheCap(t *testing.T) {
	blank := strings.Repeat(" ", 9<<20)
	for _, l := range listings() {
		if !strings.HasSuffix(l.name, "by cursors") && l.name != "status" && l.name != "settle" || l.one || l.unpaged {
			continue
		}
		t.Run(l.vendor+" "+l.name, func(t *testing.T) {
			h := habit{most: 1000}
			url, requests := l.serve(t, h)
			large := 0
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				size, _ := strconv.Atoi(q.Get("limit") + q.Get("per_page"))
				if slices.Contains(l.paths, r.URL.Path) && size > 5 {
					large++
					_, _ = fmt.Fprint(w, blank)
					return
				}
				resp, err := http.Get(url + r.URL.RequestURI()) //nolint:forbidigo // to the fake behind
				if err != nil {
					w.WriteHeader(http.StatusBadGateway)
					return
				}
				defer func() { _ = resp.Body.Close() }()
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.Copy(w, resp.Body)
			}))
			t.Cleanup(front.Close)
			account := provider.AccountConfig{"provider": l.vendor, "base_url": front.URL, "tries": 1}
			for name, value := range listingSettings[l.vendor] {
				account[name] = value
			}
			c, err := all.Registry().Open(bg, provider.Config{Providers: map[string]provider.AccountConfig{"main": account}})
			require.NoError(t, err)
			got := l.read(c)
			require.NoError(t, got.err)
			assert.Equal(t, allNames(), got.names)
			assert.NotZero(t, large)
			assert.LessOrEqual(t, *requests, 12)
		})
	}
}
