// Package httpx is the one chain through which every call of every adapter
// goes:
//
//	encode -> auth -> send (sealed body, no redirects) -> size cap -> classify -> decode
//
// The order matters. The credential is placed before encoding, because it may
// be a form field. A status or an error inside a 200 becomes a provider.Error
// before decoding, so that an HTML page from a gateway stays the 502 it is. What
// a failure means is looked up in internal/outcome, and nowhere else.
package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

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
	userAgent []string // as a header holds it; never changed
}

var acceptJSON = []string{"application/json"}

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
	if c.client, err = newClient(cfg.Env.HTTPClient, common); err != nil {
		return nil, configError("", err)
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
		return nil, c.canceled(call, err)
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
	if err := rest.Decode(a.Body, out); err != nil {
		return reply, c.failure(call, outcome.Unreadable, a, &provider.Error{Message: "the answer cannot be decoded", Err: err})
	}
	return reply, nil
}

// exchange sends the call, and once more with a new credential after a 401:
// a call refused for its credential was not carried out.
func (c *Chain) exchange(ctx context.Context, call *rest.Call) (*Answer, error) {
	credential, err := c.cfg.Auth.credential(ctx, "")
	if err != nil {
		return nil, c.noCredential(call, err)
	}
	a, err := c.attempt(ctx, call, credential)
	if !c.cfg.Auth.renewable || a == nil || a.Status != http.StatusUnauthorized {
		return a, err
	}
	credential, renewErr := c.cfg.Auth.credential(ctx, credential)
	if renewErr != nil {
		return nil, c.noCredential(call, renewErr)
	}
	return c.attempt(ctx, call, credential)
}

// attempt is one request and its answer.
func (c *Chain) attempt(ctx context.Context, call *rest.Call, credential string) (*Answer, error) {
	start := time.Now()
	req, body, err := c.request(ctx, call, credential)
	if err != nil {
		return nil, invalidCall(err)
	}
	a, err := c.roundTrip(req, body, call)
	if err == nil {
		err = c.classify(call, a)
	}
	c.scrub(err, credential)
	c.observe(ctx, call, a, err, credential, time.Since(start))
	return a, err
}

// request encodes the call with the credential in its place.
func (c *Chain) request(ctx context.Context, call *rest.Call, credential string) (*http.Request, *sealedBody, error) {
	sent := c.placed(call, credential)
	url, err := sent.URL(c.base)
	if err != nil {
		return nil, nil, err
	}
	data, contentType, err := sent.Encode()
	if err != nil {
		return nil, nil, err
	}
	body := &sealedBody{data: data}
	req, err := http.NewRequestWithContext(body.watch(ctx), call.Method, url, nil)
	if err != nil {
		return nil, nil, &rest.ParamError{Name: "url", Why: "cannot be built"} // the cause would quote it
	}
	req.Header = make(http.Header, len(sent.Header)+3)
	for _, h := range sent.Header {
		req.Header.Set(h.Name, h.Value)
	}
	req.Header["User-Agent"] = c.userAgent
	req.Header["Accept"] = acceptJSON
	if contentType != "" {
		req.Header["Content-Type"] = []string{contentType}
	}
	body.attach(req)
	return req, body, nil
}

// placed is a copy of the call with the credential in its place.
func (c *Chain) placed(call *rest.Call, credential string) *rest.Call {
	sent := *call
	sent.Header, sent.Query, sent.Form = slices.Clip(call.Header), slices.Clip(call.Query), slices.Clip(call.Form)
	c.cfg.Auth.place(&sent, credential)
	return &sent
}

func (c *Chain) roundTrip(req *http.Request, body *sealedBody, call *rest.Call) (*Answer, error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, c.transportError(req.Context(), call, body.seal(), err)
	}
	defer resp.Body.Close()
	a := &Answer{Call: call, Status: resp.StatusCode, Header: resp.Header}
	limit := int64(maxErrorAnswer)
	if a.OK() {
		limit = maxAnswer
	}
	// The cap counts decompressed bytes: half a megabyte of gzip can hold half a gigabyte.
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err == nil && int64(len(data)) <= limit:
		a.Body = data
	case !a.OK():
		a.Body = data[:min(int64(len(data)), limit)] // the status tells enough
	case err != nil:
		return a, c.failure(call, outcome.Unreadable, a, &provider.Error{Message: "the answer broke off", Err: unwrapURL(err)})
	default:
		return a, c.failure(call, outcome.Unreadable, a, &provider.Error{Message: fmt.Sprintf("the answer is over %d MiB", maxAnswer>>20)})
	}
	return a, nil
}

func (c *Chain) classify(call *rest.Call, a *Answer) error {
	e := c.cfg.Classify(a)
	if e == nil {
		if a.OK() {
			return nil
		}
		e = &provider.Error{}
	}
	return c.failure(call, classOf(call, a.Status, e.Kind), a, e)
}

func (c *Chain) observe(ctx context.Context, call *rest.Call, a *Answer, err error, credential string, took time.Duration) {
	hook := c.cfg.Env.Hooks.OnAttempt
	if hook == nil {
		return
	}
	e := provider.AttemptEvent{
		Provider: c.cfg.Provider, Account: c.cfg.Env.Account, Operation: call.Operation,
		Method: call.Method, Route: call.Route, Err: err, Took: took,
		Describe: func() (provider.Request, provider.Answer) {
			return c.describe(call), c.describeAnswer(call, a, credential)
		},
	}
	if a != nil {
		e.Status, e.RequestID = a.Status, a.Header.Get(c.cfg.RequestID)
	}
	var pe *provider.Error
	if errors.As(err, &pe) {
		e.Outcome = pe.Outcome
	}
	hook(ctx, e)
}
