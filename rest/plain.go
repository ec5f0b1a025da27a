package rest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/rest/flex"
)

// maxPlainAnswer is the most that Plain reads of a response, in bytes.
const maxPlainAnswer = 8 << 20

// Plain returns a Doer that sends calls to baseURL with hc and adds nothing. A
// status other than 2xx is a *StatusError. hc nil means http.DefaultClient. The
// Doer is safe for concurrent use.
//
// It adds no credentials; hc's transport has to. It keeps no limits, has no timeout
// except those of hc and the context, repeats nothing and ignores effects. net/http
// itself repeats a GET when a reused connection breaks, although some vendors send
// mail on a GET. Redirects are followed as hc does. Errors do not report whether a
// mail was sent, and an error inside a response with status 200 is not detected.
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

// StatusError is the error of Plain for a response outside 2xx.
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
	return reply, call.Decode(data, out)
}

// Decode decodes the body of a 2xx response. An empty body does not change out;
// data after the first JSON value is an error.
func Decode(data []byte, out any) error {
	return decode(data, out, func() error { return exact.Unmarshal(data, out) })
}

// DecodeRows is Decode of a page, whose fields may have the forms that flex.Decode takes.
// A row that cannot be read is left out and counted.
func DecodeRows(data []byte, out any) (unread int, err error) {
	err = decode(data, out, func() error { return flex.Decode(data, out, &unread) })
	return unread, err
}

// Decode decodes the body of a 2xx response to the call. For a read, fields may have the
// forms that flex.Decode takes. What proves that something was done has to have the form
// of the spec.
func (c *Call) Decode(data []byte, out any) error {
	if c.Effect != Read {
		return Decode(data, out)
	}
	return decode(data, out, func() error { return flex.Decode(data, out, c.unread) })
}

func decode(data []byte, out any, read func() error) error {
	if _, ok := out.(*Empty); ok || len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	return read()
}
