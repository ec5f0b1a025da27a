// Package route sends through several accounts as if they were one.
//
//	failover     the first member that can; the next one when it provably did not send
//	round_robin  the members in turn
//	weighted     the members in turn, by weight
//	rules        a member by the recipients' domain or by a tag of the message
//
// A route is a *provider.Client whose members are *provider.Clients, accounts or
// routes again. Each keeps its own sender, aliases, policy and capabilities.
// Contacts are not routed: ask a member.
//
// # Never twice
//
// The next member is tried only on proof that nothing went out: the error is a
// *provider.Error whose Outcome is NotSent and whose Elsewhere is true, and no
// recipient was accepted. A message that may have been sent stays with its
// member, as does every repeat under its idempotency key for an hour in this
// process: there it is sent to nobody else, and ends accepted or unknown. A
// repeat waits while a send under the same key is under way.
//
// A template id means another template at each account. With an alias, members
// without an id for it are passed over. With a literal id a failover uses its
// first member alone, and round_robin and weighted refuse the message.
//
// # Members that are in trouble
//
// A member gets no mail for a while, and the others get it at once, when
//
//	open          half of at least 10 sends within a minute failed on its side: 30 s, then one send as a probe
//	unauthorized  it answered 401 or 403: one send a minute as a probe
//	no_credit     credit or quota is used up: 15 minutes, then one send as a probe
//	rate_limited  it asked to wait: as long as it asked
//
// A member with ten sends under way, the first for 3 s, and no success since is
// stalled: the others get mail first, before it is known how those sends end.
//
// A refused message, a rate limit and the caller's cancelation never count as
// its failure. States tells the states, Hooks.OnState each change. When all
// members are out, the message is not sent and the error tells how long to wait.
package route
