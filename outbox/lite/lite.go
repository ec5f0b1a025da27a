// Package lite opens an outbox in a file of SQLite, with a driver that needs no C. It is the
// one package of the module that links SQLite.
//
// Several processes of one host may have the file open. It must lie on a local disk: SQLite's
// locks do not work on network file systems, and the disk of a container that ends with it
// loses the outbox.
package lite

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver

	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/provider"
)

// Options are what Open may be told; the zero value is the default.
type Options struct {
	Prefix string // of the tables, as in outbox.StoreOptions
}

// readers is how many connections read at the same time; SQLite has one writer.
const readers = 8

// Open opens the file at path as the Store of an outbox, and makes it, readable by its owner
// only, if there is none. The tables are made by Store.Migrate. Close the Store's DB when it
// is no longer used. An empty path is an outbox in memory, for tests: it ends with the DB.
func Open(path string, o Options) (*outbox.Store, error) {
	db, err := openDB(path)
	if err != nil {
		return nil, err
	}
	s, err := outbox.SQLite(db, outbox.StoreOptions{Prefix: o.Prefix})
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

func openDB(path string) (*sql.DB, error) {
	settings := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(30000)", "synchronous(FULL)", "foreign_keys(OFF)",
	}}
	if path == "" {
		db, err := sql.Open("sqlite", "file::memory:?"+settings.Encode())
		if err != nil {
			return nil, fileError(path, err)
		}
		db.SetMaxOpenConns(1) // each connection would be a database of its own
		return db, nil
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	// Made here, so that only its owner reads it: it has addresses and, while they wait, mails.
	f, err := os.OpenFile(full, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fileError(path, err)
	}
	if err := f.Close(); err != nil {
		return nil, fileError(path, err)
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(full)}).EscapedPath(), RawQuery: settings.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fileError(path, err)
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	return db, nil
}

func fileError(path string, err error) error {
	return &provider.Error{
		Kind: provider.ErrConfig, Provider: "outbox", Outcome: provider.OutcomeNotSent, Field: "database",
		Message: "the file " + path + ": " + err.Error(), Err: err,
	}
}
