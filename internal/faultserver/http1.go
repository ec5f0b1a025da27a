package faultserver

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

func (s *Server) serveHTTP1() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if !s.track(conn) {
			_ = conn.Close()
			return
		}
		s.open.add(1)
		go func() {
			defer s.open.add(-1)
			defer s.untrack(conn)
			defer conn.Close()
			s.serveConn(conn)
		}()
	}
}

// serveConn reads requests and answers them, until one of them has a fault that
// ends the connection.
func (s *Server) serveConn(raw net.Conn) {
	wire := &countedConn{Conn: raw, left: -1}
	var conn net.Conn = wire
	if s.tls != nil {
		conn = tls.Server(wire, s.tls)
	}
	in := bufio.NewReader(conn)
	for fresh := true; ; fresh = false {
		fault := s.cfg.Plan(fresh)
		if fault.Kind == CloseAtAccept {
			return
		}
		wire.left = -1
		if fault.Kind == Cut || fault.Kind == Reset {
			wire.left = fault.After
		}
		body, err := readRequest(in)
		if err != nil {
			if fault.Kind == Reset {
				reset(raw)
			}
			return
		}
		wire.left = -1
		if !s.answer(conn, raw, s.enter(body, fault)) {
			return
		}
	}
}

func readRequest(in *bufio.Reader) ([]byte, error) {
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(req.Body)
}

// answer reports whether the connection goes on.
func (s *Server) answer(conn, raw net.Conn, fault Fault) bool {
	switch fault.Kind {
	case Silence:
		_, _ = io.Copy(io.Discard, conn)
		return false
	case HalfStatus:
		_, _ = io.WriteString(conn, "HTTP/1.1 20")
		return false
	case ResetAnswer:
		reset(raw)
		return false
	case CutBody:
		text := plainText(s.cfg.OK)
		_, _ = io.WriteString(conn, text[:len(text)-len(s.cfg.OK.Body)/2-1])
		return false
	case Late:
		return s.leaves(conn, fault) == nil && write(conn, plainText(s.cfg.OK))
	case Drip:
		for _, b := range []byte(plainText(s.cfg.OK)) {
			if s.leaves(conn, fault) != nil || !write(conn, string(b)) {
				return false
			}
		}
		return true
	case Endless:
		if !write(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n") {
			return false
		}
		for write(conn, filler) {
		}
		return false
	}
	return write(conn, plainText(s.reply(fault)))
}

// leaves waits for the pause of the fault; an error means that the client left first.
func (s *Server) leaves(conn net.Conn, fault Fault) error {
	if err := conn.SetReadDeadline(after(fault.Pause)); err != nil {
		return err
	}
	var one [1]byte
	_, err := conn.Read(one[:])
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return errLeft
	}
	return conn.SetReadDeadline(never)
}

func plainText(r Reply) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", r.Status, http.StatusText(r.Status), len(r.Body))
	if r.Header["Content-Type"] == "" {
		b.WriteString("Content-Type: application/json\r\n")
	}
	for name, value := range r.Header {
		b.WriteString(name + ": " + value + "\r\n")
	}
	b.WriteString("\r\n" + r.Body)
	return b.String()
}

func write(w io.Writer, text string) bool {
	_, err := io.WriteString(w, text)
	return err == nil
}

// reset closes a connection with RST.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

var (
	errCut  = errors.New("cut")
	errLeft = errors.New("the client left")
)

// countedConn reads at most left bytes; -1 means any number. One goroutine
// reads and sets it.
type countedConn struct {
	net.Conn
	left int
}

func (c *countedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errCut
	}
	if c.left > 0 && len(p) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	if c.left > 0 {
		c.left -= n
	}
	return n, err
}
