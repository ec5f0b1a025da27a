package events

import (
	"maps"
	"slices"

	"github.com/postmux/postmux/provider"
)

// secret keeps the name short where it stands in a closure.
type secret = provider.Secret

// FromConfig gives each account of cfg with a webhook_secret the path of its name: account
// main gets its webhooks at /main. Only the settings of webhooks are read and their
// references followed, so the host that receives needs no API key. The error lists all
// problems.
func FromConfig(reg provider.Registry, cfg provider.Config) (Option, error) {
	made, err := reg.Receivers(cfg)
	if err != nil {
		return nil, err
	}
	return func(h *handler) {
		for _, name := range slices.Sorted(maps.Keys(made)) {
			if r, ok := made[name].(Receiver); ok && len(r.Secrets) > 0 { // others only send
				At("/"+name, r)(h)
			}
		}
	}, nil
}
