package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

func TestKept(t *testing.T) {
	for _, row := range []struct {
		name  string
		bound bound
		sizes []int
		want  string // the numbers of the items that are kept
	}{
		{name: "nothing", bound: bound{2, 10}, want: "[]"},
		{name: "within", bound: bound{2, 10}, sizes: []int{5, 5}, want: "[0 1]"},
		{name: "too many", bound: bound{2, 10}, sizes: []int{1, 1, 1}, want: "[1 2]"},
		{name: "too large together", bound: bound{9, 10}, sizes: []int{4, 4, 4}, want: "[1 2]"},
		{name: "one for several", bound: bound{9, 10}, sizes: []int{1, 1, 1, 9}, want: "[2 3]"},
		{name: "larger than the bound", bound: bound{9, 10}, sizes: []int{1, 99}, want: "[1]"},
		{name: "a small one behind it", bound: bound{9, 10}, sizes: []int{1, 99, 1}, want: "[2]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := kept[int]{}
			for i, size := range row.sizes {
				k.add(i, size, row.bound)
			}
			assert.Equal(t, row.want, fmt.Sprint(k.items))
			assert.Equal(t, len(row.sizes), k.came())
			sum := 0
			for _, i := range k.items {
				sum += row.sizes[i]
			}
			assert.Equal(t, sum, k.bytes)
		})
	}
}

func TestKeptRemoves(t *testing.T) {
	k := kept[int]{}
	for i := range 5 {
		k.add(i, i+1, bound{9, 99})
	}
	assert.Equal(t, []int{0, 2, 4}, k.remove(func(i int) bool { return i%2 == 0 }))
	assert.Equal(t, "[1 3] [2 4] 6 5", fmt.Sprint(k.items, k.sizes, k.bytes, k.came()))
}

// Each fake forgets its oldest mails, and goes on.
func TestMailsAreBounded(t *testing.T) {
	s := New(t)
	s.bound = bound{items: 10, bytes: 64 << 10}
	c := brevoClient(t, s)
	large := strings.Replace(aMail, "Hello", strings.Repeat("x", 20<<10), 1)
	for range 3 {
		c.call(201, "POST", "/smtp/email", large)
	}
	assert.Len(t, s.Messages("brevo"), 1, "the body counts beside what was read from it")
	assert.Len(t, s.Requests("brevo"), 3)
	for range 20 {
		c.call(201, "POST", "/smtp/email", aMail)
	}
	assert.Len(t, s.Messages(), 10)
	assert.Len(t, s.Requests("brevo"), 10)
	requests, mails := s.Dropped()
	assert.Equal(t, []int{13, 13}, []int{requests, mails})
	s.Reset()
	requests, mails = s.Dropped()
	assert.Equal(t, []int{0, 0}, []int{requests, mails})
}

// What else knows a mail holds little of it once that has been dropped.
func TestDroppedMailHasNoContent(t *testing.T) {
	s := New(t)
	s.bound = bound{items: 1, bytes: 1 << 20}
	st := s.states["smsby"].store
	first := st.addMail(Mail{HTML: "<p>x</p>", Raw: []byte("x"), Attachments: []provider.Attachment{{Content: []byte("x")}}})
	st.addMail(Mail{})
	assert.Zero(t, first.content())
	assert.Nil(t, first.Raw)
}

func TestViolationsAreBounded(t *testing.T) {
	s := New(t)
	for range maxViolations + 5 {
		s.violate(Violation{What: "x"})
	}
	assert.Len(t, s.Violations(), maxViolations)
}

func TestTooLarge(t *testing.T) {
	s := New(t)
	body := func(size int) string { return strings.Replace(aMail, "Hello", strings.Repeat("x", size), 1) }
	r := brevoClient(t, s).call(400, "POST", "/smtp/email", body(maxBrevoMail))
	assert.Equal(t, "invalid_parameter", r.body["code"])
	brevoClient(t, s).call(201, "POST", "/smtp/email", body(maxBrevoMail-5))
	for _, row := range []struct{ provider, path, member string }{
		{provider: "brevo", path: "/smtp/email", member: "message"},
		{provider: "pakatv3", path: "/smtp/email", member: "message"},
		{provider: "pakat", path: "/transactional-emails", member: "error"},
		{provider: "sendpulse", path: "/smtp/emails", member: "message"},
		{provider: "smsby", path: "/api/v1/sendEmail", member: "error"},
	} {
		t.Run(row.provider, func(t *testing.T) {
			w := httptest.NewRecorder()
			req := httptest.NewRequest(http.MethodPost, s.BaseURL(row.provider)+row.path, strings.NewReader(strings.Repeat("x", maxBody+1)))
			s.ServeHTTP(w, req)
			assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
			assert.Contains(t, w.Body.String(), `"`+row.member+`"`, "in the vendor's form")
		})
	}
	require.Len(t, s.Messages(), 1)
}

// A name of the web that leads to this machine does not open the sandbox.
func TestHost(t *testing.T) {
	s := New(t)
	for _, row := range []struct {
		name, host string
		want       int
	}{
		{name: "an address", host: "127.0.0.1:8025", want: http.StatusUnauthorized},
		{name: "without a port", host: "127.0.0.1", want: http.StatusUnauthorized},
		{name: "another of this machine", host: "127.9.9.9:1", want: http.StatusUnauthorized},
		{name: "IPv6", host: "[::1]:8025", want: http.StatusUnauthorized},
		{name: "IPv6 without a port", host: "[::1]", want: http.StatusUnauthorized},
		{name: "localhost", host: "LocalHost:8025", want: http.StatusUnauthorized},
		{name: "localhost, whole", host: "localhost.", want: http.StatusUnauthorized},
		{name: "none", host: "", want: http.StatusMisdirectedRequest},
		{name: "a name of the web", host: "evil.example:8025", want: http.StatusMisdirectedRequest},
		{name: "a name that begins alike", host: "127.0.0.1.evil.example", want: http.StatusMisdirectedRequest},
		{name: "a name below localhost", host: "evil.localhost", want: http.StatusMisdirectedRequest},
		{name: "an address of a network", host: "192.168.0.1:8025", want: http.StatusMisdirectedRequest},
		{name: "any address", host: "0.0.0.0:8025", want: http.StatusMisdirectedRequest},
		{name: "a user", host: "127.0.0.1@evil.example", want: http.StatusMisdirectedRequest},
	} {
		t.Run(row.name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodGet, s.BaseURL("brevo")+"/account", nil)
			req.Host = row.host
			w := httptest.NewRecorder()
			s.ServeHTTP(w, req)
			assert.Equal(t, row.want, w.Code, w.Body.String())
		})
	}
	assert.Len(t, s.Requests("brevo"), 7)
}
