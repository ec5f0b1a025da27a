package httpx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
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
	kept *[]byte // where data is from, if that is the pool

	trace   httptrace.ClientTrace
	mu      sync.Mutex
	last    *sealedReader // of the transport's latest try
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

// bodies are the memory of bodies that are sent. A mail is written into memory
// that another has left, so it need not be grown and cleared each time.
var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// maxKept is how much memory of a body is kept for another, in bytes: one large
// attachment must not hold its memory for ever.
const maxKept = 256 << 10

// room is memory for the body, from the pool.
func (b *sealedBody) room() []byte {
	b.kept = bodies.Get().(*[]byte)
	return (*b.kept)[:0]
}

// release gives the body's memory back when the attempt is over and nobody
// needs it any more. An answer can come before the body is read whole; then the
// transport goes on reading, and the memory is left to it.
func (b *sealedBody) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept == nil || b.last == nil || !b.last.done || cap(b.data) > maxKept {
		return
	}
	b.sealed = true // for an older reader, should the transport hold one
	*b.kept = b.data
	bodies.Put(b.kept)
	b.data, b.kept = nil, nil
}

// watch returns a context whose request tells b about its connection.
func (b *sealedBody) watch(ctx context.Context) context.Context {
	b.trace.GotConn = func(httptrace.GotConnInfo) {
		b.mu.Lock()
		b.gotConn = true
		b.mu.Unlock()
	}
	return httptrace.WithClientTrace(ctx, &b.trace)
}

// attach makes req send the body.
func (b *sealedBody) attach(req *http.Request) {
	if len(b.data) > 0 {
		req.ContentLength = int64(len(b.data))
		req.Body = b.reader()
		req.GetBody = func() (io.ReadCloser, error) { return b.reader(), nil }
	}
}

// once keeps net/http from sending req a second time by itself, as it does on a
// connection that was used before when method or header promise that a repeat is
// harmless: some vendors mail on a GET.
func (b *sealedBody) once(req *http.Request) {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		// A body that cannot be had again. When it is empty, nothing of it is sent.
		req.Body, req.GetBody = b.reader(), nil
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := req.Header[name]; ok {
			delete(req.Header, name)
			req.Header[strings.ToLower(name)] = values // the same to a server, and net/http does not know it
		}
	}
}

func (b *sealedBody) reader() io.ReadCloser {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = &sealedReader{b: b}
	return b.last
}

type sealedReader struct {
	b    *sealedBody
	read int
	done bool
}

func (r *sealedReader) Read(p []byte) (int, error) {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	if r.done {
		return 0, io.EOF // the transport looks whether there is more than it was told
	}
	if r.b.sealed {
		return 0, errSealed
	}
	n := copy(p, r.b.data[r.read:])
	if r.read += n; r.read == len(r.b.data) {
		r.b.full, r.done = true, true
		return n, io.EOF
	}
	return n, nil
}

func (r *sealedReader) Close() error { return nil }
