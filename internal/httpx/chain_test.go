package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func TestDoSendsOnceAndDecodes(t *testing.T) {
	var got http.Header
	var body []byte
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"id":"7"}`)
	})
	var out sent
	reply, err := newChain(t, url, func(c *Config) { c.Env.UserAgent = "shop/1.0" }).Do(t.Context(), sendCall(), &out)
	require.NoError(t, err)
	assert.Equal(t, "7", out.ID)
	assert.Equal(t, 200, reply.Status)
	assert.Equal(t, `{"to":"a@b.example"}`, string(body))
	assert.Equal(t, planted, got.Get("api-key"))
	assert.Regexp(t, `^shop/1\.0 postmux/\S+ \(test\)$`, got.Get("User-Agent"))
	assert.Empty(t, got.Get("Idempotency-Key"), "that header makes Go resend by itself")
	assert.Equal(t, "20", got.Get("Content-Length"))
}

func TestUnencodableCallsAreLocal(t *testing.T) {
	var calls atomic.Int32
	url := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	chain := newChain(t, url, nil)
	for _, call := range []*rest.Call{
		{Method: "GET", Route: "/x/{id}", Segments: []string{".."}, Effect: rest.Read},
		{Method: "POST", Route: "/x", Kind: rest.JSON, Body: make(chan int), Effect: rest.Send},
		{Method: "POST", Route: "/x", Kind: rest.Formdata, Body: 5, Effect: rest.Send},
	} {
		_, err := chain.Do(t.Context(), call, new(sent))
		e := errorOf(t, err)
		assert.Equal(t, provider.ErrInvalid, e.Kind)
		assert.True(t, e.Local())
	}
	assert.Zero(t, calls.Load())
}

func TestDecodeFailureKeepsCause(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":{"x":1}}`) })
	_, err := newChain(t, url, nil).Do(t.Context(), readCall(), new(sent))
	var typ *json.UnmarshalTypeError
	assert.True(t, errors.As(err, &typ))
}

// The order of the links is a promise of each of them, see assemble.
var order = []string{
	"decoder", "retrier", "deadline", "limiter", "authorizer", "observer", "encoder", "beginner", "redactor", "evidence", "classifier", "answerBound", "reader", "sender",
}

// A send goes through the links in order, each once, and through nothing else of
// this package.
func TestASendGoesStraightThroughTheLinks(t *testing.T) {
	var calls []string
	chain := newChain(t, "https://vendor.example", func(c *Config) {
		c.Env.Hooks.OnTry = func(context.Context, provider.TryEvent) {}
		c.Env.HTTPClient = &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			calls = callsOfPackage()
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"id":"7"}`)), Request: r}, nil
		})}
	})
	_, err := chain.Do(t.Context(), sendCall(), new(sent))
	require.NoError(t, err)
	want := []string{"(*Chain).Do"}
	for _, name := range order {
		want = append(want, "(*"+name+").do")
	}
	assert.Equal(t, want, calls)
}

// callsOfPackage are the functions of this package that are running, the outermost
// first, without those of tests.
func callsOfPackage() []string {
	pcs := make([]uintptr, 100)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var calls []string
	for {
		f, more := frames.Next()
		if name, ok := strings.CutPrefix(f.Function, "github.com/postmux/postmux/internal/httpx."); ok && !strings.HasSuffix(f.File, "_test.go") {
			calls = append(calls, name)
		}
		if !more {
			slices.Reverse(calls)
			return calls
		}
	}
}

// A dry run passes no link that waits, fetches or sends.
func TestLinksOfADryRun(t *testing.T) {
	chain := newChain(t, "https://vendor.example", func(c *Config) { c.Env.DryRun = func(provider.WireRequest) {} })
	var names []string
	for _, l := range chain.links {
		names = append(names, fmt.Sprintf("%T", l))
	}
	assert.Equal(t, []string{"*httpx.encoder", "*httpx.beginner", "*httpx.dryRun"}, names)
}
