// Package outbox keeps mail in a database until it is sent, once. What Enqueue has stored is
// on the disk, goes out by one of any number of workers on any number of hosts, and ends in
// one State; Store.Explain says in plain words why it is there. The database is a file of
// SQLite (package lite) or PostgreSQL 15 or newer (Postgres); this package links no driver.
//
//	store, err := lite.Open("/var/lib/shop/outbox.db", lite.Options{})
//	…
//	err = store.Migrate(ctx) // once; or "postmux outbox migrate"
//	…
//	box, err := outbox.Open(ctx, store, outbox.Config{
//		Default:   "main",
//		Namespace: "shop", // of the program's idempotency keys
//		Accounts: func(ctx context.Context, account string) (*provider.Client, error) {
//			return registry.OpenAccount(ctx, cfg, account, provider.WithLimiter(limiter))
//		},
//	})
//	…
//	tx, err := store.DB().BeginTx(ctx, nil)
//	_, err = tx.ExecContext(ctx, "insert into orders …")
//	id, err := box.EnqueueTx(ctx, tx, message, nil) // there if the transaction is committed
//	err = tx.Commit()
//	…
//	err = box.Run(ctx) // the worker: here, in another process, or on another host
//
// With a configuration, ParseConfig reads provider.Config.Outbox and Settings.Config makes the
// Config of it.
//
// # Rules
//
// No program sends a message again that may have been sent, unless the provider knows its
// key: it is Unknown, the provider is asked (Settle), or a person decides (Decide). An intent
// is on the disk before each request, and the number of the attempt keeps workers out that
// were taken for dead. A call whose database was away when it committed is ErrOutcomeUnknown:
// repeat it with the same idempotency key.
//
// Run is the worker, Drain one that ends when nothing is due, Process the step of one message
// for other dispatchers (package outbox/river has jobs of River). Store.Limiter and
// Store.Guard share limits and keys between hosts, with an outbox or without.
//
// Errors are *provider.Error. Times are by the clock of the database. docs/outbox.md has the
// states, what is found after a crash, standbys that take over, backups and containers.
package outbox
