package sandbox

import (
	"net/http"
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// What came of a call of a webhook.
const (
	callTaken   = "taken"
	callAgain   = "again"   // the vendor comes again
	callDropped = "dropped" // for good
)

// delivery is a call of a webhook as the page and the control API show it.
type delivery struct {
	Number   int         `json:"number"`
	Provider string      `json:"provider"`
	Webhook  int64       `json:"webhook"`
	URL      string      `json:"url"`
	At       time.Time   `json:"at"`
	Try      int         `json:"try"`
	Status   int         `json:"status"` // 0: no answer
	Outcome  string      `json:"outcome"`
	Again    time.Time   `json:"again,omitzero"`
	Count    int         `json:"count"`
	Events   []toldEvent `json:"events"` // the first maxTold
}

type toldEvent struct {
	Kind     string `json:"kind"`
	Email    string `json:"email"`
	Campaign bool   `json:"campaign,omitempty"`
}

// maxTold is how many events of a call are shown, maxCalls which calls are kept.
const maxTold = 20

var maxCalls = bound{items: 500, bytes: 8 << 20}

// deliver keeps a call; s.mu is held.
func (s *Server) deliver(d delivery) {
	d.Number = s.calls.came() + 1
	s.calls.add(d, overhead, maxCalls)
	s.touch()
}

// place is the address without what may be a secret in it.
func (h *hook) place() string {
	return events.Webhook{Address: provider.NewSecret(h.url)}.Place()
}

// hookCount is how many webhooks are registered; s.mu is held.
func (s *Server) hookCount() int {
	n := 0
	for _, st := range s.states {
		n += len(st.store.hooks)
	}
	return n
}

// hookView is a webhook as the page and the control API show it.
type hookView struct {
	Provider string   `json:"provider"`
	ID       int64    `json:"id"`
	URL      string   `json:"url"`
	Stream   string   `json:"stream"`
	Events   []string `json:"events"` // the vendor's words; empty means all
	Header   bool     `json:"header"` // it brings a secret or another header
	Waiting  int      `json:"waiting"`
}

// listWebhooks answers with the webhooks and the newest calls.
func (s *Server) listWebhooks(r *http.Request) (any, *refusal) {
	if _, no := known(r); no != nil {
		return nil, no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	hooks := []hookView{}
	for _, name := range Providers() {
		st := s.states[name].store
		for _, h := range st.hooks {
			v := hookView{
				Provider: name, ID: h.id, URL: h.place(), Stream: h.typ, Events: append([]string{}, h.words...),
				Header: h.bearer != "" || len(h.headers) > 0,
			}
			for _, p := range st.queue {
				if p.hook == h {
					v.Waiting++
				}
			}
			hooks = append(hooks, v)
		}
	}
	return map[string]any{"webhooks": hooks, "deliveries": append([]delivery{}, newestFirst(s.calls.items)...)}, nil
}
