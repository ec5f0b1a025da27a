package httpx

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/postmux/postmux/gen/rest"
)

// Header values that every request shares; never changed.
var (
	acceptJSON = []string{"application/json"}
	typeJSON   = []string{"application/json"}
)

// request encodes the call with the credential in its place. The body's
// release is the caller's to call when the attempt is over.
func (c *Chain) request(ctx context.Context, call *rest.Call, credential string) (*http.Request, *sealedBody, error) {
	sent := call
	if c.cfg.Auth.header == "" {
		sent = c.placed(call, credential)
	}
	u, host, err := c.urlOf(sent)
	if err != nil {
		return nil, nil, err
	}
	body := new(sealedBody)
	var room []byte
	if sent.Kind == rest.JSON {
		room = body.room()
	}
	var contentType string
	if body.data, contentType, err = sent.AppendBody(room, c.marshal); err != nil {
		return nil, nil, err
	}
	if c.traced {
		ctx = body.watch(ctx)
	}
	header := make(http.Header, len(sent.Header)+4)
	for _, h := range sent.Header {
		header.Set(h.Name, h.Value)
	}
	if name := c.cfg.Auth.header; name != "" {
		header[name] = []string{c.cfg.Auth.prefix + credential}
	}
	header["User-Agent"] = c.userAgent
	header["Accept"] = acceptJSON
	switch contentType {
	case "":
	case typeJSON[0]:
		header["Content-Type"] = typeJSON
	default:
		header["Content-Type"] = []string{contentType}
	}
	req := (&http.Request{
		Method: call.Method, URL: u, Host: host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	body.attach(req)
	if call.Effect == rest.Send {
		body.once(req)
	}
	return req, body, nil
}

// urlOf is the URL of a call, and its host as a request names it.
func (c *Chain) urlOf(call *rest.Call) (*url.URL, string, error) {
	if c.place.Host != "" && len(call.Segments) == 0 && len(call.Query) == 0 && plainPath(call.Route) {
		path, err := call.Path()
		if err != nil {
			return nil, "", err
		}
		u := c.place
		u.Path += path
		return &u, u.Host, nil
	}
	text, err := call.URL(c.base)
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequest(http.MethodGet, text, nil) //nolint:noctx // only its URL is of use
	if err != nil {
		return nil, "", &rest.ParamError{Name: "url", Why: "cannot be built"} // the cause would quote it
	}
	return req.URL, req.Host, nil
}

// placeOf is base, parsed, when the URL of a plain route under it needs no
// parsing: the route goes behind its path.
func placeOf(base string) url.URL {
	u, err := url.Parse(base)
	if err != nil || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.RawFragment != "" || u.Opaque != "" ||
		u.RawPath != "" || u.Path != "" && !plainPath(u.Path) || strings.HasSuffix(u.Host, ":") || strings.ContainsAny(base, "?#") {
		return url.URL{}
	}
	return *u
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

// placed is a copy of the call with the credential in its place.
func (c *Chain) placed(call *rest.Call, credential string) *rest.Call {
	sent := *call
	sent.Header, sent.Query, sent.Form = slices.Clip(call.Header), slices.Clip(call.Query), slices.Clip(call.Form)
	c.cfg.Auth.place(&sent, credential)
	return &sent
}

// bare is the transport of a client that adds nothing to it, since redirects
// are not followed: asking it directly saves copies of the header. It is nil
// for a client with cookies or a timeout.
func bare(client *http.Client) http.RoundTripper {
	switch {
	case client.Jar != nil || client.Timeout != 0:
		return nil
	case client.Transport == nil:
		return http.DefaultTransport
	}
	return client.Transport
}

func (c *Chain) exchangeHTTP(req *http.Request) (*http.Response, error) {
	if c.transport == nil {
		return c.client.Do(req)
	}
	resp, err := c.transport.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport returned neither an answer nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}
