package httpx

import (
	"context"
	"errors"
	"net/http"

	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// Header values that every request shares; never changed.
var (
	acceptJSON = []string{"application/json"}
	typeJSON   = []string{"application/json"}
)

// encoder writes the call as URL, header and body, with the credential in its
// place.
type encoder struct {
	linked
	urls      *urls
	auth      Auth
	userAgent []string // as a header holds it; never changed
}

func (l *encoder) do(ctx context.Context, x exchange) (*Answer, *failure) {
	if err := l.encode(&x); err != nil {
		return nil, &failure{outcome.Local, invalidCall(err)}
	}
	defer x.body.release()
	return l.next.do(ctx, x)
}

func (l *encoder) encode(x *exchange) (err error) {
	call := x.call
	if l.auth.header == "" {
		call = l.auth.placed(call, x.credential)
	}
	if x.url, err = l.urls.of(call); err != nil {
		return err
	}
	x.body = &sealedBody{notAfter: x.notAfter, why: x.lateCause()}
	var contentType string
	if x.body.data, contentType, err = encodeBody(x.body, call); err != nil {
		return err
	}
	x.header = make(http.Header, len(call.Header)+4)
	for _, h := range call.Header {
		x.header.Set(h.Name, h.Value)
	}
	if name := l.auth.header; name != "" {
		x.header[name] = []string{l.auth.prefix + x.credential}
	}
	x.header["User-Agent"] = l.userAgent
	x.header["Accept"] = acceptJSON
	switch contentType {
	case "":
	case typeJSON[0]:
		x.header["Content-Type"] = typeJSON
	default:
		x.header["Content-Type"] = []string{contentType}
	}
	return nil
}

// encodeBody returns the body of call and its content type. JSON is written into memory
// that b gives back.
func encodeBody(b *sealedBody, call *rest.Call) ([]byte, string, error) {
	if call.Kind != rest.JSON {
		return call.Encode()
	}
	data, err := fastpath.AppendJSON(b.buffer(), call.Body)
	if err != nil {
		return nil, "", &rest.ParamError{Name: "body", Why: "cannot be encoded: " + err.Error()}
	}
	return data, typeJSON[0], nil
}

// invalidCall returns the error of a call that cannot be encoded; nothing left.
func invalidCall(err error) *provider.Error {
	var p *rest.ParamError
	if errors.As(err, &p) {
		return provider.Invalid(p.Name, "%s", p.Why)
	}
	var e *provider.Error
	if errors.As(err, &e) {
		return e
	}
	return provider.Invalid("", "%s", err.Error())
}
