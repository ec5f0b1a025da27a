package httpx

import (
	"context"
	"errors"
	"net/http"

	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/rest"
)

// sender puts the request on the wire. It is the last link. When no answer comes,
// it seals the body to find out whether the request left.
type sender struct {
	linked
	client *http.Client
	// transport is called in place of client when client adds nothing to it; else nil.
	transport http.RoundTripper
	// reportsConn says that the transport reports its connections to httptrace.
	reportsConn bool
	base        string // for the text of errors
}

func newSender(client *http.Client, base string) *sender {
	_, reports := client.Transport.(*http.Transport)
	reports = reports || client.Transport == nil // the default one does
	return &sender{client: client, transport: transportOf(client), reportsConn: reports, base: base}
}

func (l *sender) do(ctx context.Context, x exchange) (*Answer, *failure) {
	resp, err := l.roundTrip(l.request(ctx, x)) //nolint:bodyclose // the next link up reads and closes it
	if err != nil {
		return nil, transportFailure(ctx, x.call, l.base, x.body.seal(l.reportsConn), err)
	}
	return &Answer{
		Call: x.call, Status: resp.StatusCode, Header: resp.Header,
		stream: resp.Body, length: resp.ContentLength,
	}, nil
}

func (l *sender) request(ctx context.Context, x exchange) *http.Request {
	if l.reportsConn {
		ctx = x.body.watch(ctx)
	}
	req := (&http.Request{
		Method: x.call.Method, URL: x.url, Host: x.host, Header: x.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	x.body.attach(req)
	if x.call.Effect == rest.Send {
		x.body.forbidReplay(req)
	}
	return req
}

func (l *sender) roundTrip(req *http.Request) (*http.Response, error) {
	if l.transport == nil || fastpath.Direct.Off() {
		return l.client.Do(req)
	}
	resp, err := l.transport.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport returned neither an answer nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

// transportOf returns the transport of a client that adds nothing to it, since
// redirects are not followed: calling it directly saves copies of the header. It
// is nil for a client with cookies or a timeout.
func transportOf(client *http.Client) http.RoundTripper {
	switch {
	case client.Jar != nil || client.Timeout != 0:
		return nil
	case client.Transport == nil:
		return http.DefaultTransport
	}
	return client.Transport
}
