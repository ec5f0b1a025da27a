package httpx

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// Limits in time. The whole call has one of its own, Common.Timeout.
const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	headerTimeout    = 30 * time.Second
	// Providers close idle connections; a request on one that is just being
	// closed has no answer and an unknown outcome. So we close first.
	idleTimeout = 30 * time.Second
	pingAfter   = 15 * time.Second
)

// maxHeader caps the header of an answer, in bytes.
const maxHeader = 64 << 10

// transports are shared by all accounts with the same proxy and authorities,
// so that a program with a thousand accounts has one pool of connections.
var transports sync.Map // transportKey -> *http.Transport

type transportKey struct{ proxy, caFile string }

// newClient returns the HTTP client of an account. It never follows a
// redirect: Go would carry the key header, and on 307 the whole body, to
// whatever host the answer names.
func newClient(own *http.Client, c provider.Common) (*http.Client, error) {
	if own != nil {
		if c.Proxy != "" || c.CAFile != "" {
			return nil, fmt.Errorf("proxy and ca_file are settings of the library's own transport: set them on the given http.Client instead")
		}
		guarded := *own
		guarded.CheckRedirect = noRedirect
		return &guarded, nil
	}
	t, err := transport(transportKey{c.Proxy, c.CAFile})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: t, CheckRedirect: noRedirect}, nil
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func transport(key transportKey) (*http.Transport, error) {
	if t, ok := transports.Load(key); ok {
		return t.(*http.Transport), nil
	}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialTimeout, KeepAlive: idleTimeout}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           1024,
		MaxIdleConnsPerHost:    256, // as many as a batch may use at a time, or each call would dial
		MaxResponseHeaderBytes: maxHeader,
		ExpectContinueTimeout:  time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
	}
	if key.proxy != "" {
		u, err := url.Parse(key.proxy)
		if err != nil {
			return nil, fmt.Errorf("proxy: expected a URL")
		}
		t.Proxy = http.ProxyURL(u)
	}
	if key.caFile != "" {
		pool, err := authorities(key.caFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig.RootCAs = pool
	}
	shared, _ := transports.LoadOrStore(key, t)
	return shared.(*http.Transport), nil
}

func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: cannot read it: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file: expected PEM certificates, found none")
	}
	return pool, nil
}
