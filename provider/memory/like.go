package memory

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"github.com/postmux/postmux/provider"
)

// Like returns an empty Store that behaves like a vendor, as far as the vendor's adapter
// decides by itself:
//
//	store, err := memory.Like(smsby.Driver(), provider.AccountConfig{"token": "any"})
//
// It has the features of d with these settings, and refuses a message or a contact that
// the adapter refuses before its first request. The settings are those of an account in a
// configuration, from, policy and require too; keys may hold anything. Clients are named
// after the vendor. No request is made.
func Like(d provider.Driver, settings provider.AccountConfig) (*Store, error) {
	name := d.Name()
	cfg := provider.Config{Providers: map[string]provider.AccountConfig{name: settings.With("provider", name)}}
	vendor, err := provider.Registry{d}.Open(context.Background(), cfg, provider.WithDryRun(func(provider.WireRequest) {}))
	if err != nil {
		return nil, err
	}
	common := provider.AccountConfig{}
	for f := range reflect.TypeFor[provider.AccountSettings]().Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if v, ok := settings[key]; ok {
			common[key] = v
		}
	}
	s := newStore(name, vendor.Capabilities(), common)
	s.vendor = vendor
	return s, nil
}

// asVendor makes a call in a dry run of the vendor's adapter, if there is one, and returns
// the error with which the adapter refuses it.
func (s *Store) asVendor(call func(*provider.Client) error) error {
	if s.vendor == nil {
		return nil
	}
	if err := call(s.vendor); !errors.Is(err, provider.ErrDryRun) {
		return err
	}
	return nil
}
