package httpx

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
)

func TestAnswersAreClassified(t *testing.T) {
	for _, row := range []struct {
		status    int
		body      string
		kind      provider.Kind
		outcome   provider.Outcome
		elsewhere bool
		readKind  provider.Kind
	}{
		{400, `{"error":"bad","code":"x"}`, provider.ErrInvalid, provider.OutcomeNotSent, false, provider.ErrInvalid},
		{401, ``, provider.ErrUnauthorized, provider.OutcomeNotSent, true, provider.ErrUnauthorized},
		{402, ``, provider.ErrNoCredit, provider.OutcomeNotSent, true, provider.ErrNoCredit},
		{401, `{}`, provider.ErrUnauthorized, provider.OutcomeNotSent, true, provider.ErrUnauthorized},
		{401, `<html>`, provider.ErrBadResponse, provider.OutcomeNotSent, true, provider.ErrBadResponse},
		{403, ``, provider.ErrForbidden, provider.OutcomeNotSent, true, provider.ErrForbidden},
		{403, `<html>`, provider.ErrBadResponse, provider.OutcomeNotSent, true, provider.ErrBadResponse},
		{403, `blocked`, provider.ErrBadResponse, provider.OutcomeNotSent, true, provider.ErrBadResponse},
		{404, ``, provider.ErrNotFound, provider.OutcomeNotSent, true, provider.ErrNotFound},
		{405, ``, provider.ErrInvalid, provider.OutcomeNotSent, true, provider.ErrInvalid},
		{408, ``, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, false, provider.ErrUnavailable},
		{409, ``, provider.ErrConflict, provider.OutcomeNotSent, false, provider.ErrConflict},
		{422, ``, provider.ErrInvalid, provider.OutcomeNotSent, false, provider.ErrInvalid},
		{429, ``, provider.ErrRateLimited, provider.OutcomeNotSent, true, provider.ErrRateLimited},
		{500, ``, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, false, provider.ErrUnavailable},
		{502, `<html>bad gateway</html>`, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, false, provider.ErrUnavailable},
		{503, `{"error":"later"}`, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, false, provider.ErrUnavailable},
		{200, `{"error":"no such sender"}`, provider.ErrBadResponse, provider.OutcomeNotSent, false, provider.ErrBadResponse},
		{200, `<html>login</html>`, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, false, provider.ErrBadResponse},
		{201, `{"id":`, provider.ErrBadResponse, provider.OutcomeSent, false, provider.ErrBadResponse},
		{200, `{"id":{"x":5}}`, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, false, provider.ErrBadResponse},
	} {
		t.Run(fmt.Sprint(row.status, row.body), func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("X-Request", "req-1")
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			})
			chain := newChain(t, url, nil)
			reply, err := chain.Do(t.Context(), sendCall(), new(sent))
			e := errorOf(t, err)
			assert.Equal(t, row.kind, e.Kind)
			assert.Equal(t, row.outcome, e.Outcome)
			assert.Equal(t, row.elsewhere, e.Elsewhere)
			assert.Equal(t, row.status, e.Status)
			assert.Equal(t, "req-1", e.RequestID)
			assert.Equal(t, row.status, reply.Status)
			assert.Equal(t, int32(1), calls.Load(), "nothing is repeated")
			_, err = chain.Do(t.Context(), readCall(), new(sent))
			e = errorOf(t, err)
			assert.Equal(t, row.readKind, e.Kind)
			assert.Empty(t, e.Outcome, "reads have no outcome")
		})
	}
}

// A refusal that is not the vendor's shows a line of what came instead.
func TestForeignRefusals(t *testing.T) {
	for _, row := range []struct{ name, body, want string }{
		{"nothing", "", ""},
		{"an object", `{"x":1}`, ""},
		{"a list", `[]`, ""},
		{"text", "Bad Request\n\nmore", `the response is no JSON but "Bad Request"`},
		{"long text", strings.Repeat("long ", 30), `the response is no JSON but "` + strings.Repeat("long ", 12) + `…"`},
		{"control characters", "Bad \x1b[31mRequest", `the response is no JSON but "Bad  [31mRequest"`},
		{"half an object", `{"code":`, `the response is no JSON but "{\"code\":"`},
		{"HTML", "<html><p>no", "the response is a page of HTML and not the provider's"},
		{
			"HTML with a title", "<html><TITLE lang=en>\n Attention &amp; Required!\n | Cloudflare </TITLE>",
			`the response is a page of HTML and not the provider's: "Attention & Required! | Cloudflare"`,
		},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, notTheVendors([]byte(row.body))) })
	}
}

// A date in Retry-After is by the clock of the server that wrote it.
func TestRetryAfterByTheServersClock(t *testing.T) {
	ahead := time.Now().Add(30 * time.Minute).UTC()
	h := http.Header{"Date": {ahead.Format(http.TimeFormat)}, "Retry-After": {ahead.Add(2 * time.Second).Format(http.TimeFormat)}}
	assert.Equal(t, 2*time.Second, headerReader{}.hint(h))
	h.Del("Date")
	assert.InDelta(t, 30*time.Minute, headerReader{}.hint(h), float64(time.Minute))
	h.Set("Date", "soon")
	assert.InDelta(t, 30*time.Minute, headerReader{}.hint(h), float64(time.Minute))
}
