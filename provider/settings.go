package provider

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/internal/vendorurl"
)

const (
	defaultConcurrency = 8
	maxConcurrency     = 256
)

// AccountSettings are the settings that every account may have. The struct of a
// provider's own settings embeds them. In a configuration texts may be references,
// "env:NAME" or "file:PATH", which are followed when the account is opened.
//
// The tag route states whether a route has the setting too, in addition to its
// members.
type AccountSettings struct {
	// BaseURL replaces the vendor's address, with its version path and without
	// a slash at the end. https only, but for loopback.
	BaseURL string `json:"base_url" route:"no" doc:"instead of the vendor's address, with its version path, no slash at the end; https only, but for loopback"`
	// Timeout bounds a whole call with repeats and token; 0 means 90 s.
	Timeout time.Duration `json:"timeout" route:"no" default:"90s" doc:"bound of a whole call, with its repeats, waits and the call for a token, like 30s"`
	// DialTimeout bounds finding the host's name and connecting to one of its
	// addresses, for each connection; the TLS handshake may take as long again. 0
	// means 15 s: many resolvers ask a second name server only after 5 s.
	DialTimeout time.Duration `json:"dial_timeout" route:"no" default:"15s" doc:"bound of finding the name and connecting, for each connection; the TLS handshake may take as long again"`
	// AnswerTimeout bounds the wait for the whole answer to one request, from the time
	// at which the request was handed over. 0 means 30 s for what can be repeated
	// without harm, which are reads and mail under the vendor's own key, and Timeout
	// alone for other mail and for changes, because a provider that answers late may
	// have carried them out.
	AnswerTimeout time.Duration `json:"answer_timeout" route:"no" default:"30s for reads and for mail under the provider's own key; for other mail and changes timeout alone" doc:"bound of the wait for the whole answer to one request, once that has been handed over"`
	// Proxy is the URL of a proxy: http, https, socks5 or socks5h, with user and
	// password where it wants them. Names are looked up by the proxy. Empty means
	// the proxy of the environment. With an http BaseURL only a proxy on loopback is
	// allowed, because the key would go to it in clear.
	Proxy Secret `json:"proxy" route:"no" default:"the environment's" doc:"URL of a proxy, which may hold user and password: http, https, socks5, socks5h. Only one on loopback when base_url is http"`
	// CAFile is a PEM file of further certificate authorities.
	CAFile string `json:"ca_file" route:"no" doc:"PEM file of further certificate authorities"`
	// From is the sender of messages that name none.
	From Address `json:"from" route:"no" doc:"sender of messages that name none: a text like Shop <shop@example.com>, or {email, name}"`
	// Policy has the actions for features that the provider lacks.
	Policy Policy `json:"policy" route:"no" default:"an error; docs/configuration.md has the exceptions" doc:"what to do about what the provider lacks, by feature: drop, emulate, fan_out, send_now, error"`
	// Require are features without which opening the account fails.
	Require []Feature `json:"require" route:"yes" doc:"features that the program needs: opening the account fails when one is missing. Native and limited features are enough; an emulated one is enough where the policy allows it, or where the result is the same"`
	// Tries bounds the HTTP requests of one call, the first included; 0 means 4,
	// 1 means that nothing is repeated.
	Tries int `json:"tries" route:"no" min:"1" max:"10" default:"4" doc:"HTTP requests of one call, the first included; 1 means that nothing is repeated"`
	// RateLimits replace the library's own limits for the vendor, by class of
	// calls: {"send": "50/s", "contacts": "10/s"}.
	RateLimits map[string]string `json:"rate_limits" route:"no" doc:"limits of calls by class instead of the library's: {send: 50/s, contacts: 10/s} at Brevo, {all: 5/s} at the others"`
	// Concurrency is how many calls of a batch or an import run at the same time,
	// at most; 0 means 8. The limits hold as well.
	Concurrency int `json:"concurrency" route:"yes" min:"1" max:"256" default:"8" doc:"calls of a batch or an import at the same time, at most; the limits hold as well"`
	// RedirectTo gets all mail instead of its recipients, for systems that are not
	// in production. The notes of a Receipt name the addresses that were replaced.
	RedirectTo string `json:"redirect_to" route:"yes" doc:"address that gets all mail instead of its recipients, for systems that are not in production; the receipt's notes name who was replaced"`
	// AllowDomains are the only domains that may be mailed: a recipient in another
	// domain is an error, or is redirected where RedirectTo is set. nil means all.
	AllowDomains []string `json:"allow_domains" route:"yes" doc:"list of the only domains that may be mailed; a recipient elsewhere is an error before any request, or with redirect_to is redirected. Subdomains count as other domains"`
}

// settings returns s. A struct that embeds AccountSettings has the method too.
func (s *AccountSettings) settings() *AccountSettings { return s }

// check returns the problems of the settings that every account may have.
func (s AccountSettings) check() []*Error {
	var out []*Error
	if err := vendorurl.Check(s.BaseURL); err != nil && settings.Literal(s.BaseURL) {
		out = append(out, configError("base_url", "%s", err.Error()))
	}
	if proxy := s.Proxy.Reveal(); settings.Literal(proxy) {
		if err := vendorurl.CheckProxy(proxy, s.BaseURL); err != nil {
			out = append(out, configError("proxy", "%s", err.Error()))
		}
	}
	if e := errorOf(checkSender(s.From)); e != nil {
		out = append(out, configError(e.Field, "%s", e.Message))
	}
	out = append(out, s.Policy.check()...)
	out = append(out, s.staging().check()...)
	for i, f := range s.Require {
		if f.Doc() == "" {
			out = append(
				out,
				configError(
					fmt.Sprintf("require[%d]", i), "no feature is called %q", text.NoKey(string(f)),
				),
			)
		}
	}
	return out
}

func configErrors(problems []settings.Problem) []*Error {
	out := make([]*Error, len(problems))
	for i, p := range problems {
		out[i] = configError(p.Field, "%s", p.Message)
	}
	return out
}

// inside reports whether the path of a field is whole, or the path of a part of it.
func inside(path, whole string) bool {
	rest, ok := strings.CutPrefix(path, whole)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// without leaves out problems of fields that known has already: a setting that
// could not be read is not also reported as missing.
func without(problems, known []*Error) []*Error {
	return slices.DeleteFunc(problems, func(p *Error) bool {
		return slices.ContainsFunc(
			known,
			func(k *Error) bool { return inside(k.Field, p.Field) || inside(p.Field, k.Field) },
		)
	})
}

// staging returns the settings of s about recipients.
func (s AccountSettings) staging() staging { return staging{s.RedirectTo, s.AllowDomains} }
