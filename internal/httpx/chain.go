// Package httpx is the one chain through which every call of every adapter
// goes:
//
//	repeat[ limit -> auth -> encode -> send (sealed body, no redirects) -> size cap -> classify ] -> decode
//
// The order matters. The limit is inside the repeats, because a repeat counts at
// the vendor too; auth is inside them, because a token may expire between two
// attempts. Decoding is outside: an answer that cannot be read is never asked
// for again. The credential is placed before encoding, because it may
// be a form field. A status or an error inside a 200 becomes a provider.Error
// before decoding, so that an HTML page from a gateway stays the 502 it is. What
// a failure means is looked up in internal/outcome, and nowhere else.
package httpx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/postmux/postmux/gen/rest"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/internal/version"
	"github.com/postmux/postmux/provider"
)

const (
	defaultTimeout = 90 * time.Second
	maxAnswer      = 8 << 20  // decompressed bytes of a 2xx answer
	maxErrorAnswer = 64 << 10 // of any other
)

// Config is what an adapter tells the chain.
type Config struct {
	Provider string
	BaseURL  string // the vendor's own
	Section  provider.Section
	Env      provider.Env
	Auth     Auth
	// Classify turns an answer into an error, or nil when it is a success. It
	// is asked about every answer, 2xx too. It sets Kind, Code, Message and
	// Field; the chain sets the rest.
	Classify func(a *Answer) *provider.Error
	// RequestID is the header in which the vendor names the request.
	RequestID string
	// RetryAfter reads the vendor's own hint; nil means the standard header only.
	RetryAfter func(h http.Header) time.Duration
	// Limits are the vendor's limits of calls.
	Limits Limits
	// Secretive are operations whose bodies hold credentials and are never described.
	Secretive []string
}

// Answer is an answer as received.
type Answer struct {
	Call   *rest.Call
	Status int
	Header http.Header
	Body   []byte
}

// OK reports whether the status is 2xx.
func (a *Answer) OK() bool { return a.Status >= 200 && a.Status <= 299 }

// Chain carries out calls for one account. It is safe for concurrent use.
type Chain struct {
	cfg       Config
	base      string
	timeout   time.Duration
	client    *http.Client
	transport http.RoundTripper // instead of client, when client adds nothing
	place     url.URL           // base, parsed; empty when every URL must be parsed
	traced    bool              // the transport tells when it has a connection
	attempts  int               // of one call, the first included
	buckets   map[string]*bucket
	budget    *rate.Limiter
	userAgent []string // as a header holds it; never changed
	// marshal and unmarshal are the caller's codec, nil without one.
	marshal   func(any) ([]byte, error)
	unmarshal func([]byte, any) error
}

var _ rest.Doer = (*Chain)(nil)

// New assembles a chain; it does not touch the network.
func New(cfg Config) (*Chain, error) {
	c := &Chain{cfg: cfg, base: cfg.BaseURL, timeout: defaultTimeout}
	common := cfg.Section.Common
	if common.BaseURL != "" {
		c.base = common.BaseURL
	}
	if err := provider.CheckBaseURL(c.base); err != nil {
		return nil, configError("base_url", err)
	}
	if common.Timeout > 0 {
		c.timeout = common.Timeout
	}
	var err error
	if cfg.Auth.unusable {
		return nil, configError("", fmt.Errorf("the key holds a line break or another control character"))
	}
	if c.client, err = newClient(cfg.Env.HTTPClient, common); err != nil {
		return nil, configError("", err)
	}
	c.transport = bare(c.client)
	_, c.traced = c.client.Transport.(*http.Transport)
	c.traced = c.traced || c.client.Transport == nil
	c.place = placeOf(c.base)
	if codec := cfg.Env.JSON; codec != nil {
		c.marshal, c.unmarshal = codec.Marshal, codec.Unmarshal
	}
	if c.buckets, err = newLimiters(c.base, cfg); err != nil {
		return nil, err
	}
	c.attempts, c.budget = maxAttempts, newBudget()
	if common.Attempts > 0 {
		c.attempts = common.Attempts
	}
	if strings.ContainsFunc(cfg.Env.UserAgent, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		return nil, configError("user_agent", errors.New("expected visible ASCII"))
	}
	c.userAgent = []string{strings.TrimSpace(cfg.Env.UserAgent + " postmux/" + version.Version + " (" + cfg.Provider + ")")}
	return c, nil
}

func configError(field string, err error) *provider.Error {
	return &provider.Error{Kind: provider.ErrConfig, Outcome: provider.NotSent, Field: field, Message: err.Error()}
}

// Do carries out call and decodes a 2xx answer into out. Errors are *provider.Error.
func (c *Chain) Do(ctx context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	if c.cfg.Env.DryRun != nil {
		return nil, c.dryRun(call)
	}
	if err := ctx.Err(); err != nil {
		f := canceled(err)
		complete(f, outcome.Input{Class: f.class, Effect: call.Effect})
		return nil, f.err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a, err := c.exchange(ctx, call)
	if a == nil {
		return nil, err
	}
	reply := &rest.Reply{Status: a.Status, Header: a.Header, Body: a.Body}
	if err != nil {
		return reply, err
	}
	if err := call.Decode(a.Body, out, c.unmarshal); err != nil {
		f := &failure{outcome.Unreadable, &provider.Error{Message: "the answer cannot be decoded", Err: err}}
		c.tell(f.err, a)
		complete(f, outcome.Input{Class: f.class, Effect: call.Effect})
		return reply, f.err
	}
	return reply, nil
}

// authorized makes one attempt, and once more with a new credential after a
// 401: a call refused for its credential was not carried out.
func (c *Chain) authorized(ctx context.Context, call *rest.Call, number int, waited time.Duration) (*Answer, *failure) {
	credential, err := c.cfg.Auth.credential(ctx, "")
	if err != nil {
		return nil, noCredential(err)
	}
	a, f := c.attempt(ctx, call, credential, number, waited)
	if !c.cfg.Auth.renewable || a == nil || a.Status != http.StatusUnauthorized {
		return a, f
	}
	credential, err = c.cfg.Auth.credential(ctx, credential)
	if err != nil {
		return a, f // the 401 is what is known of the call
	}
	return c.attempt(ctx, call, credential, number, 0)
}

// attempt is one request and its answer.
func (c *Chain) attempt(ctx context.Context, call *rest.Call, credential string, number int, waited time.Duration) (*Answer, *failure) {
	start := c.watched()
	req, body, err := c.request(ctx, call, credential)
	if err != nil {
		return nil, &failure{outcome.Local, invalidCall(err)}
	}
	defer body.release()
	a, f := c.roundTrip(req, body, call)
	if f == nil {
		f = c.classify(call, a)
	}
	if f != nil {
		c.tell(f.err, a)
		scrub(f.err, credential)
	}
	if !start.IsZero() {
		c.observe(ctx, call, a, f, provider.AttemptEvent{Attempt: number, Waited: waited, Took: time.Since(start)}, credential)
	}
	return a, f
}

// watched is now when a hook is told about attempts. Reading the clock takes
// longer than most steps of an attempt.
func (c *Chain) watched() time.Time {
	if c.cfg.Env.Hooks.OnAttempt == nil {
		return time.Time{}
	}
	return time.Now()
}

func (c *Chain) roundTrip(req *http.Request, body *sealedBody, call *rest.Call) (*Answer, *failure) {
	resp, err := c.exchangeHTTP(req)
	if err != nil {
		return nil, c.transportError(req.Context(), call, body.seal(c.traced), err)
	}
	defer resp.Body.Close()
	a := &Answer{Call: call, Status: resp.StatusCode, Header: resp.Header}
	limit := maxErrorAnswer
	if a.OK() {
		limit = maxAnswer
	}
	// The cap counts decompressed bytes: half a megabyte of gzip can hold half a gigabyte.
	a.Body, err = readCapped(resp.Body, limit, resp.ContentLength)
	cutOff := err != nil && !errors.Is(err, errTooLarge)
	switch {
	case a.OK() && cutOff:
		return a, &failure{outcome.Unreadable, &provider.Error{Message: "the answer broke off", Err: unwrapURL(err)}}
	case a.OK() && err != nil:
		return a, &failure{outcome.Unreadable, &provider.Error{Message: fmt.Sprintf("the answer is over %d MiB", maxAnswer>>20)}}
	case cutOff && call.KeyWindow > 0:
		// The lost part may have said that the vendor knows our key, which means accepted.
		return nil, &failure{outcome.NoAnswer, &provider.Error{Message: "the answer broke off", Err: unwrapURL(err)}}
	}
	return a, nil // of an error the status tells enough
}

func (c *Chain) classify(call *rest.Call, a *Answer) *failure {
	if a.Status >= 300 && a.Status <= 399 {
		return &failure{outcome.Misdirected, &provider.Error{Kind: provider.ErrBadResponse, Message: "the answer is a redirect, which is never followed; check base_url"}}
	}
	e := c.cfg.Classify(a)
	if e == nil {
		if a.OK() {
			return nil
		}
		e = &provider.Error{}
	}
	return &failure{classOf(call.Effect, a.Status, e.Kind), e}
}

// observe tells the hook about an attempt; e holds what is known already.
func (c *Chain) observe(ctx context.Context, call *rest.Call, a *Answer, f *failure, e provider.AttemptEvent, credential string) {
	e.Provider, e.Account = c.cfg.Provider, c.cfg.Env.Account
	e.Operation, e.Method, e.Route = call.Operation, call.Method, call.Route
	e.Describe = func() (provider.Request, provider.Answer) {
		return c.describe(call), c.describeAnswer(call, a, credential)
	}
	if a != nil {
		e.Status, e.RequestID = a.Status, a.Header.Get(c.cfg.RequestID)
	}
	if f != nil {
		told := *f.err // of this attempt alone: what the earlier ones were does not change it
		complete(&failure{f.class, &told}, outcome.Input{Class: f.class, Effect: call.Effect})
		e.Err, e.Outcome = &told, told.Outcome
	}
	c.cfg.Env.Hooks.OnAttempt(ctx, e)
}
