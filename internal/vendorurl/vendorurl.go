// Package vendorurl checks the addresses to which keys are sent.
package vendorurl

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
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

// CheckProxy refuses what is no address of a proxy, and one through which a key would
// leave this machine in clear: http is allowed only for a vendor on loopback, and a
// proxy on another host would get that request unencrypted. base is the vendor's
// address. An empty proxy is fine. No error quotes proxy, which may hold a password.
func CheckProxy(proxy, base string) error {
	if proxy == "" {
		return nil
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Hostname() == "" || !slices.Contains(proxySchemes, u.Scheme) {
		return errors.New("expected a URL with http, https, socks5 or socks5h, like http://proxy.example.com:3128")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("expected a URL without path, query and fragment; in a password write / ? # as %2F %3F %23")
	}
	if b, err := url.Parse(base); err == nil && b.Scheme == "http" && !LoopbackHost(u.Hostname()) {
		return errors.New("expected a proxy on loopback, or none: base_url is http, so the key would go to the proxy's host in clear")
	}
	return nil
}

var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

// Open reports whether text is a URL that holds no user and no password, so that
// there is nothing to hide in it.
func Open(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && u.User == nil
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
