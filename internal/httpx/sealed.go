package httpx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
)

var errSealed = errors.New("body is sealed")

// sealedBody is a request body that knows how much of itself was handed to the
// connection. After seal no byte leaves any more, so the verdict cannot be
// overtaken by a write that is still running: that is what hooks like
// httptrace.WroteRequest cannot promise on HTTP/2.
//
// The body is framed by Content-Length. While its last byte has not been read
// the server cannot have the whole request.
type sealedBody struct {
	data []byte

	mu      sync.Mutex
	gotConn bool
	full    bool // sticky over the transport's own replays
	sealed  bool
}

// leftState is what is certain after an attempt without an answer.
type leftState int

const (
	leftNothing leftState = iota // no connection was there
	leftPart                     // a connection, but not the whole request
	leftAll                      // the whole request may be at the server
)

// seal lets no further byte leave and says what is certain. A transport that is
// not Go's own may have a connection without telling (traced is false); then
// nothing but an unread body proves that the request is not at the server.
func (b *sealedBody) seal(traced bool) leftState {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sealed = true
	switch {
	case b.full:
		return leftAll
	case len(b.data) > 0 && (b.gotConn || !traced):
		return leftPart
	case b.gotConn || !traced:
		return leftAll
	}
	return leftNothing
}

// watch returns a context whose request tells b about its connection.
func (b *sealedBody) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		b.mu.Lock()
		b.gotConn = true
		b.mu.Unlock()
	}})
}

// attach makes req send the body.
func (b *sealedBody) attach(req *http.Request) {
	if len(b.data) > 0 {
		req.ContentLength = int64(len(b.data))
		req.Body = b.reader()
		req.GetBody = func() (io.ReadCloser, error) { return b.reader(), nil }
	}
}

func (b *sealedBody) reader() io.ReadCloser { return &sealedReader{b: b} }

type sealedReader struct {
	b    *sealedBody
	read int
}

func (r *sealedReader) Read(p []byte) (int, error) {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	if r.b.sealed {
		return 0, errSealed
	}
	n := copy(p, r.b.data[r.read:])
	if r.read += n; r.read == len(r.b.data) {
		r.b.full = true
		return n, io.EOF
	}
	return n, nil
}

func (r *sealedReader) Close() error { return nil }
