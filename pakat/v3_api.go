package pakat

import (
	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/provider"
)

// APIV3 returns the generated client of c, with every operation that Pakat v3
// documents and with c's key and errors; ok is false when c is not a client of
// Pakat v3. The generated package is outside the compatibility promise.
func APIV3(c *provider.Client) (api *pakatv3api.Client, ok bool) {
	return provider.Native[*pakatv3api.Client](c)
}

func (a *v3Adapter) Native() any { return a.api }
