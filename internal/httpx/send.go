package httpx

import (
	"context"
	"net/http"

	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/rest"
)

// sender puts the request on the wire. It is the last link. When no answer comes,
// it seals the body to find out whether the request left.
type sender struct {
	linked
	client *http.Client
	// reportsConn says that the transport reports its connections to httptrace.
	reportsConn bool
	idle        keptIdle
	base        string // for the text of errors
}

func newSender(client *http.Client, base string) *sender {
	_, reports := client.Transport.(*http.Transport)
	reports = reports || client.Transport == nil // the default one does
	return &sender{client: client, reportsConn: reports, base: base}
}

func (l *sender) do(ctx context.Context, x exchange) (*Answer, *failure) {
	if past(x.notAfter) {
		return nil, tooLate(place(x.call, l.base), x.lateCause())
	}
	resp, err := fastpath.Send(l.client, l.request(ctx, x)) //nolint:bodyclose // the next link up reads and closes it
	if err != nil {
		return nil, transportFailure(ctx, x, l.base, err)
	}
	l.idle.heed(resp.Header)
	return &Answer{
		Call: x.call, Status: resp.StatusCode, Header: resp.Header,
		stream: resp.Body, length: resp.ContentLength,
	}, nil
}

func (l *sender) request(ctx context.Context, x exchange) *http.Request {
	if l.reportsConn {
		ctx = x.body.watch(ctx, l.idle.most(x.call))
	} else {
		// For all that is known: then only an unread body proves that the request is not
		// at the server.
		x.body.connected()
	}
	req := (&http.Request{
		Method: x.call.Method, URL: x.url, Header: x.header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	x.body.attach(req)
	if x.call.Effect == rest.Send {
		x.body.forbidReplay(req)
	}
	return req
}
