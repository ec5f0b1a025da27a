package httpx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/internal/fastpath"
)

var (
	errSealed  = errors.New("body is sealed")
	errTooLate = errors.New("the time in which the provider knows the key has ended before the request left")
)

// sealedBody is a request body that records how much of it was handed to the
// connection. After seal no further byte leaves, so a write that is still running
// cannot make the verdict wrong. Hooks like httptrace.WroteRequest cannot promise
// that on HTTP/2.
//
// The body is framed by Content-Length. While its last byte has not been read
// the server cannot have the whole request.
type sealedBody struct {
	data   []byte
	pooled *[]byte // the pool's memory under data, nil when data is not from the pool

	notAfter time.Time // the first byte may not leave later, zero for any
	why      error     // of the refusal then

	trace   httptrace.ClientTrace
	maxIdle time.Duration // of the connection, see keptIdle
	mu      sync.Mutex
	first   sealedReader  // nearly always the only one
	last    *sealedReader // the transport's latest one
	gotConn bool
	full    bool // some reader was read to the end; stays set when the transport replays
	sealed  bool
	kept    bool // a reader has refused, because of notAfter

	// The wait for the answer, which begins when the whole request has left.
	bound  time.Duration // 0 for none
	expire func()        // ends the attempt; nil once there is an answer
	timer  *time.Timer   // of the wait
	late   bool          // the bound has ended the attempt
}

// leftState says how much of a request may have left.
type leftState int

const (
	leftNothing leftState = iota // there was no connection
	leftPart                     // a connection, but not the whole request
	leftAll                      // the whole request may be at the server
)

// seal lets no further byte leave and returns how much may have left.
func (b *sealedBody) seal() leftState {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sealed = true
	switch empty := len(b.data) == 0; {
	case b.full && !empty: // an empty body is read before there is a connection
		return leftAll
	case !b.gotConn:
		return leftNothing
	case empty:
		return leftAll
	}
	return leftPart
}

// keptBack reports whether the body did not leave because it was too late for that.
func (b *sealedBody) keptBack() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept && !b.full
}

// expectAnswer makes the body call expire when the answer does not come within bound.
// That counts from when the whole request has been handed over, for the first time if the
// transport replays it.
func (b *sealedBody) expectAnswer(bound time.Duration, expire func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bound, b.expire = bound, expire
}

// answered ends what expectAnswer began. The transport may go on reading the body after
// an early answer.
func (b *sealedBody) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire = nil
	if b.timer != nil {
		b.timer.Stop()
	}
}

// left begins the wait for the answer. b.mu is held.
func (b *sealedBody) left() {
	if b.expire != nil && b.timer == nil {
		b.timer = time.AfterFunc(b.bound, b.overdue)
	}
}

func (b *sealedBody) overdue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.expire != nil {
		b.late = true
		b.expire()
	}
}

// tooLate reports whether the attempt was ended because no answer came.
func (b *sealedBody) tooLate() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.late
}

// connected notes that the request has a connection. One without a body leaves at once.
func (b *sealedBody) connected() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gotConn = true
	if len(b.data) == 0 {
		b.left()
	}
}

// buffer returns empty memory for data, from the pool.
func (b *sealedBody) buffer() []byte {
	b.pooled = fastpath.Take()
	return (*b.pooled)[:0]
}

// release returns the body's memory to the pool when the attempt is over. An
// answer can come before the whole body is read; then the transport goes on
// reading, and the memory stays with it.
func (b *sealedBody) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pooled == nil || b.last == nil || !b.last.done {
		return
	}
	b.sealed = true // the transport may hold an older reader
	*b.pooled = b.data
	fastpath.GiveBack(b.pooled)
	b.data, b.pooled = nil, nil
}

// watch returns a context with which a request reports its connection to b. One that was
// idle for longer than maxIdle is not used.
func (b *sealedBody) watch(ctx context.Context, maxIdle time.Duration) context.Context {
	b.maxIdle = maxIdle
	b.trace.GotConn = func(info httptrace.GotConnInfo) {
		if !info.WasIdle || info.IdleTime <= b.maxIdle || !retire(info.Conn) {
			b.connected()
		}
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

// forbidReplay keeps net/http from sending req a second time by itself. It does so
// on a connection that was used before, when method or header promise that a repeat
// is harmless; but some vendors mail on a GET.
func (b *sealedBody) forbidReplay(req *http.Request) {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		// A body without GetBody cannot be replayed. An empty one is not sent at all.
		req.Body, req.GetBody = b.reader(), nil
	}
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := req.Header[name]; ok {
			delete(req.Header, name)
			// In lower case the name is the same to a server, and net/http does not know it.
			req.Header[strings.ToLower(name)] = values
		}
	}
}

func (b *sealedBody) reader() io.ReadCloser {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		b.first.b = b
		b.last = &b.first
	} else {
		b.last = &sealedReader{b: b}
	}
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
		return 0, io.EOF // the transport checks that there is no more than the length it sent
	}
	if r.b.sealed {
		return 0, errSealed
	}
	if r.read == 0 && past(r.b.notAfter) {
		// It has waited for a connection.
		r.b.kept = true
		return 0, r.b.why
	}
	n := copy(p, r.b.data[r.read:])
	if r.read += n; r.read == len(r.b.data) {
		r.b.full, r.done = true, true
		r.b.left()
		return n, io.EOF
	}
	return n, nil
}

func (r *sealedReader) Close() error { return nil }
