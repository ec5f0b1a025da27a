// Package all opens accounts of every provider of this module. A program that wants
// to link fewer adapters uses a provider.Registry of its own.
package all

import (
	"context"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
	"github.com/postmux/postmux/sendpulse"
	"github.com/postmux/postmux/smsby"
)

// Registry returns the drivers of all providers and of the routes.
func Registry() provider.Registry {
	vendors := provider.Registry{
		brevo.Driver(), pakat.Driver(), pakat.V3Driver(), sendpulse.Driver(), smsby.Driver(),
	}
	return append(vendors, route.Drivers()...)
}

// Open opens the default account of cfg with every adapter linked; see
// provider.Registry.Open.
func Open(
	ctx context.Context, cfg provider.Config, opts ...provider.Option,
) (*provider.Client, error) {
	return Registry().Open(ctx, cfg, opts...)
}

// OpenAccount is Open for the account with this name.
func OpenAccount(
	ctx context.Context, cfg provider.Config, name string, opts ...provider.Option,
) (*provider.Client, error) {
	return Registry().OpenAccount(ctx, cfg, name, opts...)
}
