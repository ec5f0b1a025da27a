package httpx

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func TestRedirectsAreNeverFollowed(t *testing.T) {
	auths := map[string]Auth{
		"header":      HeaderKey("api-key", provider.NewSecret(planted)),
		"X-header":    HeaderKey("X-API-KEY", provider.NewSecret(planted)),
		"bearer key":  BearerKey(provider.NewSecret(planted)),
		"bearer":      Bearer("account", func(context.Context) (string, time.Duration, error) { return planted, time.Hour, nil }),
		"form token":  FormToken("token", provider.NewSecret(planted)),
		"caller's":    HeaderKey("api-key", provider.NewSecret(planted)),
		"query token": FormToken("token", provider.NewSecret(planted)),
	}
	for name, auth := range auths {
		for _, code := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(name, code), func(t *testing.T) {
				var leaked atomic.Int32
				other := serve(t, func(http.ResponseWriter, *http.Request) { leaked.Add(1) })
				url := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other+"/elsewhere?a=1", code) })
				call := sendCall()
				if name == "form token" {
					call.Kind = rest.Formdata
				}
				if name == "query token" {
					call.Kind, call.Body = "", nil
				}
				_, err := newChain(t, url, func(c *Config) {
					c.Auth = auth
					if name == "caller's" {
						c.Env.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
					}
				}).Do(t.Context(), call, new(sent))
				e := errorOf(t, err)
				assert.Equal(t, code, e.Status)
				assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
				assert.Zero(t, leaked.Load(), "a second host got a request")
			})
		}
	}
}
