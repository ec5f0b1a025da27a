package httpx

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/provider"
)

// A URL that is put together is the one that parsing gives.
func TestURLOf(t *testing.T) {
	quick := 0
	for _, base := range []string{"https://api.example.com/v3", "https://api.example.com", "http://127.0.0.1:8080/a-b_c.d/1", "https://api.example.com:/v3", "https://[::1]:1/x", "https://x.example/%2f", "https://x.example/é"} {
		for _, call := range []*rest.Call{
			{Route: "/smtp/email"},
			{Route: "/contacts/{id}", Segments: []string{"a/b@x"}},
			{Route: "/contacts", Query: []rest.Param{{Name: "q", Value: "a&b"}}},
			{Route: "/x?y=z"},
			{Route: "/x%20y"},
			{Route: "/x y"},
			{Route: "/é"},
			{Route: ""},
			{Route: "x"},
		} {
			chain := &Chain{base: base, place: placeOf(base)}
			u, host, err := chain.urlOf(call)
			text, badCall := call.URL(base)
			require.NoError(t, badCall)
			want, badURL := http.NewRequest(http.MethodGet, text, nil)
			if badURL != nil {
				require.Error(t, err, text)
				continue
			}
			require.NoError(t, err, text)
			assert.Equal(t, want.URL, u, text)
			assert.Equal(t, want.Host, host, text)
			if chain.place.Host != "" && plainPath(call.Route) && call.Query == nil {
				quick++
			}
		}
	}
	assert.Equal(t, 4, quick, "the way without parsing is taken")
	_, _, err := (&Chain{base: "https://x.example"}).urlOf(&rest.Call{Route: "/{id}", Segments: []string{".."}})
	assert.Error(t, err)
}

// Memory goes back when the transport has read all of it, and no earlier.
func TestRelease(t *testing.T) {
	fresh := func() *sealedBody {
		b := new(sealedBody)
		b.data = append(b.room(), "hello"...)
		return b
	}
	early := fresh()
	r := early.reader()
	_, err := io.ReadFull(r, make([]byte, 2))
	require.NoError(t, err)
	early.release()
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "llo", string(rest), "an answer came before the body was read: the transport may read on")

	whole := fresh()
	older := whole.reader()
	last := whole.reader()
	_, err = io.ReadAll(last)
	require.NoError(t, err)
	whole.release()
	assert.Nil(t, whole.data)
	n, err := last.Read(make([]byte, 1))
	assert.Equal(t, []any{0, io.EOF}, []any{n, err}, "the transport looks for more after the last byte")
	_, err = older.Read(make([]byte, 1))
	assert.ErrorIs(t, err, errSealed, "the memory may be another's")
	whole.release() // nothing to give back any more
	assert.Nil(t, whole.kept)

	large := fresh()
	large.data = make([]byte, maxKept+1)
	_, err = io.ReadAll(large.reader())
	require.NoError(t, err)
	large.release()
	assert.NotNil(t, large.data, "too large to be kept")
	new(sealedBody).release()
}

// Two mails one after the other share memory, not content.
func TestBodiesDoNotMix(t *testing.T) {
	var got []string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got = append(got, string(data))
		_, _ = io.WriteString(w, `{"id":"7"}`)
	})
	chain := newChain(t, url, nil)
	for _, text := range []string{"a long text", "short", "longer again"} {
		call := sendCall()
		call.Body = map[string]string{"x": text}
		_, err := chain.Do(t.Context(), call, new(sent))
		require.NoError(t, err)
	}
	assert.Equal(t, []string{`{"x":"a long text"}`, `{"x":"short"}`, `{"x":"longer again"}`}, got)
}

// A large answer is put together from memory that the next one uses again.
func TestAnswersDoNotMix(t *testing.T) {
	read := func(c string) []byte {
		data, err := readCapped(strings.NewReader(strings.Repeat(c, 3*largestChunk)), maxAnswer, -1)
		require.NoError(t, err)
		return data
	}
	a := read("a")
	for range 4 {
		read("b")
	}
	assert.Equal(t, strings.Repeat("a", 3*largestChunk), string(a))
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a caller's client does besides its transport is kept, and a transport
// that breaks its contract crashes nothing.
func TestCallersClient(t *testing.T) {
	var cookies []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies = append(cookies, r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		_, _ = io.WriteString(w, `{"id":"7"}`)
	}))
	defer srv.Close()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	chain := newChain(t, srv.URL, func(c *Config) { c.Env.HTTPClient = &http.Client{Jar: jar} })
	for range 2 {
		_, err := chain.Do(t.Context(), sendCall(), new(sent))
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"", "a=b"}, cookies)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	slow := transportFunc(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
	chain = newChain(t, "https://x.example", func(c *Config) {
		c.Env.HTTPClient, c.Section.Attempts = &http.Client{Transport: slow, Timeout: time.Millisecond}, 1
	})
	_, err = chain.Do(t.Context(), sendCall(), new(sent))
	require.Error(t, err, "the client's timeout counts")

	for _, resp := range []*http.Response{nil, {StatusCode: 200}} {
		own := transportFunc(func(*http.Request) (*http.Response, error) { return resp, nil }) //nolint:nilnil // the fault under test
		chain := newChain(t, "https://x.example", func(c *Config) {
			c.Env.HTTPClient, c.Section.Attempts = &http.Client{Transport: own}, 1
		})
		_, err := chain.Do(t.Context(), sendCall(), new(sent))
		var e *provider.Error
		if resp == nil {
			require.True(t, errors.As(err, &e))
			assert.Equal(t, provider.NotSent, e.Outcome, "it has not read the body")
		} else {
			require.NoError(t, err)
		}
	}
}
