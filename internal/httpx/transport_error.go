package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// transportFailure returns what an attempt without an answer means.
func transportFailure(ctx context.Context, x exchange, base string, err error) *failure {
	call, left := x.call, x.body.seal()
	cause := withoutURL(err)
	if x.body.tooLate() {
		return &failure{transportClass(left, cause), noAnswerInTime(call, base)}
	}
	if x.body.keptBack() {
		return tooLate(place(call, base), x.body.why)
	}
	e := &provider.Error{Message: transportMessage(ctx, call, base, cause), Err: cause}
	if ctxErr := ctx.Err(); ctxErr != nil {
		e.Err = ctxErr
		if errors.Is(ctxErr, context.Canceled) && (left != leftAll || call.Effect == rest.Read) {
			return &failure{outcome.Canceled, e}
		}
	}
	return &failure{transportClass(left, cause), e}
}

func transportClass(left leftState, cause error) outcome.Class {
	var dns *net.DNSError
	var (
		unknownAuthority x509.UnknownAuthorityError
		hostname         x509.HostnameError
		invalid          x509.CertificateInvalidError
		verification     *tls.CertificateVerificationError
		record           tls.RecordHeaderError
		alert            tls.AlertError
	)
	switch {
	case left == leftAll:
		return outcome.NoAnswer
	case left == leftPart:
		return outcome.Incomplete
	case errors.As(cause, &dns) && dns.IsNotFound:
		return outcome.NoSuchHost
	case errors.As(cause, &unknownAuthority), errors.As(cause, &hostname), errors.As(cause, &invalid),
		errors.As(cause, &verification), errors.As(cause, &record), errors.As(cause, &alert):
		return outcome.BadTLS
	}
	return outcome.NoConnection
}

// transportMessage words a transport error without the URL: that may hold a token
// in its query or an address in its path.
func transportMessage(ctx context.Context, call *rest.Call, base string, cause error) string {
	text := cause.Error()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		text = "canceled"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		text = "no answer in time"
	}
	return place(call, base) + ": " + text
}

// place says which request an error is about.
func place(call *rest.Call, base string) string {
	host := ""
	if u, err := url.Parse(base); err == nil {
		host = u.Host + u.Path
	}
	return call.Method + " " + host + call.Route
}

// withoutURL takes the URL out of an error of net/http.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
