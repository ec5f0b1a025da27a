package sendpulse

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// An answer to the token call is a token with a sane life, or an error without
// the client's secret.
func FuzzToken(f *testing.F) {
	const planted = "PLANTED-4711-SECRET"
	var body []byte
	status := http.StatusOK
	chain, err := httpx.New(httpx.Config{
		Provider: "sendpulse", BaseURL: "http://127.0.0.1:1", Auth: httpx.NoAuth(provider.NewSecret(planted)), Secretive: []string{tokenOperation},
		Settings: provider.AccountSettings{Tries: 1},
		Env: provider.DriverEnv{HTTPClient: &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})}},
		Classify: classify,
	})
	require.NoError(f, err)
	fetch := fetcher(sendpulseapi.NewClient(chain), "id", provider.NewSecret(planted))
	f.Fuzz(func(t *testing.T, ok bool, data []byte) {
		status, body = http.StatusBadRequest, bytes.ReplaceAll(data, []byte("$KEY"), []byte(planted))
		if ok {
			status = http.StatusOK
		}
		token, life, err := fetch(t.Context())
		if err != nil {
			assert.Empty(t, token)
			assert.NotContains(t, err.Error(), planted)
			return
		}
		require.True(t, ok, "a token from an error")
		require.NotEmpty(t, token)
		assert.False(t, strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }), "%q is no header value", token)
		assert.True(t, life > 0 && life <= 24*time.Hour, "%v", life)
	})
}
