package fastpath

import (
	"errors"
	"net/http"
)

// Send sends req by client, which must not follow redirects. A client without cookies
// and without a timeout adds nothing else to its transport, so that is called directly:
// the client would copy the request and its header first.
func Send(client *http.Client, req *http.Request) (*http.Response, error) {
	transport := client.Transport
	switch {
	case client.Jar != nil || client.Timeout != 0 || Direct.Off():
		return client.Do(req)
	case transport == nil:
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
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
