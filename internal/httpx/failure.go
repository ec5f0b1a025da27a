package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
)

// maxHint is the longest wait a vendor's hint is believed for.
const maxHint = time.Hour

// complete completes the error of a failure by the failure table and returns
// the table's verdict.
func complete(f *failure, in outcome.Input) outcome.Verdict {
	v := outcome.Decide(in)
	e := f.err
	e.Outcome, e.Elsewhere = v.Outcome, v.Elsewhere
	switch {
	case f.class == outcome.Local:
		e.Outcome = provider.NotSent
	case v.Kind != "" && (f.class != outcome.Throttled || v.Outcome == provider.MaybeSent):
		e.Kind = v.Kind
	case e.Kind == "":
		e.Kind = kindOfClass(f.class)
	}
	return v
}

// tell notes what an answer says besides its body.
func (c *Chain) tell(e *provider.Error, a *Answer) {
	if a == nil {
		return
	}
	e.Status = a.Status
	if c.cfg.RequestID != "" {
		e.RequestID = a.Header.Get(c.cfg.RequestID)
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = c.retryAfter(a.Header)
	}
}

// transportError says what an attempt without an answer means.
func (c *Chain) transportError(ctx context.Context, call *rest.Call, left leftState, err error) *failure {
	cause := unwrapURL(err)
	e := &provider.Error{Message: c.describeCause(ctx, call, cause), Err: cause}
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

// describeCause words a transport error without the URL: it may hold a token in
// its query or an address in its path.
func (c *Chain) describeCause(ctx context.Context, call *rest.Call, cause error) string {
	host := ""
	if u, err := url.Parse(c.base); err == nil {
		host = u.Host + u.Path
	}
	text := cause.Error()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		text = "canceled"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		text = "no answer in time"
	}
	return call.Method + " " + host + call.Route + ": " + text
}

// unwrapURL takes the URL out of an error of net/http.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func canceled(err error) *failure {
	return &failure{outcome.Canceled, &provider.Error{Message: err.Error(), Err: err}}
}

// noCredential reports that a token could not be fetched: the call itself never
// left. Fetching has had its own repeats.
func noCredential(err error) *failure {
	var e *provider.Error
	if !errors.As(err, &e) {
		return canceled(err)
	}
	own := *e
	own.Message = "getting a token: " + e.Message
	switch e.Kind {
	case provider.ErrOutcomeUnknown:
		own.Kind = provider.ErrUnavailable
	case provider.ErrCanceled:
		return &failure{outcome.Canceled, &own}
	}
	return &failure{outcome.NoCredential, &own}
}

// invalidCall reports a call that cannot be encoded; nothing left.
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

// scrub takes the credential out of texts that the vendor wrote: some echo it.
func scrub(e *provider.Error, credential string) {
	if len(credential) < 4 {
		return
	}
	e.Message = scrubText(e.Message, credential)
	e.Code = scrubText(e.Code, credential)
	e.RequestID = scrubText(e.RequestID, credential)
	if e.Err != nil && scrubText(e.Err.Error(), credential) != e.Err.Error() {
		e.Err = nil
	}
}

// scrubText replaces the credential in every spelling in which an answer may
// hold it: as it is, escaped for a URL, and inside JSON, where PHP escapes the slash.
func scrubText(text, credential string) string {
	if len(credential) < 4 {
		return text
	}
	quoted, _ := json.Marshal(credential)
	inJSON := string(quoted[1 : len(quoted)-1])
	for _, form := range []string{credential, url.QueryEscape(credential), inJSON, strings.ReplaceAll(inJSON, "/", `\/`)} {
		text = strings.ReplaceAll(text, form, redacted)
	}
	return text
}

// retryAfter reads how long to wait, from the vendor's own header or the
// standard one. What cannot be read or is absurd counts as no hint.
func (c *Chain) retryAfter(h http.Header) time.Duration {
	if c.cfg.RetryAfter != nil {
		if d := c.cfg.RetryAfter(h); d > 0 {
			return min(d, maxHint)
		}
	}
	return RetryAfter(h.Get("Retry-After"), time.Now())
}

// RetryAfter reads a Retry-After value: seconds or a date.
func RetryAfter(text string, now time.Time) time.Duration {
	if text == "" {
		return 0
	}
	if d, ok := Seconds(text); ok {
		return d
	}
	if t, err := http.ParseTime(text); err == nil {
		return min(max(t.Sub(now), 0), maxHint)
	}
	return 0
}

// Seconds reads a number of seconds, clamped to an hour; negative and
// unreadable values are not ok.
func Seconds(text string) (time.Duration, bool) {
	if text == "" {
		return 0, false // without the error that ParseInt would make
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	return time.Duration(min(n, int64(maxHint/time.Second))) * time.Second, true
}
