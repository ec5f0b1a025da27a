// Package httpx is the one chain through which every call of every adapter
// goes. [New] reads an adapter's [Config] and assembles the chain; the function
// assemble lists its links in order and says why each stands where it does. A
// link is a file of its own, named after what it does.
//
// What a failure means is looked up in internal/outcome, and nowhere else.
package httpx

import (
	"context"

	"github.com/postmux/postmux/internal/scrub"
	"github.com/postmux/postmux/rest"
)

// Chain carries out calls for one account. It is safe for concurrent use.
type Chain struct{ links []link }

var _ rest.Doer = (*Chain)(nil)

// New assembles a chain; it does not touch the network.
func New(cfg Config) (*Chain, error) {
	s, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	return &Chain{links: connect(assemble(s))}, nil
}

// assemble returns the links of a chain, the outermost first. The order matters.
func assemble(s *settings) []link {
	header := headerReader{requestID: s.RequestID, retryAfter: s.RetryAfter}
	describe := describer{base: s.base, auth: s.Auth, secretive: s.Secretive}
	encode := &encoder{
		urls: &urls{base: s.base}, auth: s.Auth, userAgent: s.userAgent,
	}
	if s.Env.DryRun != nil {
		return []link{
			// First, to refuse a call that cannot be encoded. There is no wait for a limit and
			// no fetch of a token, because no request follows.
			encode,
			&beginner{account: s.account()},
			// Last: the call is shown instead of sent.
			&dryRun{show: s.Env.DryRun, describe: describe, secrets: scrub.New(s.secrets...), limits: s.Limits, gates: s.gates},
		}
	}
	return []link{
		// Outside the attempts: an answer that cannot be decoded is not asked for again.
		&decoder{header: header},
		// Around all that belongs to a single attempt.
		&retrier{timeout: s.timeout, attempts: s.attempts, budget: newBudget()},
		// Around all that takes time in an attempt: the wait for the limit and the fetch of a
		// token too.
		&deadline{},
		// In each attempt: the vendor counts repeats too.
		&limiter{
			limits: s.Limits, gates: s.gates, shared: s.Env.Limiter,
			provider: s.Provider, account: s.Env.Account, failed: s.Env.Hooks.OnLimit,
		},
		// In each attempt, and after the wait for the limit: a token may expire meanwhile.
		&authorizer{auth: s.Auth, secrets: secrets{others: s.secrets}},
		// After auth, which may make two requests: the hook is called for each. Around
		// redact: the hook must not see the credential.
		&observer{
			provider: s.Provider, account: s.Env.Account, requestID: s.RequestID,
			hook: s.Env.Hooks.OnTry, describe: describe,
		},
		// After auth: the credential may be a field of the body.
		encode,
		// After limit and auth, which wait: what only waits was not begun. After encode: nor
		// was what cannot be written.
		&beginner{account: s.account()},
		// Around classify and send, whose errors quote the vendor: some echo the credential.
		&redactor{},
		// In each attempt: an answer that proves nothing may be asked for again. After
		// classify: what the vendor refuses in its own words is a refusal at any status.
		&evidence{assumed: s.AssumedStatuses, header: header},
		// Before decode: an HTML page from a gateway stays the 502 that it is.
		&classifier{classify: s.Classify, header: header},
		// In each request, which encode has written: the wait begins when that has left.
		// Around read and send: an answer of which the rest does not come is as late.
		&answerBound{given: s.answer},
		// Before anything looks into the body: its size is capped, and it is scrubbed.
		&reader{},
		// Last: the wire.
		newSender(s.client, s.base),
	}
}

// Do carries out call and decodes a 2xx answer into out. Errors are *provider.Error.
func (c *Chain) Do(ctx context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	a, f := c.links[0].do(ctx, exchange{call: call, out: out, credential: redacted})
	var reply *rest.Reply
	if a != nil {
		reply = &rest.Reply{Status: a.Status, Header: a.Header, Body: a.raw}
	}
	if f != nil {
		return reply, f.err
	}
	return reply, nil
}
