package httpx

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"sync/atomic"

	"github.com/postmux/postmux/internal/scrub"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// redacted stands where a credential was, or would be.
const redacted = scrub.Redacted

// redactor takes credentials out of errors, and makes their texts fit for a log. What
// is decoded from a body needs nothing: reader has scrubbed the body.
type redactor struct{ linked }

func (l *redactor) do(ctx context.Context, x exchange) (*Answer, *failure) {
	a, f := l.next.do(ctx, x)
	if f != nil {
		redact(f.err, x.secrets)
	}
	return a, f
}

// redact cleans all of e that may hold a text from outside.
func redact(e *provider.Error, secrets *scrub.Scrubber) {
	for _, s := range []*string{&e.Message, &e.Code, &e.RequestID, &e.Field} {
		*s = text.OneLine(secrets.Text(*s))
	}
	if e.Err == nil {
		return
	}
	// A cause with such a text would be printed by whoever unwraps it.
	was := e.Err.Error()
	if clean := text.OneLine(secrets.Text(was)); clean != was {
		e.Err = errors.New(clean)
	}
}

// proxySecrets are what a proxy gets to let a request through, and may write back: the
// password in its URL, or the user where that is a token. Short ones are left out but for
// what is sent of them: they may be usual words, and contacts hold such words. Without a
// proxy of the account those of the environment count.
func proxySecrets(own string) []string {
	urls := []string{own}
	if own == "" {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
			urls = append(urls, os.Getenv(name))
		}
	}
	var out []string
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.User == nil {
			continue
		}
		user := u.User.Username()
		password, _ := u.User.Password()
		secret := cmp.Or(password, user)
		if len(secret) >= 8 {
			out = append(out, secret)
		}
		out = append(out, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	return out
}

// secrets keeps the Scrubber of the credential in use, which is costly to make.
type secrets struct {
	others []string // that the account sends beside it
	latest atomic.Pointer[secretsOf]
}

type secretsOf struct {
	credential string
	scrubber   *scrub.Scrubber
}

// of returns the Scrubber for credential and the other secrets.
func (s *secrets) of(credential string) *scrub.Scrubber {
	latest := s.latest.Load()
	if latest == nil || latest.credential != credential {
		latest = &secretsOf{credential, scrub.New(append([]string{credential}, s.others...)...)}
		s.latest.Store(latest)
	}
	return latest.scrubber
}
