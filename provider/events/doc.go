// Package events reports what became of mail and of subscriptions. An Event has one form
// for all providers, and the same ID whether it comes by a webhook or from a log, and
// however often it comes.
//
// # Functions first
//
// Each adapter has functions that read the body of a webhook, and need no account and no
// HTTP: brevo.ParseEvents, pakat.ParseEvents, pakat.ParseV3Events,
// sendpulse.ParseBulkEvents, sendpulse.ParseSMTPEvents. SMS.by pushes nothing. [Verify] says
// whether a request brings a secret.
//
// # Receiving
//
// [Handler] is an http.Handler on top of them:
//
//	h, err := events.Handler(store, events.At("/main", brevo.Receiver(secret)))
//	mux.Handle("/webhooks/", http.StripPrefix("/webhooks", h))
//
// or for all accounts of a configuration, without any API key:
//
//	accounts, err := events.FromConfig(all.Registry(), cfg)
//	h, err := events.Handler(store, accounts)
//
// # At least once
//
// Providers repeat events and send them in any order. The promise of this package is at
// least once: what the [Sink] has not taken comes again. An effect that must happen once
// needs a unique key over account and ID in the program's own transaction; docs/events.md
// has an example. An account that gets a new name gets its recent events again, because the
// key has the name.
package events
