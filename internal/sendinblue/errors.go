// Package sendinblue holds what Brevo and Pakat v3 share: both speak the
// dialect of Sendinblue's API v3. Driver is the flow of both, over Calls, which
// each adapter makes with its generated client. The package names no generated
// type, because the two specs are separate and may drift apart.
package sendinblue

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/provider"
)

// codes is the vendor's own vocabulary. A code that is not here leaves the
// decision to the status.
var codes = map[string]provider.Kind{
	"invalid_parameter":          provider.ErrInvalid,
	"missing_parameter":          provider.ErrInvalid,
	"out_of_range":               provider.ErrInvalid,
	"bad_request":                provider.ErrInvalid,
	"unprocessable_entity":       provider.ErrInvalid,
	"duplicate_parameter":        provider.ErrConflict,
	"duplicate_request":          provider.ErrConflict,
	"campaign_processing":        provider.ErrConflict,
	"campaign_sent":              provider.ErrConflict,
	"account_in_process":         provider.ErrConflict,
	"document_not_found":         provider.ErrNotFound,
	"unauthorized":               provider.ErrUnauthorized,
	"permission_denied":          provider.ErrForbidden,
	"account_under_validation":   provider.ErrForbidden,
	"reseller_permission_denied": provider.ErrForbidden,
	"not_enough_credits":         provider.ErrNoCredit,
}

// Classify reads an error answer: {"code": …, "message": …}, either of which
// may be missing, or a body that is no JSON at all.
func Classify(a *httpx.Answer) *provider.Error {
	if a.OK() {
		return nil
	}
	var body struct {
		Code    json.RawMessage `json:"code"` // text; a number in one documented schema
		Message string          `json:"message"`
	}
	e := &provider.Error{Kind: httpx.KindOfStatus(a.Status)}
	if json.Unmarshal(a.Body, &body) != nil {
		return e
	}
	e.Code = strings.Trim(string(body.Code), `"`)
	e.Message = body.Message
	kind, known := codes[e.Code]
	switch {
	case a.Status >= 500 || a.Status == http.StatusTooManyRequests:
		// The status says what became of the call; a code cannot make it milder.
	case keySeen(e):
		e.Kind = httpx.KindDuplicate
		e.Message = "a mail with this idempotency key was accepted before; the provider does not tell its id again"
	case known:
		e.Kind = kind
	}
	return e
}

// keySeen reports whether the vendor refused a repeat under our own key. The
// same code on a contact means that the contact exists.
func keySeen(e *provider.Error) bool {
	return e.Code == "duplicate_parameter" && strings.Contains(strings.ToLower(e.Message), "idempotency")
}

// Headers of answers, spelled as net/http keeps them: another spelling is made
// into this one at every look.
const (
	// RequestID names a request.
	RequestID   = "Sib-Request-Id"
	leftHeader  = "X-Sib-Ratelimit-Remaining"
	resetHeader = "X-Sib-Ratelimit-Reset"
)

// RetryAfter reads the vendor's hint: seconds left in the window, not a clock time.
func RetryAfter(h http.Header) time.Duration {
	if left := h.Get(leftHeader); left != "0" && left != "" {
		return 0
	}
	d, _ := httpx.Seconds(h.Get(resetHeader))
	return d
}

// Left reads how many calls are left in the window and how long it lasts. The
// headers are on every answer, not only on refusals.
func Left(a *httpx.Answer) (left int64, reset time.Duration, ok bool) {
	reset, ok = httpx.Seconds(a.Header.Get(resetHeader))
	if !ok {
		return 0, 0, false
	}
	left, err := strconv.ParseInt(a.Header.Get(leftHeader), 10, 64)
	return left, reset, err == nil && left >= 0
}
