package events

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// A known signature of Standard Webhooks.
func TestSignature(t *testing.T) {
	key, err := signingKey(provider.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	require.NoError(t, err)
	assert.Equal(t, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`)))
}

// What was taken is not sent again with a list that comes again; redirects are not followed,
// and an error does not tell the address.
func TestForward(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	down := "main_1-2"
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		id := r.Header.Get("webhook-id")
		got[id]++
		if id == down {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer program.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	sink, err := Forward(program.URL+"/a-secret-path", provider.NewSecret("secret-of-the-program"), client)
	require.NoError(t, err)
	list := []Event{{ID: "1-1", Account: "main", Kind: KindOpened}, {ID: "1-2", Account: "main", Kind: KindBounced}, {ID: "1-3", Account: "a.b", Kind: KindOpened}}
	err = sink(t.Context(), list)
	require.ErrorContains(t, err, "main_1-2 was not taken: the program answered 307")
	down = ""
	require.NoError(t, sink(t.Context(), list))
	assert.Equal(t, map[string]int{"main_1-1": 1, "main_1-2": 2, "a_b_1-3": 1}, got)
	program.Close()
	err = sink(context.Background(), []Event{{ID: "1-4", Account: "main", Kind: KindOpened}})
	require.ErrorContains(t, err, "was not taken")
	assert.NotContains(t, err.Error(), "a-secret-path")
}

func TestForwardArguments(t *testing.T) {
	secret := provider.NewSecret("secret-of-the-program")
	for _, address := range []string{"", "x", "http://example.com/", "ftp://localhost/", "http://192.0.2.1/"} {
		_, err := Forward(address, secret, nil)
		assert.Error(t, err, address)
	}
	for _, word := range []string{"", "short", "whsec_x", "whsec_c2hvcnQ="} {
		_, err := Forward("https://example.com/", provider.NewSecret(word), nil)
		assert.Error(t, err, word)
	}
}
