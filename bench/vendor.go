package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// vendor imitates the parts of Brevo that the scenarios need. It generates its
// answers and keeps nothing but counts, so that any number of contacts will do.
//
// The first element of the path is the number of contacts that the account
// holds, or the delay of every answer in milliseconds: /contacts-1000000/v3/…,
// /delay-50/v3/…
type vendor struct {
	mu     sync.Mutex
	counts vendorCounts
	window map[string]*window
}

// vendorCounts are what the server has seen since the last reset.
type vendorCounts struct {
	Calls   int // requests
	Mails   int // accepted mails
	Rows    int // contacts that came to be stored
	Limited int // answers 429
}

// window counts calls of one kind since a moment.
type window struct {
	since time.Time
	calls int
}

func newVendor() *vendor { return &vendor{window: map[string]*window{}} }

func (v *vendor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{account}/v3/smtp/email", v.send)
	mux.HandleFunc("GET /{account}/v3/contacts", v.contacts)
	mux.HandleFunc("POST /{account}/v3/contacts", v.store)
	mux.HandleFunc("POST /{account}/v3/contacts/import", v.bulk)
	mux.HandleFunc("GET /{account}/v3/processes/{id}", v.process)
	mux.HandleFunc("GET /{account}/v3/contacts/attributes", v.attributes)
	mux.HandleFunc("GET /{account}/v3/contacts/lists", v.lists)
	mux.HandleFunc("GET /{account}/v3/contacts/{email}", func(w http.ResponseWriter, _ *http.Request) {
		v.seen(func(*vendorCounts) {})
		writeJSON(w, http.StatusNotFound, map[string]string{"code": "document_not_found", "message": "Contact does not exist"})
	})
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) { // the counts since the last question
		v.mu.Lock()
		defer v.mu.Unlock()
		writeJSON(w, http.StatusOK, v.counts)
		v.counts, v.window = vendorCounts{}, map[string]*window{}
	})
	return mux
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// seen counts a call and its parts.
func (v *vendor) seen(add func(*vendorCounts)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.counts.Calls++
	add(&v.counts)
}

// allowed keeps a limit of n calls within a time.
func (v *vendor) allowed(class string, n int, within time.Duration) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.window[class]
	if w == nil || time.Since(w.since) > within {
		w = &window{since: time.Now()}
		v.window[class] = w
	}
	w.calls++
	return w.calls <= n
}

// numberIn reads the number that follows prefix in the account's part of the path.
func numberIn(r *http.Request, prefix string) int {
	text, ok := strings.CutPrefix(r.PathValue("account"), prefix)
	if !ok {
		return 0
	}
	n, _ := strconv.Atoi(text)
	return n
}

// send takes a mail, or versions of one, and keeps the vendor's limits: 1,000
// calls a second, 100 a minute when versions are used.
func (v *vendor) send(w http.ResponseWriter, r *http.Request) {
	var body struct {
		MessageVersions []struct{} `json:"messageVersions"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"code": "invalid_parameter", "message": err.Error()})
		return
	}
	select { // the way to the vendor and its work
	case <-time.After(time.Duration(numberIn(r, "delay-")) * time.Millisecond):
	case <-r.Context().Done():
		return
	}
	n, class, most, within := len(body.MessageVersions), "batch", 100, time.Minute
	if n == 0 {
		n, class, most, within = 1, "send", 1000, time.Second
	}
	if !v.allowed(class, most, within) {
		v.seen(func(c *vendorCounts) { c.Limited++ })
		w.Header().Set("X-Sib-Ratelimit-Reset", "1")
		writeJSON(w, http.StatusTooManyRequests, map[string]string{"code": "too_many_requests", "message": "limit reached"})
		return
	}
	v.seen(func(c *vendorCounts) { c.Mails += n })
	if class == "send" {
		writeJSON(w, http.StatusCreated, map[string]string{"messageId": "<1@smtp-relay.mailin.fr>"})
		return
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("<202611220312.1234567890.%d@smtp-relay.mailin.fr>", i+1)
	}
	writeJSON(w, http.StatusCreated, map[string]any{"messageIds": ids})
}

func (v *vendor) contacts(w http.ResponseWriter, r *http.Request) {
	v.seen(func(*vendorCounts) {})
	total := numberIn(r, "contacts-")
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(contactsPage(offset, min(limit, max(0, total-offset)), total))
}

// contactsPage is the vendor's answer with n contacts from offset on, of about
// 300 bytes each.
func contactsPage(offset, n, total int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"contacts":[`)
	for i := offset; i < offset+n; i++ {
		if i > offset {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"email":"customer%d@example.com","id":%d,"emailBlacklisted":%t,"smsBlacklisted":false,"createdAt":"2025-03-01T10:%02d:00.000+03:30",`+
			`"modifiedAt":"2026-10-05T08:%02d:00.000+03:30","listIds":[4,12],"listUnsubscribed":null,`+
			`"attributes":{"FIRSTNAME":"سارا","LASTNAME":"Customer %d","CITY":"Tehran","ORDERS":%d,"SINCE":"2025-03-01","VIP":true}}`,
			i, i+1, i%50 == 0, i%60, i%60, i, i%40)
	}
	fmt.Fprintf(&b, `],"count":%d}`, total)
	return b.Bytes()
}

func (v *vendor) store(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	v.seen(func(c *vendorCounts) { c.Rows++ })
	writeJSON(w, http.StatusCreated, map[string]int{"id": 1})
}

// bulk counts the rows of an import while they stream by: in JSON the addresses,
// in a file the lines.
func (v *vendor) bulk(w http.ResponseWriter, r *http.Request) {
	rows := 0
	d := json.NewDecoder(r.Body)
	for key := ""; ; {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"code": "invalid_parameter", "message": err.Error()})
			return
		}
		text, _ := t.(string)
		switch {
		case key == "fileBody":
			rows += strings.Count(strings.TrimSpace(text), "\n")
		case text == "email":
			rows++
		}
		key = text
	}
	v.seen(func(c *vendorCounts) { c.Rows += rows })
	writeJSON(w, http.StatusAccepted, map[string]int{"processId": 78})
}

func (v *vendor) process(w http.ResponseWriter, r *http.Request) {
	v.seen(func(*vendorCounts) {})
	id, _ := strconv.Atoi(r.PathValue("id"))
	writeJSON(w, http.StatusOK, map[string]any{"id": id, "name": "IMPORTUSER", "status": "completed", "info": map[string]any{"import": map[string]int{
		"invalid_emails": 0, "duplicate_email_id": 0, "duplicate_contact_id": 0, "duplicate_ext_id": 0,
		"duplicate_phone_id": 0, "duplicate_whatsapp_id": 0, "duplicate_landline_number_id": 0,
	}}})
}

func (v *vendor) attributes(w http.ResponseWriter, _ *http.Request) {
	v.seen(func(*vendorCounts) {})
	var out []map[string]string
	for _, name := range []string{"FIRSTNAME", "LASTNAME", "CITY", "SMS"} {
		out = append(out, map[string]string{"name": name, "category": "normal", "type": "text"})
	}
	out = append(out, map[string]string{"name": "ORDERS", "category": "normal", "type": "float"})
	writeJSON(w, http.StatusOK, map[string]any{"attributes": out})
}

func (v *vendor) lists(w http.ResponseWriter, _ *http.Request) {
	v.seen(func(*vendorCounts) {})
	writeJSON(w, http.StatusOK, map[string]any{"count": 1, "lists": []map[string]any{{"id": 4, "name": "customers", "uniqueSubscribers": 1, "folderId": 1}}})
}
