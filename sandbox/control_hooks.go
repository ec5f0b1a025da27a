package sandbox

import (
	"net/http"
	"strings"
)

// triggerEvent makes an event happen, see Trigger.
func (s *Server) triggerEvent(r *http.Request) (any, *refusal) {
	var in trigger
	if no := s.hookBody(r, &in, &in.Provider); no != nil {
		return nil, no
	}
	if in.Times < 0 || in.Times > 1000 {
		return nil, badRequest("times: expected 1 to 1000, got %d", in.Times)
	}
	if in.Batch < 0 || in.Batch > 1000 {
		return nil, badRequest("batch: expected 1 to 1000, got %d", in.Batch)
	}
	if !validEmail(in.Email) {
		return nil, badRequest("email: expected an address")
	}
	if err := s.trigger(in); err != nil {
		return nil, badRequest("%s", strings.TrimPrefix(err.Error(), "sandbox: "))
	}
	return map[string]any{"triggered": max(in.Times, 1)}, nil
}

// enterWebhook enters a webhook as a person does, see AddWebhook.
func (s *Server) enterWebhook(r *http.Request) (any, *refusal) {
	var in struct {
		Provider string `json:"provider"`
		Stream   string `json:"stream"`
		URL      string `json:"url"`
	}
	if no := s.hookBody(r, &in, &in.Provider); no != nil {
		return nil, no
	}
	if err := s.AddWebhook(in.Provider, in.Stream, in.URL); err != nil {
		return nil, badRequest("%s", strings.TrimPrefix(err.Error(), "sandbox: "))
	}
	return map[string]any{"entered": true}, nil
}

func (s *Server) hookBody(r *http.Request, into any, provider *string) *refusal {
	if _, no := known(r); no != nil {
		return no
	}
	if no := decodeBody(r, into); no != nil {
		return no
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.providerOf(*provider, false)
}
