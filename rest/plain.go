package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxPlainAnswer caps what Plain reads of an answer, in bytes.
const maxPlainAnswer = 8 << 20

// Plain returns a Doer that sends calls to baseURL with hc and adds nothing. A
// status other than 2xx is a *StatusError. hc nil means http.DefaultClient. The
// Doer is safe for concurrent use.
//
// It places no credentials: that is the business of hc's transport. It keeps no
// limits and has no timeout but hc's and the context's. It repeats nothing and
// reads no effect; net/http repeats a GET by itself when a used connection
// breaks, although some vendors mail on a GET. It follows redirects as hc does.
// Its errors do not say whether a mail went out, and an error that a vendor puts
// into a 200 is none to it.
func Plain(baseURL string, hc *http.Client) Doer {
	if hc == nil {
		hc = http.DefaultClient
	}
	return &plain{base: baseURL, hc: hc}
}

type plain struct {
	base string
	hc   *http.Client
}

// StatusError is an answer of Plain outside 2xx.
type StatusError struct {
	Operation string
	Reply     Reply
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: status %d", e.Operation, e.Reply.Status)
}

func (p *plain) Do(ctx context.Context, call *Call, out any) (*Reply, error) {
	u, err := call.URL(p.base)
	if err != nil {
		return nil, err
	}
	body, contentType, err := call.Encode()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, u, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for _, h := range call.Header {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := p.hc.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxPlainAnswer+1))
	reply := &Reply{Status: resp.StatusCode, Header: resp.Header, Body: data}
	switch {
	case err != nil:
		return reply, err
	case len(data) > maxPlainAnswer:
		return reply, fmt.Errorf("%s: answer over %d bytes", call.Operation, maxPlainAnswer)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return reply, &StatusError{Operation: call.Operation, Reply: *reply}
	}
	return reply, Decode(data, out)
}

// Decode decodes the body of a 2xx answer. An empty body leaves out as it is;
// data behind the first JSON value is an error.
func Decode(data []byte, out any) error {
	if _, ok := out.(*Empty); ok || len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	return json.Unmarshal(data, out)
}
