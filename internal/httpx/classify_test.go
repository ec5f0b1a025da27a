package httpx

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

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
		{403, `<html>`, provider.ErrForbidden, provider.OutcomeNotSent, true, provider.ErrForbidden},
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
		{200, `{"id":5}`, provider.ErrOutcomeUnknown, provider.OutcomeMaybeSent, false, provider.ErrBadResponse},
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
