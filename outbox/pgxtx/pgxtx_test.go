package pgxtx_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/outbox/pgxtx"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
)

// A message and the program's own row are there together, or neither is.
func TestOf(t *testing.T) {
	address := os.Getenv("POSTMUX_TEST_DATABASE_URL")
	if address == "" {
		t.Skip("POSTMUX_TEST_DATABASE_URL is not set")
	}
	pool, err := pgxpool.New(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	schema := fmt.Sprint("pgxtx_", time.Now().UnixNano())
	_, err = pool.Exec(t.Context(), "create schema "+schema+"; create table "+schema+".orders (id text)")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := pool.Exec(context.Background(), "drop schema "+schema+" cascade")
		require.NoError(t, err)
	})
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	store, err := outbox.Postgres(db, outbox.StoreOptions{Schema: schema})
	require.NoError(t, err)
	require.NoError(t, store.Migrate(t.Context()))
	box, err := outbox.Open(t.Context(), store, outbox.Config{
		Default: "main", Namespace: "shop",
		Accounts: func(context.Context, string) (*provider.Client, error) { return memory.NewStore().Client() },
	})
	require.NoError(t, err)
	order := func(key, text string, commit bool) (string, error) {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		defer tx.Rollback(context.Background()) //nolint:errcheck // after a commit it does nothing
		m := &provider.Message{
			From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "anna@example.com"}},
			Subject: "x", Text: text, IdempotencyKey: key,
		}
		id, err := box.EnqueueIn(t.Context(), pgxtx.Of(tx), m, nil)
		_, failed := tx.Exec(t.Context(), "insert into "+schema+".orders values ($1)", key)
		require.NoError(t, failed, "the transaction goes on")
		if commit {
			require.NoError(t, tx.Commit(t.Context()))
		}
		return id, err
	}
	kept, err := order("1", "one", true)
	require.NoError(t, err)
	_, err = store.Get(t.Context(), kept)
	require.NoError(t, err)
	lost, err := order("2", "two", false)
	require.NoError(t, err)
	_, err = store.Get(t.Context(), lost)
	require.ErrorIs(t, err, provider.ErrNotFound)
	again, err := order("1", "one", true)
	require.NoError(t, err)
	assert.Equal(t, kept, again)
	_, err = order("1", "another", true)
	require.ErrorIs(t, err, provider.ErrInvalid)
	var orders int
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from "+schema+".orders").Scan(&orders))
	assert.Equal(t, 3, orders)

	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(context.Background()) //nolint:errcheck // it is read
	r, err := pgxtx.Of(tx).ExecContext(t.Context(), "delete from "+schema+".orders")
	require.NoError(t, err)
	n, err := r.RowsAffected()
	require.NoError(t, err)
	assert.EqualValues(t, 3, n)
	_, err = r.LastInsertId()
	require.ErrorIs(t, err, errors.ErrUnsupported)
}
