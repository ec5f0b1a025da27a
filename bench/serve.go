package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The ways in which a peer's server can be reached.
const (
	modePlain = "HTTP/1.1"
	modeTLS   = "TLS, HTTP/1.1"
	modeH2    = "TLS, HTTP/2"
)

var modes = []string{modePlain, modeTLS, modeH2}

// addresses are what the server tells of itself. Each peer has ports of its
// own, so that the many connections of one do not use up those of another.
type addresses struct {
	Peers  map[string]map[string]string // name, mode -> base URL
	Vendor string                       // Brevo's contacts and personal mails
}

// server is the other process.
type server struct {
	addresses
	cmd  *exec.Cmd
	stop io.Closer
}

// startServer runs this program again as the server. It ends with its standard
// input, so also when this process is killed.
func startServer(ctx context.Context, dir string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "serve", dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, stop: in}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.addresses)
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("server: %w", err)
	}
	return s, nil
}

func (s *server) close() {
	_ = s.stop.Close()
	_ = s.cmd.Wait()
}

// serve is the main function of the server's process.
func serve(dir string, stdin io.Reader, stdout io.Writer) error {
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return err
	}
	a := addresses{Peers: map[string]map[string]string{}}
	for _, p := range peers() {
		a.Peers[p.name] = map[string]string{}
		for _, mode := range modes {
			if a.Peers[p.name][mode], err = listen(mode, cert, answering(p.status, p.answer)); err != nil {
				return err
			}
		}
	}
	if a.Vendor, err = listen(modePlain, cert, newVendor().handler()); err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(a); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

// listen serves h on a port of its own until the process ends.
func listen(mode string, cert tls.Certificate, h http.Handler) (string, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	s.Protocols.SetHTTP1(mode != modeH2)
	s.Protocols.SetHTTP2(mode == modeH2)
	scheme := "http"
	if mode == modePlain {
		go func() { _ = s.Serve(l) }()
	} else {
		scheme = "https"
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		go func() { _ = s.ServeTLS(l, "", "") }()
	}
	return scheme + "://" + l.Addr().String(), nil
}

// answering reads a request to its end and gives one answer.
func answering(status int, answer string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	})
}

// highWater finds the largest resident set in the text of /proc/self/status.
func highWater(status string) (int64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		}
	}
	return 0, fmt.Errorf("no VmHWM in /proc/self/status")
}
