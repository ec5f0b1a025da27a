package provider

import "net/http"

// Option changes how an account is opened.
type Option func(*openOptions)

type openOptions struct {
	env  DriverEnv
	from Address
}

func optionsOf(opts []Option) openOptions {
	var o openOptions
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithFrom sets the sender of messages that name none, in place of the account's
// setting from. A route has no sender; its members have their own.
func WithFrom(from Address) Option { return func(o *openOptions) { o.from = from } }

// WithHTTPClient sends through hc. hc itself is not changed. Redirects are refused
// and responses are capped in any case.
func WithHTTPClient(hc *http.Client) Option { return func(o *openOptions) { o.env.HTTPClient = hc } }

// WithHooks observes every operation and request. Several are called in order.
func WithHooks(hooks ...Hooks) Option {
	return func(o *openOptions) { o.env.Hooks = Hooks{}.And(hooks...) }
}

// WithDryRun sends nothing: show is called with each request that would go out, and
// the operation returns an error of kind ErrDryRun.
func WithDryRun(show func(WireRequest)) Option { return func(o *openOptions) { o.env.DryRun = show } }

// WithUserAgent puts the application's name and version, "shop/1.2", before the one
// of this library in the User-Agent header.
func WithUserAgent(product string) Option {
	return func(o *openOptions) { o.env.UserAgent = product }
}

// WithLimiter keeps the limits of calls by l, which several hosts may share, in place of
// those that this process keeps for itself. The sizes of the limits do not change: they
// are the library's, or those of the setting rate_limits. With a base_url on loopback
// only those of rate_limits are kept. The members of a route get l too. When l fails,
// calls go on under the limit of this process, and Hooks.OnLimit gets the reason.
// Several hosts together may then exceed the vendor's limit; the vendor answers 429, and
// no mail is lost or sent twice. A Limiter that wants to stop the calls instead returns
// an *Error.
func WithLimiter(l Limiter) Option { return func(o *openOptions) { o.env.Limiter = l } }

// WithDuplicateGuard makes a repeat under one Message.IdempotencyKey send nothing, at
// every provider and over all members of a route. A Send under a key
//
//   - waits while another one with the key runs, and returns its receipt;
//   - makes no request when that mail was accepted, and returns the stored receipt
//     with a note;
//   - makes no request when its outcome is unknown, and returns the same unknown
//     result until Settle finds the mail. Only where the provider has a key of its own
//     (Brevo) the same account repeats it under that key, within the key's time;
//   - sends when it is proved that the earlier send sent nothing; where recipients
//     have requests of their own, to those for whom it is proved;
//   - is refused when the key was used for another message. The error says what became
//     of that one.
//
// A key names an act, not an account: keys live in the namespace, the name of the
// program, and all its accounts and routes share them. What is unknown at one account
// goes out through no other. An empty namespace stands for the name in the
// configuration; without either, opening the account is an error. Programs that share
// a store need different namespaces.
//
// The protection reaches as far as the store: guard.NewMemory remembers keys for a
// time, within one process. Without a key there is no protection.
func WithDuplicateGuard(store GuardStore, namespace string) Option {
	return func(o *openOptions) { o.env.Guard, o.env.Namespace = store, namespace }
}
