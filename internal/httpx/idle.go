package httpx

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postmux/postmux/rest"
)

// A server closes connections that are idle for some time. A request that crosses such a
// close has left and gets no answer. What can be repeated is repeated; mail without a key
// ends unknown, and a person must look for it. So a connection is given up before the
// server does it.
const (
	// carefulIdle is for mail without a key at a server that does not tell its time. Common
	// servers close after 5 s (Node, Apache, Uvicorn) or much later (nginx, load balancers). A
	// new connection costs less than an unknown mail.
	carefulIdle = 4 * time.Second
	// idleMargin is for the way of the answer and of the next request: the server counts from
	// when it sent the one until it gets the other.
	idleMargin = time.Second
)

// keptIdle is how long a vendor keeps idle connections.
type keptIdle struct{ told atomic.Int64 } // less the margin, in nanoseconds; 0 when it did not tell

// heed takes note of the header of an answer.
func (k *keptIdle) heed(h http.Header) {
	if values, ok := h["Keep-Alive"]; ok {
		if d, ok := keepAlive(strings.Join(values, ",")); ok {
			k.told.Store(max(int64(d-idleMargin), 1))
		}
	}
}

// most is how long a connection may have been idle on which call is sent.
func (k *keptIdle) most(call *rest.Call) time.Duration {
	if told := k.told.Load(); told > 0 {
		return time.Duration(told)
	}
	if call.Effect == rest.Send && call.KeyWindow == 0 {
		return carefulIdle
	}
	return idleTimeout
}

// keepAlive reads the time of a Keep-Alive header: "timeout=5, max=100".
func keepAlive(text string) (time.Duration, bool) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		if strings.EqualFold(strings.TrimSpace(name), "timeout") {
			return Seconds(value)
		}
	}
	return 0, false
}

// retire closes a connection before a byte of a request is written to it, and reports
// whether it did. The transport takes another one then, which is what it does whenever
// nothing could be written. HTTP/2 is left alone: other requests may be on the connection,
// and a server tells there which ones it has not begun.
func retire(conn net.Conn) bool {
	type secured interface{ ConnectionState() tls.ConnectionState }
	if c, ok := conn.(secured); ok && c.ConnectionState().NegotiatedProtocol == "h2" {
		return false
	}
	// Without TLS's goodbye: the server would answer that with its own, which the transport
	// takes for a close of which it does not know what it has cut.
	type wrapper interface{ NetConn() net.Conn }
	for c, ok := conn.(wrapper); ok; c, ok = conn.(wrapper) {
		conn = c.NetConn()
	}
	_ = conn.Close()
	return true
}
