package httpx

import (
	"context"
	"errors"
	"net/http"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// authorizer gets the credential of a request. After a 401 it sends the request
// once more with a new one, if there can be a new one: a call that was refused for
// its credential was not carried out.
type authorizer struct {
	linked
	auth    Auth
	secrets secrets
}

func (l *authorizer) do(ctx context.Context, x exchange) (*Answer, *failure) {
	credential, err := l.credential(ctx, x, "")
	if err != nil {
		return nil, noCredential(err)
	}
	x.credential, x.secrets = credential, l.secrets.of(credential)
	a, f := l.next.do(ctx, x)
	if !l.auth.renewable || a == nil || a.Status != http.StatusUnauthorized {
		return a, f
	}
	if ctx.Err() != nil {
		return a, f // the attempt has ended with the answer; the 401 is what is known of the call
	}
	if credential, err = l.credential(ctx, x, x.credential); err != nil {
		return a, f // the 401 is what is known of the call
	}
	x.credential, x.secrets, x.waited = credential, l.secrets.of(credential), 0
	x.backoff = 0
	return l.next.do(ctx, x)
}

// credential returns the credential for an attempt, unless it comes too late for that.
func (l *authorizer) credential(ctx context.Context, x exchange, stale string) (string, error) {
	bounded, cancel := endingAt(ctx, earliest(x.notAfter, x.letGo))
	defer cancel()
	credential, err := l.auth.credential(bounded, stale)
	if bounded.Err() != nil && ctx.Err() == nil && errors.Is(err, bounded.Err()) {
		err = &provider.Error{Kind: provider.ErrUnavailable, Message: "none came in time"}
		if x.boundBy(x.letGo) {
			err = tooLate("none came in time", begun.ErrOver).err
		}
	}
	return credential, err
}

// noCredential returns the failure of a call for which no token could be fetched.
// The call itself never left. The fetch has had repeats of its own.
func noCredential(err error) *failure {
	var e *provider.Error
	if !errors.As(err, &e) {
		return canceled(err)
	}
	own := *e
	own.Message = text.Because("getting a token", e.Message)
	switch e.Kind {
	case provider.ErrOutcomeUnknown:
		own.Kind = provider.ErrUnavailable
	case provider.ErrCanceled:
		return &failure{outcome.Canceled, &own}
	}
	return &failure{outcome.NoCredential, &own}
}
