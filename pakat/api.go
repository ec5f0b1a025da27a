package pakat

import (
	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/provider"
)

// API returns the generated client of c, with every operation of the curated
// spec of new.pakat.net and with c's key, limits and errors; ok is false when c
// is not a client of it. The generated package is outside the compatibility promise.
func API(c *provider.Client) (api *pakatapi.Client, ok bool) {
	return provider.Native[*pakatapi.Client](c)
}

func (a *adapter) Native() any { return a.api }
