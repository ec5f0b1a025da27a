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
// setting from. A route has no sender: its members have.
func WithFrom(from Address) Option { return func(o *openOptions) { o.from = from } }

// WithHTTPClient sends through hc. hc itself is not changed: redirects are
// refused and responses capped all the same.
func WithHTTPClient(hc *http.Client) Option { return func(o *openOptions) { o.env.HTTPClient = hc } }

// WithHooks observes every operation and request. Several are called in order.
func WithHooks(hooks ...Hooks) Option {
	return func(o *openOptions) { o.env.Hooks = Hooks{}.And(hooks...) }
}

// WithDryRun sends nothing: each request that would go out is given to show,
// and the operation ends in an error of kind ErrDryRun.
func WithDryRun(show func(WireRequest)) Option { return func(o *openOptions) { o.env.DryRun = show } }

// WithUserAgent puts the application's name and version, "shop/1.2", before ours.
func WithUserAgent(product string) Option {
	return func(o *openOptions) { o.env.UserAgent = product }
}

// WithDuplicateGuard makes Message.IdempotencyKey work at providers that have no
// such key, and over all members of a route. A Send under a key
//
//   - waits while another one with the key runs, and gets its receipt;
//   - makes no request when that mail was accepted: the stored receipt comes
//     back, with a note;
//   - makes no request when its outcome is unknown: the same unknown comes back,
//     until Settle finds the mail;
//   - sends when the send before was provably not sent, or, to recipients with
//     calls of their own, to those who were provably not sent to;
//   - is refused when the key was used for another message.
//
// It protects as far as store remembers: guard.NewMemory within one process and
// for a time. Without a key there is no protection. Clients that share a store
// share its keys by the name of their account.
func WithDuplicateGuard(store GuardStore) Option { return func(o *openOptions) { o.env.Guard = store } }
