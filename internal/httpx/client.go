package httpx

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/postmux/postmux/internal/bounded"
	"github.com/postmux/postmux/provider"
)

// Limits in time of connections. A call is bounded by links of the chain: deadline and
// answerBound.
const (
	// defaultDial is longer than a resolver waits for a dead name server, 5 s.
	defaultDial = 15 * time.Second
	// Of every idle connection; idle.go has shorter bounds and the reason.
	idleTimeout = 30 * time.Second
	// An HTTP/2 connection that was silent for so long is asked for a sign of life, and
	// is lost when none comes for as long again. A slow vendor gives one.
	pingAfter = 15 * time.Second
)

// maxHeader caps the header of an answer, in bytes.
const maxHeader = 64 << 10

// transports are shared by all accounts with the same settings of connections, so that
// a program with a thousand accounts has one pool.
var transports sync.Map // transportKey -> *http.Transport

type transportKey struct {
	proxy, caFile string
	dial          time.Duration // bounds connecting, and once more the TLS handshake
}

func transportKeyOf(c provider.AccountSettings) transportKey {
	return transportKey{c.Proxy.Reveal(), c.CAFile, cmp.Or(c.DialTimeout, defaultDial)}
}

// dialFunc connects to an address.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newClient returns the HTTP client of an account. It never follows a
// redirect: Go would carry the key header, and on 307 the whole body, to
// whatever host the answer names.
func newClient(own *http.Client, c provider.AccountSettings) (*http.Client, error) {
	if own != nil {
		if !c.Proxy.IsZero() || c.CAFile != "" || c.DialTimeout != 0 {
			return nil, fmt.Errorf("proxy, ca_file and dial_timeout are settings of the library's own transport: set them on the given http.Client instead")
		}
		guarded := *own
		guarded.CheckRedirect = noRedirect
		return &guarded, nil
	}
	t, err := transport(transportKeyOf(c))
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
	t, err := newTransport(key, (&net.Dialer{KeepAlive: idleTimeout}).DialContext)
	if err != nil {
		return nil, err
	}
	shared, _ := transports.LoadOrStore(key, t)
	return shared.(*http.Transport), nil
}

func newTransport(key transportKey, dial dialFunc) (*http.Transport, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, key.dial)
			defer cancel()
			return dial(ctx, network, address)
		},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    key.dial,
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
			return nil, fmt.Errorf("proxy: expected a URL") // the cause would quote it
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
	return t, nil
}

// authoritiesMost is the size of a ca_file at most: a bundle of all public ones has 0.3 MB.
const authoritiesMost = 16 << 20

func authorities(file string) (*x509.CertPool, error) {
	pem, err := bounded.ReadFile(file, authoritiesMost)
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
