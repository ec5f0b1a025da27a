package httpx

import (
	"net/url"
	"strings"

	"github.com/postmux/postmux/rest"
)

// urlOf returns the URL of a call to the API at base.
func urlOf(base string, call *rest.Call) (*url.URL, error) {
	text, err := call.URL(base)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, &rest.ParamError{Name: "url", Why: "cannot be built"} // the cause would quote it
	}
	u.Host = strings.TrimSuffix(u.Host, ":") // a port that is left out; net/http does the same
	return u, nil
}
