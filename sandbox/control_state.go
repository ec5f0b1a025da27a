package sandbox

import (
	"net/http"
	"time"

	"github.com/postmux/postmux/api"
)

func (s *Server) about(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	type row struct {
		Name    string `json:"name"`
		Title   string `json:"title"`
		BaseURL string `json:"base_url"`
		Key     string `json:"key"`
		Mails   int    `json:"mails"`
	}
	titles := map[string]string{}
	for _, v := range api.Vendors() {
		titles[v.Spec] = v.Name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := []row{}
	for _, name := range Providers() {
		st := s.states[name]
		rows = append(rows, row{name, titles[name], "http://" + r.Host + st.prefix, st.key, len(st.store.mails.items)})
	}
	return map[string]any{"providers": rows, "lenient": s.lenient, "last": s.seq, "violations": len(s.past.items), "webhooks": s.hookCount(), "now": s.now()}, nil
}

func (s *Server) listContacts(r *http.Request) (any, *refusal) {
	q, no := known(r, "provider")
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if no := s.providerOf(q.Get("provider"), false); no != nil {
		return nil, no
	}
	return map[string]any{"contacts": s.states[q.Get("provider")].store.contactViews()}, nil
}

func (s *Server) listLists(r *http.Request) (any, *refusal) {
	q, no := known(r, "provider")
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if no := s.providerOf(q.Get("provider"), false); no != nil {
		return nil, no
	}
	type row struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Contacts int    `json:"contacts"` // whatever their status
	}
	rows := []row{}
	st := s.states[q.Get("provider")].store
	for _, l := range st.lists {
		rows = append(rows, row{l.id, l.name, len(st.membersOf(l.id))})
	}
	return map[string]any{"lists": rows}, nil
}

// clock is the clock of the sandbox; s.mu is held.
func (s *Server) clock() any {
	return map[string]any{"now": s.now(), "ahead_seconds": s.ahead.Seconds()}
}

func (s *Server) getClock(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock(), nil
}

// mostAhead is how far the clock may be moved.
const mostAhead = 10 * 365 * 24 * time.Hour

func (s *Server) advanceClock(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	var in struct {
		Advance float64 `json:"advance_seconds"`
	}
	if no := decodeBody(r, &in); no != nil {
		return nil, no
	}
	d, no := span("advance_seconds", in.Advance, mostAhead)
	if no != nil {
		return nil, no
	}
	s.mu.Lock()
	ahead := s.ahead
	s.mu.Unlock()
	if ahead+d > mostAhead {
		return nil, badRequest("advance_seconds: the clock would be more than ten years ahead")
	}
	s.Advance(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock(), nil
}

func (s *Server) resetAll(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.Reset()
	return map[string]any{"reset": true}, nil
}

func (s *Server) describe(*http.Request) (any, *refusal) {
	return raw{kind: "application/yaml", data: description}, nil
}
