// Package faultserver is an HTTP server that fails in exact ways and knows the
// truth: how often each request reached it whole, and how often it was carried
// out. Tests hold a client's verdicts against it.
//
// A request is known by an id in its body, made by [ID]. HTTP/1.1, with and
// without TLS, is spoken over raw connections, so that a fault can fall on any
// byte; HTTP/2 is net/http's own server with faults on connections and streams.
package faultserver

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// Protocol is what a server speaks.
type Protocol int

// The protocols.
const (
	Plain Protocol = iota // HTTP/1.1
	TLS                   // HTTP/1.1 over TLS
	HTTP2                 // HTTP/2 over TLS
)

func (p Protocol) String() string { return [...]string{"HTTP/1.1", "TLS", "HTTP/2"}[p] }

// Config says how a server behaves.
type Config struct {
	Protocol Protocol
	// Plan chooses the fault of a request, before a byte of it is read; nil means
	// none ever. fresh says that the connection has just been accepted. With
	// HTTP/2 a fresh connection and each of its streams have a fault of their own.
	// It is called from several goroutines.
	Plan func(fresh bool) Fault
	// Key finds the idempotency key of a body; nil, or an empty key, means none.
	Key func(body []byte) string
	// Duplicate answers a request under a known key.
	Duplicate Reply
	// OK answers what is carried out; the zero Reply is a 201 with an id.
	OK Reply
}

// Reply is a whole answer.
type Reply struct {
	Status int
	Header map[string]string
	Body   string
}

// Server is a running server on loopback.
type Server struct {
	Ledger

	cfg      Config
	listener net.Listener
	tls      *tls.Config
	h2       *http.Server
	open     tally // connections and handlers

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// Start starts a server.
func Start(cfg Config) (*Server, error) {
	if cfg.Plan == nil {
		cfg.Plan = func(bool) Fault { return Fault{} }
	}
	if cfg.OK.Status == 0 {
		cfg.OK = Reply{Status: http.StatusCreated, Body: `{"id":"7"}`}
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, listener: listener, conns: map[net.Conn]struct{}{}}
	if cfg.Protocol != Plain {
		cert, err := certificate()
		if err != nil {
			_ = listener.Close()
			return nil, err
		}
		s.tls = &tls.Config{Certificates: []tls.Certificate{cert.pair}, MinVersion: tls.VersionTLS12}
	}
	serve := s.serveHTTP1
	if cfg.Protocol == HTTP2 {
		s.h2 = s.newHTTP2()
		serve = s.serveHTTP2
	}
	s.open.add(1)
	go func() {
		defer s.open.add(-1)
		serve()
	}()
	return s, nil
}

// URL is the address of the server.
func (s *Server) URL() string {
	scheme := "https://"
	if s.cfg.Protocol == Plain {
		scheme = "http://"
	}
	return scheme + s.listener.Addr().String()
}

// CA returns the certificate of every server of this process, in PEM.
func CA() ([]byte, error) {
	cert, err := certificate()
	return cert.pem, err
}

// Settle stops listening and waits until the clients have closed their
// connections and everything they sent has been counted.
func (s *Server) Settle() {
	_ = s.listener.Close()
	s.open.wait()
}

// Close stops the server and cuts its connections.
func (s *Server) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	if s.h2 != nil {
		_ = s.h2.Close()
	}
	s.open.wait()
}

// track keeps c for Close; it is false when the server is closed already.
func (s *Server) track(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[c] = struct{}{}
	}
	return !s.closed
}

func (s *Server) untrack(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// tally counts what is open. Unlike a WaitGroup it may grow while somebody waits.
type tally struct {
	mu   sync.Mutex
	n    int
	zero chan struct{} // closed at zero
}

func (t *tally) add(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		t.zero = make(chan struct{})
	}
	if t.n += n; t.n == 0 {
		close(t.zero)
	}
}

func (t *tally) wait() {
	for {
		t.mu.Lock()
		n, zero := t.n, t.zero
		t.mu.Unlock()
		if n == 0 {
			return
		}
		<-zero
	}
}

var quiet = log.New(io.Discard, "", 0)
