// Package vendorurl checks the addresses to which keys are sent.
package vendorurl

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/postmux/postmux/internal/text"
)

// Check refuses an address to which keys must not be sent: anything but https,
// except on loopback; with user, query or fragment. Empty is fine.
func Check(base string) error {
	if base == "" {
		return nil
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "":
		return errors.New("expected a URL like https://api.example.com/v3")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("expected a URL without user, query and fragment")
	case strings.HasSuffix(base, "/"):
		return errors.New("expected a URL without a slash at the end")
	case u.Scheme == "https", u.Scheme == "http" && LoopbackHost(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("expected https: http is allowed only on loopback")
	}
	return fmt.Errorf("expected https, got scheme %q", text.Clip(u.Scheme))
}

// Loopback reports whether base leads to this machine: to localhost or to a
// loopback address.
func Loopback(base string) bool {
	u, err := url.Parse(base)
	return err == nil && LoopbackHost(u.Hostname())
}

// LoopbackHost reports whether host is localhost or a loopback address.
func LoopbackHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
