package httpx

import (
	"net/url"
	"strings"
	"sync"

	"github.com/postmux/postmux/rest"
)

// urls makes the URLs of calls to the API at base. It is safe for concurrent use.
type urls struct {
	base string
	// parsed holds, by route, what needs no parameters: such as the URL of a send. Only
	// routes of a spec are kept, so there are not more of them than operations.
	parsed sync.Map
}

// of returns the URL of a call.
func (l *urls) of(call *rest.Call) (*url.URL, error) {
	fixed := len(call.Segments) == 0 && len(call.Query) == 0 && !unspecified(call)
	if known, ok := l.parsed.Load(call.Route); ok && fixed {
		u := *known.(*url.URL)
		_, err := call.Path() // a parameter that cannot be written
		return &u, err
	}
	text, err := call.URL(l.base)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, &rest.ParamError{Name: "url", Why: "cannot be built"} // the cause would quote it
	}
	u.Host = strings.TrimSuffix(u.Host, ":") // a port that is left out; net/http does the same
	if fixed {
		kept := *u
		l.parsed.Store(call.Route, &kept)
	}
	return u, nil
}
