package brevo_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// serveEnv makes the test binary a server for the benchmarks: in the process of
// the client it would share its processors and its garbage collector.
const serveEnv = "POSTMUX_BENCH_SERVE"

// served is what the server tells on its standard output.
type served struct{ URL, CA string }

// TestServeForBenchmarks is the server's process, and nothing otherwise.
func TestServeForBenchmarks(t *testing.T) {
	if os.Getenv(serveEnv) == "" {
		t.Skip("run by BenchmarkSendTLS in a process of its own")
	}
	_, _, common := secured(t, true)
	require.NoError(t, json.NewEncoder(os.Stdout).Encode(served{common.BaseURL, common.CAFile}))
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark closes it
}

func serveTLS(b *testing.B) served {
	b.Helper()
	program, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.CommandContext(b.Context(), program, "-test.run=^TestServeForBenchmarks$")
	cmd.Env = append(os.Environ(), serveEnv+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(b, err)
	var s served
	require.NoError(b, json.Unmarshal(line, &s))
	return s
}

// BenchmarkSendTLS sends 64 at a time to a server with TLS in another process.
// An operation is one mail of 2 kB.
func BenchmarkSendTLS(b *testing.B) {
	srv := serveTLS(b)
	pem, err := os.ReadFile(srv.CA)
	require.NoError(b, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	m := mailOf(2 << 10)

	stock := http.DefaultTransport.(*http.Transport).Clone()
	stock.TLSClientConfig = &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	stock.ForceAttemptHTTP2 = false
	stock.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	tuned := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		MaxIdleConns: 256, MaxIdleConnsPerHost: 128, IdleConnTimeout: 30 * time.Second,
	}
	at := func(t *http.Transport) func() error {
		hc := &http.Client{Transport: &toHost{t, srv.URL}}
		b.Cleanup(t.CloseIdleConnections)
		return func() error {
			_, err := handWritten(b.Context(), hc, "key", m)
			return err
		}
	}
	ours := open(b, provider.AccountSettings{BaseURL: srv.URL, CAFile: srv.CA})
	for _, c := range []struct {
		name string
		send func() error
	}{
		{"default-transport-HTTP1", at(stock)},
		{"net-http-tuned", at(tuned)},
		{"postmux", func() error { _, err := ours.Send(b.Context(), m); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			require.NoError(b, c.send()) // the connection is there
			b.ReportAllocs()
			b.ResetTimer()
			manyAtOnce(b, c.send)
		})
	}
}

// toHost sends what is for the vendor to the server of the benchmark.
type toHost struct {
	http.RoundTripper
	url string
}

func (h *toHost) RoundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Host, r.Host = h.url[len("https://"):], ""
	return h.RoundTripper.RoundTrip(r)
}

// manyAtOnce runs send b.N times, 64 at a time.
func manyAtOnce(b *testing.B, send func() error) {
	b.Helper()
	var next atomic.Int64
	var failed atomic.Value
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := send(); err != nil {
					failed.Store(err)
					return
				}
			}
		})
	}
	all.Wait()
	if err, ok := failed.Load().(error); ok {
		b.Fatal(err)
	}
}
