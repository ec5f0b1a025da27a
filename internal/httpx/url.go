package httpx

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/rest"
)

// address is where the vendor's API is.
type address struct {
	base string
	// plain is base, parsed, when the URL of a plain route under it needs no parsing:
	// the route goes behind its path. It is zero when every URL must be parsed.
	plain url.URL
}

func newAddress(base string) address {
	u, err := url.Parse(base)
	switch {
	case err != nil, u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "", u.RawFragment != "", u.Opaque != "":
		return address{base: base}
	case u.RawPath != "", u.Path != "" && !plainPath(u.Path), strings.HasSuffix(u.Host, ":"), strings.ContainsAny(base, "?#"):
		return address{base: base}
	}
	return address{base, *u}
}

// urlOf returns the URL of a call, and its host as a request names it.
func (a *address) urlOf(call *rest.Call) (*url.URL, string, error) {
	if !fastpath.URLs.Off() && a.plain.Host != "" && len(call.Segments) == 0 && len(call.Query) == 0 && plainPath(call.Route) {
		path, err := call.Path()
		if err != nil {
			return nil, "", err
		}
		u := a.plain
		u.Path += path
		return &u, u.Host, nil
	}
	text, err := call.URL(a.base)
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequest(http.MethodGet, text, nil) //nolint:noctx // only its URL is of use
	if err != nil {
		return nil, "", &rest.ParamError{Name: "url", Why: "cannot be built"} // the cause would quote it
	}
	return req.URL, req.Host, nil
}

// plainPath reports whether path is the same escaped and not.
func plainPath(path string) bool {
	for i := range len(path) {
		c := path[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '/' && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return path != "" && path[0] == '/'
}
