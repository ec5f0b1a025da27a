package sendpulse

import (
	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/provider"
)

// API returns the generated client of c, with every operation of the vendor's
// API and with c's credentials, limits and errors; ok is false when c is not a
// client of SendPulse. The generated package is outside the compatibility promise.
func API(c *provider.Client) (api *sendpulseapi.Client, ok bool) {
	return provider.Native[*sendpulseapi.Client](c)
}

func (a *adapter) Native() any { return a.api }
