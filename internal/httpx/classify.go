package httpx

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// classifier decides whether an answer is a success. The adapter reads the
// vendor's error; the table of statuses says what it means for the call.
type classifier struct {
	linked
	classify func(*Answer) *provider.Error // the adapter's, nil for a success
	header   headerReader
}

func (l *classifier) do(ctx context.Context, x exchange) (*Answer, *failure) {
	a, f := l.next.do(ctx, x)
	if f == nil {
		f = l.failureOf(x.call.Effect, a)
	}
	if f != nil && a != nil {
		l.header.annotate(f.err, a)
	}
	return a, f
}

// failureOf returns nil for a success.
func (l *classifier) failureOf(effect rest.Effect, a *Answer) *failure {
	e := l.errorOf(a)
	if e == nil {
		return nil
	}
	if neverReached(a) {
		return &failure{outcome.NoConnection, e}
	}
	return &failure{classOf(effect, a.Status, e.Kind), e}
}

// neverReached reports whether Cloudflare answers in the vendor's place that it could
// not connect to the vendor, so that nothing was handed over. Its other statuses (502,
// 503, 504, 520, 522 and 524) leave open what the vendor got. The statuses are from
// https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/.
func neverReached(a *Answer) bool {
	switch a.Status {
	case 521, 523, 525, 526, 530:
		return strings.EqualFold(a.Header.Get("Server"), "cloudflare") && a.Header.Get("CF-RAY") != ""
	}
	return false
}

// errorOf returns what the adapter makes of the answer, with two exceptions: the
// adapter is not asked about a redirect, and an answer outside 2xx is an error
// even when the adapter finds none.
func (l *classifier) errorOf(a *Answer) *provider.Error {
	if a.Status >= 300 && a.Status <= 399 {
		return &provider.Error{
			Kind:    KindOfStatus(a.Status),
			Message: "the answer is a redirect, which is never followed; check base_url",
		}
	}
	e := l.classify(a)
	if a.OK() {
		return e
	}
	if e == nil {
		e = &provider.Error{}
	}
	if why := notTheVendors(a.Body); why != "" && e.Message == "" {
		e.Message = why
		// A firewall or a proxy refuses one request for what is in it. That says
		// nothing about the key, which the vendor has not seen.
		if a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden {
			e.Kind = provider.ErrBadResponse
		}
	}
	return e
}

// title finds the title of a page of HTML.
var title = regexp.MustCompile(`(?is)<title[^>]*>\s*(.*?)\s*</title`)

// notTheVendors describes the body of a refusal that is no JSON: all vendors of this
// module refuse in JSON, so it comes from a gateway, a proxy or a web server. It is
// empty for JSON and for no body.
func notTheVendors(body []byte) string {
	switch {
	case len(body) == 0 || json.Valid(body):
		return ""
	case body[0] != '<':
		line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
		return fmt.Sprintf("the response is no JSON but %q", text.Clip(text.OneLine(line)))
	}
	if m := title.FindSubmatch(body); m != nil && len(m[1]) > 0 {
		line := strings.Join(strings.Fields(html.UnescapeString(string(m[1]))), " ")
		return fmt.Sprintf("the response is a page of HTML and not the provider's: %q", text.Clip(text.OneLine(line)))
	}
	return "the response is a page of HTML and not the provider's"
}
