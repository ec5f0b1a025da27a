package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// handPeer is what a careful program without a library does: structs, one
// request, status checked, answer read and decoded, a transport for many calls.
func handPeer() peer {
	return peer{name: "net/http + encoding/json, by hand", json: true, yardstick: true, status: 201, answer: brevoAnswer, open: func(t target) (sendFunc, error) {
		return byHand(t, tuned(), encodeByHand), nil
	}}
}

// handDefaultPeer is the same program with the transport as it comes.
func handDefaultPeer() peer {
	return peer{name: "the same, default transport", json: true, yardstick: true, transportOnly: true, status: 201, answer: brevoAnswer, open: func(t target) (sendFunc, error) {
		return byHand(t, plainClient(), encodeByHand), nil
	}}
}

// rawPeer sends a body that was encoded before: what net/http itself costs.
func rawPeer() peer {
	return peer{name: "net/http, body encoded before", json: true, yardstick: true, status: 201, answer: brevoAnswer, open: func(t target) (sendFunc, error) {
		var bodies sync.Map // *mail -> []byte
		return byHand(t, tuned(), func(m *mail) ([]byte, error) {
			if data, ok := bodies.Load(m); ok {
				return data.([]byte), nil
			}
			data, err := encodeByHand(m)
			bodies.Store(m, data)
			return data, err
		}), nil
	}}
}

type handAddress struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

type handMail struct {
	Sender      handAddress   `json:"sender"`
	To          []handAddress `json:"to"`
	Subject     string        `json:"subject"`
	HTMLContent string        `json:"htmlContent"`
	Tags        []string      `json:"tags,omitempty"`
}

func encodeByHand(m *mail) ([]byte, error) {
	return json.Marshal(handMail{handAddress{m.from, m.fromName}, []handAddress{{m.to, m.toName}}, m.subject, m.html, []string{m.tag}})
}

func byHand(t target, own *http.Client, encode func(*mail) ([]byte, error)) sendFunc {
	hc := t.hc
	if hc == nil {
		hc = own
	}
	return func(ctx context.Context, m *mail) error {
		data, err := encode(m)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+"/v3/smtp/email", bytes.NewReader(data))
		if err != nil {
			return err
		}
		req.Header.Set("api-key", "xkeysib-0123456789abcdef")
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json")
		resp, err := hc.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		var out struct {
			MessageID string `json:"messageId"`
		}
		return json.Unmarshal(answer, &out)
	}
}
