// Package provider is the portable face of mail and contacts: the types, the
// interfaces that adapters implement, and Client, the one front that a program
// uses.
//
//	cfg, err := provider.ParseConfig(configJSON)
//	client, err := all.Open(ctx, cfg)
//	receipt, err := client.Send(ctx, &provider.Message{
//		To:      []provider.Address{{Email: "anna@example.com"}},
//		Subject: "Hello", HTML: "<p>Hello</p>",
//	})
//
// # Rules
//
// Nothing is lost in silence. A field that a provider cannot express is an
// error that matches errors.ErrUnsupported, before any request, unless the
// account's Policy says to drop or emulate it; then the receipt's notes tell.
//
// A send ends accepted, refused or unknown. Error.Outcome says which. Nothing is
// sent again that may have gone out.
//
// Unsubscribed, bounced, complained and blocked are final: no upsert and no
// import brings an address back.
//
// Clients are cheap, share connections and are safe for concurrent use.
// Opening one never touches the network.
//
// # Where things are
//
//	message.go validate.go needs.go     a mail, its check, the features it uses
//	email.go headers.go identifier.go   what an address, a header, an id may be
//	receipt.go state.go                 what became of it
//	settle.go trace.go guard.go         unknown outcomes, keys where the provider has none
//	contact.go                          contacts, lists, consent
//	batch.go import.go flow.go          many messages, many contacts
//	client.go client_send.go …          the front
//	features.go                         features, capabilities, policy
//	errors.go                           the error type and its kinds
//	config.go registry.go               configuration, drivers, Open
//	hooks.go                            observation, log/slog
//
// The package imports the standard library only.
package provider
