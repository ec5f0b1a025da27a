package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// sendFunc sends one mail. It may be called from many goroutines.
type sendFunc func(ctx context.Context, m *mail) error

// target is where a peer's client is to send to.
type target struct {
	base string       // scheme, host and port
	hc   *http.Client // nil: the client that the peer makes for itself
}

// peer is one way to send a mail from Go. Each makes the request of its own
// vendor; the server answers what that vendor answers.
type peer struct {
	name   string
	module string // whose version is shown; empty for none
	json   bool   // the request is JSON
	ours   bool
	// yardstick: not a library, but what the libraries are measured by.
	yardstick bool
	// transportOnly rows differ from another only in the transport, so they are
	// skipped where there is no network.
	transportOnly bool
	status        int
	answer        string
	open          func(t target) (sendFunc, error)
}

// peers are all rows of the tables of single sends.
func peers() []peer {
	return []peer{
		postmuxPeer(), rawPeer(), handPeer(), handDefaultPeer(), stockPeer(),
		resendPeer(), sendgridPeer(), postmarkPeer(), mailjetPeer(), mailgunPeer(), sesPeer(),
	}
}

// withoutNetwork are the peers that differ in client work.
func withoutNetwork() []peer {
	var out []peer
	for _, p := range peers() {
		if !p.transportOnly {
			out = append(out, p)
		}
	}
	return out
}

// instant answers without a network, so that only the client's work is measured.
type instant struct {
	status int
	answer string
}

func (t instant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: t.status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(t.answer)), ContentLength: int64(len(t.answer)), Request: r,
	}, nil
}

// tuned is a transport for many calls at once to one host: the settings that
// this project's own client has too.
func tuned() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 128
	return &http.Client{Transport: t, Timeout: time.Minute}
}

// plainClient is the client of a program that sets nothing.
func plainClient() *http.Client { return &http.Client{} }
