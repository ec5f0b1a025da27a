package faultserver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

func (s *Server) serveHTTP2() { _ = s.h2.ServeTLS(&faultyListener{s.listener, s}, "", "") }

func (s *Server) newHTTP2() *http.Server {
	var only http.Protocols
	only.SetHTTP2(true)
	return &http.Server{
		Handler: http.HandlerFunc(s.serveStream), TLSConfig: s.tls, Protocols: &only, ErrorLog: quiet,
		ReadHeaderTimeout: time.Minute,
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				s.open.add(1)
			case http.StateClosed:
				s.open.add(-1)
			}
		},
	}
}

type connKey struct{}

// faultyListener gives each accepted connection its fault.
type faultyListener struct {
	net.Listener
	server *Server
}

func (l *faultyListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		switch fault := l.server.cfg.Plan(true); fault.Kind {
		case CloseAtAccept:
			_ = c.Close()
		case Cut, Reset:
			return &doomedConn{countedConn{Conn: c, left: fault.After}, fault.Kind == Reset}, nil
		default:
			return c, nil
		}
	}
}

// doomedConn ends by itself after so many bytes.
type doomedConn struct {
	countedConn
	reset bool
}

func (c *doomedConn) Read(p []byte) (int, error) {
	n, err := c.countedConn.Read(p)
	if errors.Is(err, errCut) && c.reset {
		reset(c.Conn)
	}
	return n, err
}

// serveStream is one request. Panicking with ErrAbortHandler resets its stream.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	s.open.add(1)
	defer s.open.add(-1)
	fault := s.cfg.Plan(false)
	var body []byte
	var err error
	if fault.Kind == CloseAtAccept {
		panic(http.ErrAbortHandler)
	}
	if fault.Kind == Cut || fault.Kind == Reset {
		body, err = io.ReadAll(io.LimitReader(r.Body, int64(fault.After)))
		if err == nil && r.ContentLength > int64(len(body)) {
			err = errCut
		}
	} else {
		body, err = io.ReadAll(r.Body)
	}
	if err != nil {
		if fault.Kind == Reset {
			killConn(r)
		}
		panic(http.ErrAbortHandler)
	}
	s.answerStream(w, r, s.enter(body, fault))
}

func (s *Server) answerStream(w http.ResponseWriter, r *http.Request, fault Fault) {
	flush := http.NewResponseController(w).Flush
	switch fault.Kind {
	case Silence:
		<-r.Context().Done()
		return
	case HalfStatus:
		panic(http.ErrAbortHandler)
	case ResetAnswer:
		killConn(r)
		return
	case CutBody:
		w.Header().Set("Content-Length", strconv.Itoa(len(s.cfg.OK.Body)))
		w.WriteHeader(s.cfg.OK.Status)
		_ = write(w, s.cfg.OK.Body[:len(s.cfg.OK.Body)/2])
		_ = flush()
		panic(http.ErrAbortHandler)
	case Late, Drip:
		for _, b := range []byte(s.cfg.OK.Body) {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(fault.Pause):
			}
			if fault.Kind == Late {
				break
			}
			if !write(w, string(b)) || flush() != nil {
				return
			}
		}
		if fault.Kind == Drip {
			return
		}
	case Endless:
		for write(w, filler) {
		}
		return
	}
	reply := s.reply(fault)
	w.Header().Set("Content-Type", "application/json")
	for name, value := range reply.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(reply.Status)
	_ = write(w, reply.Body)
}

// killConn resets the connection under a stream.
func killConn(r *http.Request) {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if d, ok := c.(*doomedConn); ok {
		c = d.Conn
	}
	if c != nil {
		reset(c)
	}
}
