// Command events receives webhooks into a database: each event once, whatever the provider
// repeats, and who must not be mailed any more.
//
//	WEBHOOK_SECRET=… go run . -listen 127.0.0.1:8099 -db events.db
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	_ "modernc.org/sqlite"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// The unique key over account and id is what makes an event count once.
const schema = `
CREATE TABLE IF NOT EXISTS event (
	account   TEXT NOT NULL,
	id        TEXT NOT NULL,
	kind      TEXT NOT NULL,
	at        TEXT,
	recipient TEXT,
	message   TEXT,
	whole     TEXT NOT NULL,
	PRIMARY KEY (account, id)
);
CREATE TABLE IF NOT EXISTS suppression (
	email  TEXT NOT NULL,
	scope  TEXT NOT NULL,
	reason TEXT NOT NULL,
	times  INTEGER NOT NULL,
	PRIMARY KEY (email, scope)
);`

// open opens the database and makes its tables.
func open(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer
	if _, err := db.Exec(schema); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// keep is the sink: all events of a call in one transaction. An event that is there already
// has no effect a second time. An error rolls all of them back, and the provider sends them
// again.
func keep(db *sql.DB) events.Sink {
	return func(ctx context.Context, list []events.Event) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
		for _, e := range list {
			if err := keepOne(ctx, tx, &e); err != nil {
				return fmt.Errorf("event %s: %w", e.ID, err)
			}
		}
		return tx.Commit()
	}
}

func keepOne(ctx context.Context, tx *sql.Tx, e *events.Event) error {
	whole, err := json.Marshal(e)
	if err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx,
		`INSERT INTO event (account, id, kind, at, recipient, message, whole) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		e.Account, e.ID, string(e.Kind), e.At.Format(time.RFC3339Nano), e.Recipient, e.MessageID, string(whole))
	if err != nil {
		return err
	}
	if fresh, err := done.RowsAffected(); err != nil || fresh == 0 {
		return err
	}
	// From here on what is done is done once for the event.
	s, stops := e.Suppression()
	if !stops {
		return nil
	}
	email, err := provider.EmailKey(s.Email)
	if err != nil {
		email = s.Email // the provider took it, so it is kept as it is
	}
	_, err = tx.ExecContext(ctx,
		`INSERT INTO suppression (email, scope, reason, times) VALUES (?, ?, ?, 1)
		 ON CONFLICT (email, scope) DO UPDATE SET times = times + 1`,
		email, string(s.Scope), string(s.Reason))
	return err
}

// handler receives the webhooks of an account called main at Brevo.
func handler(db *sql.DB, secret provider.Secret) (http.Handler, error) {
	return events.Handler(keep(db), events.At("/main", brevo.Receiver(secret)))
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:8099", "address to listen on")
	path := flag.String("db", "events.db", "file of the database")
	flag.Parse()
	db, err := open(*path)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing is open in it
	h, err := handler(db, provider.NewSecret(os.Getenv("WEBHOOK_SECRET")))
	if err != nil {
		return err
	}
	server := &http.Server{Addr: *listen, Handler: h, ReadTimeout: 30 * time.Second}
	return server.ListenAndServe()
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
