package brevo

import (
	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

// API returns the generated client of c, with every operation of the vendor's
// API and with c's key, limits and errors; ok is false when c is not a client
// of Brevo. The generated package is outside the compatibility promise.
func API(c *provider.Client) (api *brevoapi.Client, ok bool) {
	return provider.Native[*brevoapi.Client](c)
}

// Native hands out both clients; that of the tracker is left out when there is none.
func (a *adapter) Native() any {
	if a.tracker == nil {
		return a.api
	}
	return []any{a.api, a.tracker}
}
