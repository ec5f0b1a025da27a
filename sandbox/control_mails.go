package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/postmux/postmux/internal/text"
)

// mailFilter finds mails.
type mailFilter struct{ provider, to, subject, q string }

var filterNames = []string{"provider", "to", "subject", "q"}

func (s *Server) filterOf(q url.Values) (mailFilter, *refusal) {
	f := mailFilter{
		provider: q.Get("provider"), to: q.Get("to"), subject: strings.ToLower(q.Get("subject")), q: strings.ToLower(strings.TrimSpace(q.Get("q"))),
	}
	if f.provider != "" {
		return f, s.providerOf(f.provider, false)
	}
	return f, nil
}

// takes reports whether m is looked for; s.mu is held.
func (f mailFilter) takes(st *store, m *mail) bool {
	if f.to != "" && !slices.ContainsFunc(m.recipients(), func(email string) bool { return sameEmail(email, f.to) }) {
		return false
	}
	if f.subject != "" && !strings.Contains(strings.ToLower(st.filled(m, m.Subject)), f.subject) {
		return false
	}
	if f.q == "" {
		return true
	}
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), f.q) })
	}
	if has(st.filled(m, m.Subject), m.ID, m.Template, m.From.Email, m.From.Name) || has(m.Tags...) || has(m.recipients()...) {
		return true
	}
	for _, a := range slices.Concat(m.To, m.Cc, m.Bcc) {
		if has(a.Name) {
			return true
		}
	}
	for _, a := range m.Attachments {
		if has(a.Name) {
			return true
		}
	}
	return has(st.filled(m, m.Text)) || has(st.filled(m, m.HTML))
}

// found returns the mails behind a number that f takes, newest first; s.mu is held.
func (s *Server) found(f mailFilter, after int64) []*mail {
	var out []*mail
	for _, name := range Providers() {
		if f.provider != "" && f.provider != name {
			continue
		}
		st := s.states[name].store
		items := st.mails.items
		for i := len(items) - 1; i >= 0 && items[i].seq > after; i-- {
			if f.takes(st, items[i]) {
				out = append(out, items[i])
			}
		}
	}
	slices.SortFunc(out, func(a, b *mail) int { return int(b.seq - a.seq) })
	return out
}

// Sizes of a page of mails.
const (
	usualPage = 100
	mostPage  = 1000
)

func (s *Server) listMails(r *http.Request) (any, *refusal) {
	q, no := known(r, append(filterNames, "limit", "before")...)
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, no := s.filterOf(q)
	if no != nil {
		return nil, no
	}
	limit, no := whole(q, "limit", usualPage, 1, mostPage)
	if no != nil {
		return nil, no
	}
	before, no := whole(q, "before", 0, 1, 1<<62)
	if no != nil {
		return nil, no
	}
	rows, next := []mailRow{}, (*int64)(nil)
	all := s.found(f, 0)
	for _, m := range all {
		if before > 0 && m.seq >= before {
			continue
		}
		if int64(len(rows)) == limit {
			next = &rows[len(rows)-1].Number
			break
		}
		rows = append(rows, s.states[m.Provider].store.row(m))
	}
	return map[string]any{"mails": rows, "total": len(all), "next": next, "changes": s.changes}, nil
}

// mailOf finds the mail of a path; s.mu is held.
func (s *Server) mailOf(r *http.Request) (*store, *mail, *refusal) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err == nil {
		for _, name := range Providers() {
			st := s.states[name].store
			// The mails of a store are in the order of their numbers.
			i, ok := slices.BinarySearchFunc(st.mails.items, number, func(m *mail, n int64) int { return int(m.seq - n) })
			if ok {
				return st, st.mails.items[i], nil
			}
		}
	}
	return nil, nil, notFound("no mail has the number %s, or it is no longer kept", text.Clip(r.PathValue("number")))
}

func (s *Server) getMail(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, m, no := s.mailOf(r)
	if no != nil {
		return nil, no
	}
	return st.view(m), nil
}

func (s *Server) getMailRequest(r *http.Request) (any, *refusal) {
	q, no := known(r, "whole")
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, m, no := s.mailOf(r)
	if no != nil {
		return nil, no
	}
	if m.via == nil {
		return nil, notFound("the request of this mail is not kept")
	}
	return m.via.view(s.states[st.name].key, q.Get("whole") == "true"), nil
}

func (s *Server) getMailHTML(r *http.Request) (any, *refusal) {
	s.mu.Lock()
	st, m, no := s.mailOf(r)
	if no != nil {
		s.mu.Unlock()
		return nil, no
	}
	html := st.filled(m, m.HTML)
	s.mu.Unlock()
	return raw{kind: "text/html; charset=utf-8", data: []byte(framed(html)), csp: frameAllowed}, nil
}

// getMailFile gives every file as bytes to be saved, whatever its type says.
func (s *Server) getMailFile(r *http.Request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, m, no := s.mailOf(r)
	if no != nil {
		return nil, no
	}
	i, err := strconv.Atoi(r.PathValue("index"))
	if err != nil || i < 0 || i >= len(m.Attachments) {
		return nil, notFound("the mail has %d attachments, counted from 0", len(m.Attachments))
	}
	a := m.Attachments[i]
	if a.Content == nil && a.URL != "" {
		return nil, notFound("the attachment is named by a URL, which the sandbox does not fetch")
	}
	return raw{kind: "application/octet-stream", data: a.Content, name: fileName(a, i)}, nil
}

func (s *Server) deleteMails(r *http.Request) (any, *refusal) {
	q, no := known(r, filterNames...)
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, no := s.filterOf(q)
	if no != nil {
		return nil, no
	}
	return s.remove(s.found(f, 0)), nil
}

func (s *Server) deleteMail(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, m, no := s.mailOf(r)
	if no != nil {
		return nil, no
	}
	return s.remove([]*mail{m}), nil
}

// remove forgets mails; their fakes do not find them any more. s.mu is held.
func (s *Server) remove(mails []*mail) any {
	which := make(map[*mail]bool, len(mails))
	for _, m := range mails {
		which[m] = true
	}
	for _, st := range s.states {
		for _, m := range st.store.mails.remove(func(m *mail) bool { return which[m] }) {
			m.forget()
		}
	}
	s.stale()
	return map[string]any{"deleted": len(mails)}
}
