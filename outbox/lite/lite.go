// Package lite opens an outbox in a file of SQLite, with a driver that needs no C. It is the
// one package of the module that links SQLite.
//
// Several processes of one host may have the file open. It must lie on a local disk: SQLite's
// locks do not work on network file systems, and the disk of a container that ends with it
// loses the outbox.
package lite

import (
	"database/sql"
	"fmt"
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
	s, err := outbox.SQLite(db, outbox.StoreOptions{Prefix: o.Prefix, Warnings: diskWarnings(path)})
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

// FromSettings opens the file that the settings of a configuration name, as Open does.
func FromSettings(s outbox.Settings) (*outbox.Store, error) {
	place, err := s.Place()
	switch {
	case err != nil:
		return nil, err
	case place.File == "":
		return nil, configError("outbox.database", "it is a URL of PostgreSQL, and this program opens files of SQLite only: "+
			"give file:PATH, or open it by outbox.Postgres")
	case s.Schema != "":
		return nil, configError("outbox.schema", "SQLite has no schemas; leave it out")
	}
	return Open(place.File, Options{Prefix: s.Prefix})
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
	e := configError("database", "%s", "the file "+path+": "+err.Error())
	e.Err = err
	return e
}

func configError(field, format string, args ...any) *provider.Error {
	return &provider.Error{
		Kind: provider.ErrConfig, Provider: "outbox", Outcome: provider.OutcomeNotSent, Field: field,
		Message: fmt.Sprintf(format, args...),
	}
}

// disk is what is known of a kind of file system by the number that Linux has for it.
type disk struct {
	name string
	why  string
}

const (
	inMemory = "the file of the outbox lies in memory (%s): a restart of the machine or the container loses the mails that wait, " +
		"and what became of the others; put it on a disk"
	ofContainer = "the file of the outbox lies on the layer of a container (%s), which ends with the container: the mails that wait " +
		"are lost then, and what became of the others; put it on a volume"
	onNetwork = "the file of the outbox lies on another machine (%s): SQLite's locks do not hold there, and two processes " +
		"can break it; put it on a local disk, or use PostgreSQL"
)

var disks = map[uint32]disk{
	0x01021994: {"tmpfs", inMemory}, 0x858458f6: {"ramfs", inMemory},
	0x794c7630: {"overlay", ofContainer}, 0x61756673: {"aufs", ofContainer},
	0x6969: {"NFS", onNetwork}, 0xff534d42: {"CIFS", onNetwork}, 0xfe534d42: {"SMB", onNetwork}, 0x517b: {"SMB", onNetwork},
	0x5346414f: {"AFS", onNetwork}, 0x00c36400: {"Ceph", onNetwork},
}

// diskWarnings says when the file lies where it does not last, or where SQLite does not work.
func diskWarnings(path string) []outbox.Warning {
	if path == "" {
		return nil // in memory on purpose
	}
	kind, ok := fileSystem(path)
	if d, known := disks[kind]; ok && known {
		return []outbox.Warning{{Name: "database", Why: fmt.Sprintf(d.why, d.name)}}
	}
	return nil
}
