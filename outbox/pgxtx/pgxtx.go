// Package pgxtx lets a transaction of pgx enqueue: the message is stored when the program's
// own rows are.
//
//	id, err := box.EnqueueIn(ctx, pgxtx.Of(tx), message, nil)
package pgxtx

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/postmux/postmux/outbox"
)

// Of returns the transaction for Box.EnqueueIn. It is of the database of the Box, and stays
// the caller's, who commits it.
func Of(tx pgx.Tx) outbox.Execer { return execer{tx} }

type execer struct{ tx pgx.Tx }

// ExecContext implements outbox.Execer.
func (x execer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	tag, err := x.tx.Exec(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return result(tag.RowsAffected()), nil
}

// QueryContext implements outbox.Execer.
func (x execer) QueryContext(ctx context.Context, query string, args ...any) (outbox.Rows, error) {
	r, err := x.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return rows{r}, nil
}

// result is the number of rows of a statement.
type result int64

// RowsAffected implements sql.Result.
func (r result) RowsAffected() (int64, error) { return int64(r), nil }

// LastInsertId implements sql.Result.
func (result) LastInsertId() (int64, error) { return 0, errors.ErrUnsupported }

// rows are those of pgx, whose Close has no error of its own.
type rows struct{ pgx.Rows }

// Close implements outbox.Rows.
func (r rows) Close() error {
	r.Rows.Close()
	return r.Err()
}
