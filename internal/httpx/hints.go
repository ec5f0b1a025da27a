package httpx

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// maxHint is the longest wait that is believed. A longer hint counts as this.
const maxHint = time.Hour

// headerReader reads the header of an answer.
type headerReader struct {
	requestID  string                          // header in which the vendor names the request
	retryAfter func(http.Header) time.Duration // the vendor's own hint, nil without one
}

// annotate adds the status, the request id and the time to wait to the error of an
// answer.
func (r headerReader) annotate(e *provider.Error, a *Answer) {
	e.Status = a.Status
	if r.requestID != "" {
		e.RequestID = text.OneLine(a.secrets.Text(a.Header.Get(r.requestID)))
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = r.hint(a.Header)
	}
}

// hint returns how long to wait by the vendor's own header, or else the standard
// one. A header that cannot be read counts as none.
func (r headerReader) hint(h http.Header) time.Duration {
	if r.retryAfter != nil {
		if d := r.retryAfter(h); d > 0 {
			return min(d, maxHint)
		}
	}
	// A date is by the server's clock, which its own Date header tells.
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return RetryAfter(h.Get("Retry-After"), now)
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
