// Package route sends through several accounts as if they were one.
//
//	failover     the first member that can; the next one when it provably did not send
//	round_robin  the members in turn
//	weighted     the members in turn, by weight
//	rules        a member by the recipients' domain or by a tag of the message
//
// A route is a *provider.Client whose members are *provider.Clients, accounts or
// routes again. Each keeps its own sender, aliases, policy and capabilities.
// Contacts are not routed: use a member.
//
// # Never twice
//
// The next member is tried only when it is proved that nothing was sent: the error is a
// *provider.Error with the Outcome OutcomeNotSent and Elsewhere true, and no recipient was
// accepted. A message that may have been sent is never sent through another member, and
// neither is a later send under its idempotency key: that one ends accepted or unknown. It
// waits while a send under the same key runs.
//
// A route without a duplicate guard remembers keys for an hour, in its own memory: the last
// 100 000 of accepted mail, and all of mail that is under way or unknown. When there are
// 100 000 of the latter, mail under a new key is refused. With Options.Guard, or
// provider.WithDuplicateGuard where a configuration opens the route, the guard keeps the
// keys instead, and may reach over restarts and processes: it claims a key once for the
// route, and no member claims it again.
//
// The same template id is another template at each account. With an alias, members
// without an id for it are skipped. With a literal id, failover uses its first
// member alone, and round_robin and weighted refuse the message.
//
// # Members that are in trouble
//
// In these states a member gets no mail for a time, and the others get it at once:
//
//	open          its sends fail: 30 s, then one send as a probe; longer after each that fails
//	unauthorized  it answered 401 or 403: one send a minute as a probe
//	no_credit     credit or quota is used up: 15 minutes, then one send as a probe
//	rate_limited  it asked to wait: as long as it asked
//
// A member is open after three failed sends in a row, after half of at least 10 sends
// in a minute failed, or when a check fails. The check is made before a mail, where the
// member has one: after a send of unknown outcome, and before each probe. So an outage
// costs few mails of unknown outcome, also for a program that sends ten a day.
//
// What provably was not sent waits at a member for no longer than Options.Patience while
// another member is ready for it.
//
// A member with ten running sends, the first for 3 s, and no success since then is
// stalled: the others get mail first.
//
// A refused message, a rate limit and a canceled call do not count as failures.
// States returns the states, Hooks.OnState gets each change. When no member gets
// mail, the message is not sent and the error states the time to wait. It has the reasons
// of all members: provider.Error.Members. Gaps says beforehand which members cannot take
// a message.
package route
