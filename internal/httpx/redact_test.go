package httpx

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func TestEchoedKeyIsScrubbed(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request", planted)
		w.Header().Set("X-Echo", planted)
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"error":"key `+planted+` is bad","code":"`+planted+`"}`)
	})
	var seen strings.Builder
	hooks := provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) {
		req, answer := e.Describe()
		fmt.Fprintf(&seen, "%+v %+v %+v", req, answer, e.Err)
	}}
	for _, auth := range []Auth{HeaderKey("api-key", provider.NewSecret(planted)), BearerKey(provider.NewSecret(planted)), FormToken("token", provider.NewSecret(planted))} {
		for _, kind := range []rest.BodyKind{rest.JSON, rest.Formdata, rest.Multipart, ""} {
			call := sendCall()
			call.Kind = kind
			_, err := newChain(t, url, func(c *Config) { c.Auth, c.Env.Hooks = auth, hooks }).Do(t.Context(), call, new(sent))
			_ = errorOf(t, err)
			chain := newChain(t, url, func(c *Config) {
				c.Auth = auth
				c.Env.DryRun = func(r provider.WireRequest) { data, _ := json.Marshal(r); seen.Write(data) }
			})
			_, err = chain.Do(t.Context(), call, new(sent))
			assert.ErrorIs(t, err, provider.ErrDryRun)
		}
	}
	assert.Contains(t, seen.String(), "REDACTED")
	assert.NotContains(t, seen.String(), planted)
}
