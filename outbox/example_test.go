package outbox_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/outbox/lite"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

// dropTables takes tables of PostgreSQL away.
func dropTables(t *testing.T, url, prefix string) {
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer func() { assert.NoError(t, db.Close()) }()
	for _, name := range []string{"message", "body", "key", "settled", "worker", "account", "limit", "guard", "fact", "schema"} {
		_, err := db.Exec("drop table if exists " + prefix + name)
		require.NoError(t, err)
	}
}

// memory opens accounts that keep what they send in memory, in the place of providers.
func memory(_ context.Context, _ string) (*provider.Client, error) {
	store, err := all.Memory("brevo")
	if err != nil {
		return nil, err
	}
	return store.Client()
}

// message is an order's mail.
func message() *provider.Message {
	return &provider.Message{
		From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "anna@example.com"}},
		Subject: "Your order", HTML: "<p>Thank you.</p>",
	}
}

// example returns an outbox in memory.
func example(ctx context.Context) *outbox.Box {
	store, err := lite.Open("", lite.Options{}) // a path keeps it on the disk
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	box, err := outbox.Open(ctx, store, outbox.Config{Default: "main", Namespace: "shop", Accounts: memory})
	if err != nil {
		log.Fatal(err)
	}
	return box
}

func ExampleOpen() {
	ctx := context.Background()
	store, err := lite.Open("", lite.Options{}) // a path keeps it on the disk
	if err != nil {
		log.Fatal(err)
	}
	defer store.DB().Close()
	if err := store.Migrate(ctx); err != nil { // once, or by "postmux outbox migrate"
		log.Fatal(err)
	}
	box, err := outbox.Open(ctx, store, outbox.Config{Default: "main", Namespace: "shop", Accounts: memory})
	if err != nil {
		log.Fatal(err)
	}
	for _, w := range box.Warnings {
		fmt.Println("a person should know:", w.Why)
	}
	// Output:
}

func ExamplePostgres() {
	url := os.Getenv("POSTMUX_TEST_DATABASE_URL")
	db, err := sql.Open("pgx", url) // the driver is the program's choice
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := outbox.Postgres(db, outbox.StoreOptions{Prefix: "shop_"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.DB() == db)
	// Output: true
}

func ExampleBox_Enqueue() {
	ctx := context.Background()
	box := example(ctx)
	m := message()
	m.IdempotencyKey = "order-4711"
	first, err := box.Enqueue(ctx, m, nil)
	if err != nil {
		log.Fatal(err)
	}
	again, err := box.Enqueue(ctx, m, nil) // as after an answer that was lost
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first == again)
	// Output: true
}

func ExampleBox_EnqueueTx() {
	ctx := context.Background()
	box := example(ctx)
	tx, err := box.Store().DB().BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, "create table orders (id text)"); err != nil {
		log.Fatal(err)
	}
	id, err := box.EnqueueTx(ctx, tx, message(), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil { // the row and the mail are there, or neither is
		log.Fatal(err)
	}
	e, err := box.Store().Get(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.State, e.Recipient)
	// Output: queued anna@example.com
}

func ExampleBox_Process() {
	ctx := context.Background()
	box := example(ctx)
	id, err := box.Enqueue(ctx, message(), nil)
	if err != nil {
		log.Fatal(err)
	}
	e, err := box.Process(ctx, id) // what a job of another queue calls
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.State)
	e, err = box.Process(ctx, id) // a job that runs twice sends nothing twice
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.State, e.Attempt)
	if err := box.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// accepted
	// accepted 1
}

func ExampleBox_Run() {
	ctx, stop := context.WithCancel(context.Background()) // signal.NotifyContext in a service
	defer stop()
	store, err := lite.Open("", lite.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	box, err := outbox.Open(ctx, store, outbox.Config{
		Default: "main", Accounts: memory,
		Hooks: outbox.Hooks{OnState: func(_ context.Context, _ string, to outbox.State) {
			fmt.Println(to)
			stop() // it takes no more, waits for the calls under way and stores their results
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := box.Enqueue(ctx, message(), nil); err != nil {
		log.Fatal(err)
	}
	if err := box.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: accepted
}

func ExampleBox_Drain() {
	ctx := context.Background()
	box := example(ctx)
	id, err := box.Enqueue(ctx, message(), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := box.Drain(ctx); err != nil {
		log.Fatal(err)
	}
	x, err := box.Store().Explain(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(x.Message.State, "-", x.Next)
	// Output: accepted - nothing
}
