package smsby

import (
	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/provider"
)

// API returns the generated client of c, with every known operation of the
// vendor's API and with c's token and errors; ok is false when c is not a client
// of SMS.by. Leave the Token of its forms unset: it is added to each call. The
// generated package is outside the compatibility promise.
func API(c *provider.Client) (api *smsbyapi.Client, ok bool) {
	return provider.Native[*smsbyapi.Client](c)
}

func (a *adapter) Native() any { return a.api }
