// Package provider defines the portable API for mail and contacts: the types, the
// Client that programs call, and the interfaces that adapters implement.
// docs/glossary.md explains the terms.
//
//	client, err := brevo.New(key, provider.WithFrom(provider.Address{Email: "shop@example.com"}))
//	receipt, err := client.Send(ctx, &provider.Message{
//		To:      []provider.Address{{Email: "anna@example.com"}},
//		Subject: "Hello", HTML: "<p>Hello</p>",
//	})
//
// A program that chooses its provider by a configuration uses [ParseConfig] and
// package all instead of the package of one provider.
//
// # Send
//
// [Client.Send] sends a [Message] and returns a [Receipt]. A send is accepted, refused
// or unknown: [Receipt.State] and [Error.Outcome] report it, and a mail that may have
// been sent is never sent again. [Client.Status] looks a mail up, [Client.Cancel]
// withdraws a scheduled one, [Client.Settle] looks up a mail whose outcome is unknown.
// [WithDuplicateGuard] makes repeats under a key harmless at every provider.
//
// Nothing is lost in silence. A field that a provider cannot express is an error
// that matches errors.ErrUnsupported, before any request, unless the account's
// [Policy] allows to drop or emulate it; [Receipt.Notes] then name the field and the
// action.
//
// # Many
//
// [Client.SendBatch] sends any number of messages in few requests,
// [Client.ImportContacts] stores any number of contacts. Both read their input in
// parts and deliver a result for each item in order.
//
// # Contacts
//
// [Client.UpsertContact], [Client.GetContact], [Client.AllContacts],
// [Client.Unsubscribe] and the methods next to them keep contacts, lists and
// suppressions. Unsubscribed, bounced, complained and blocked are final: no upsert
// and no import brings an address back, only [Client.Resubscribe] does.
//
// # Errors
//
// Every error of a Client is an *[Error]. errors.Is finds its [Kind]
// (ErrRateLimited, ErrNotFound …); errors.As gives Outcome, HTTP status, the
// provider's code and the wrong field. [Error.Retryable] and [RetryAfter] report
// whether and when the same call may succeed.
//
// # Configuration
//
// A [Config] names accounts; a [Registry] opens them. [AccountSettings] are the
// settings that every account may have. Opening an account never touches the
// network. Clients are cheap, share connections and are safe for concurrent use. They
// keep the vendor's limits of calls, within a process or, by [WithLimiter], for all
// hosts of a program.
//
// # Writing an adapter
//
// Adapters implement [Adapter] and the optional interfaces in adapter.go; [DriverOf]
// declares a provider's settings and opens its accounts. [Message.Accepted],
// [Message.Receipt], [Invalid] and [Unsupported] make receipts and errors. Package
// providertest is the conformance suite; docs/adding-a-provider.md lists the steps.
package provider
