package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/provider"
)

// Store is the ledger in a database: messages, what became of them, and the limits and
// keys that several processes share. It does not send; Open returns a Box, which does. A
// Store is safe for concurrent use.
type Store struct {
	db    *sql.DB
	d     *dialect
	names StoreOptions
	// clock gives the time where the database has none that all its users share.
	clock func() time.Time
	texts sync.Map // statement -> rendered
}

// StoreOptions are the names of the tables, and what is known of the database.
type StoreOptions struct {
	// Prefix is before the name of each table: "postmux_" when empty.
	Prefix string
	// Schema is the schema of PostgreSQL that has the tables; when empty, the first one of
	// the search path of each connection. SQLite has none.
	Schema string
	// Warnings are what whoever opened the database knows of it; Check returns them.
	Warnings []Warning
}

// namePattern is a name that needs no quotes and folds to itself.
var namePattern = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,30}$`)

// Postgres returns the Store in a database of PostgreSQL 15 or newer, with any driver that
// reads $1 as a parameter, such as pgx or lib/pq. db stays the caller's. No request is made.
func Postgres(db *sql.DB, o StoreOptions) (*Store, error) {
	return newStore(db, postgres, o)
}

// SQLite returns the Store in a database of SQLite 3.38 or newer. db must begin its
// transactions with BEGIN IMMEDIATE, wait when another has the lock, and write with
// journal_mode WAL and synchronous FULL. Package lite opens such a database with a driver
// that needs no C; this function is for other drivers. db stays the caller's.
func SQLite(db *sql.DB, o StoreOptions) (*Store, error) {
	return newStore(db, sqlite, o)
}

// checkName returns the error of a name that is given.
func checkName(field, name string) *provider.Error {
	if name == "" || namePattern.MatchString(name) {
		return nil
	}
	return configError(field, "expected up to 31 of the characters a-z, 0-9 and _, got %q", name)
}

func newStore(db *sql.DB, d *dialect, o StoreOptions) (*Store, error) {
	if o.Prefix == "" {
		o.Prefix = "postmux_"
	}
	for _, name := range []struct{ field, value string }{{"prefix", o.Prefix}, {"schema", o.Schema}} {
		if err := checkName(name.field, name.value); err != nil {
			return nil, err
		}
	}
	if o.Schema != "" && !d.schemas {
		return nil, configError("schema", "%s has no schemas; leave it empty", d.name)
	}
	return &Store{db: db, d: d, names: o, clock: time.Now}, nil
}

// DB returns the database of the Store, for transactions of the program's own.
func (s *Store) DB() *sql.DB { return s.db }

// dialect is what the two databases write differently.
type dialect struct {
	name    string // as in errors
	folder  string // of its migrations
	schemas bool
	// now is the time in microseconds by the clock of the database; empty where the
	// host's clock is that of all users, and is passed as a parameter.
	now string
	// param is the n-th parameter, from 1.
	param func(n int) string
	// rows is a table made of a JSON text: an expression for FROM.
	rows func(param string, columns []column) string
	// locked follows a SELECT of the rows that the statement changes.
	locked string
	// forUpdate is the same, and waits for rows that another changes.
	forUpdate string
	// listed is a condition that each row of a JSON text has the id m.id. It says nothing
	// new where rows are joined by id; PostgreSQL scans the table without it, since it
	// guesses that a JSON text has many rows.
	listed func(param string) string
	// sameServer is a condition: the server is the one that wrote everything so far, and
	// no standby that took over and may lack the last of it.
	sameServer string
	// hasty ends the SET of an UPDATE that a crash of the server may undo: its commit does not
	// wait for the disk.
	hasty string
	// writers is how many transactions of a worker store changes at the same time.
	writers int
	// unindexed is before a column whose index is not used.
	unindexed string
	// idType is the type of ids.
	idType string
	// timeline is an expression for what changes when a standby takes over.
	timeline string
}

// is reports whether d speaks to the same database as other. Tests change copies.
func (d *dialect) is(other *dialect) bool { return d.name == other.name }

// column is a column of a table made of JSON.
type column struct{ name, kind string }

var postgres = &dialect{
	name: "PostgreSQL", folder: "postgres", schemas: true,
	// A select of its own is read once a statement, so that an index on a time can be used.
	now:    "(select (extract(epoch from clock_timestamp()) * 1000000)::bigint)",
	param:  func(n int) string { return "$" + strconv.Itoa(n) },
	locked: " for update skip locked", forUpdate: " for update",
	// The name of the file of the log begins with the timeline. Unlike pg_control_checkpoint
	// it is right from the first statement after a promotion on.
	writers: 3,
	idType:  "uuid", timeline: postgresTimeline,
	sameServer: "exists (select 1 from {fact} f where f.name = 'timeline' and f.value = " + postgresTimeline + ")",
	hasty:      " from (select set_config('synchronous_commit', 'off', true)) as hasty",
	listed: func(param string) string {
		return "m.id = any(array(select (v->>'id')::uuid from json_array_elements(" + param + "::json) v))"
	},
	rows: func(param string, columns []column) string {
		list, names := make([]string, len(columns)), make([]string, len(columns))
		for i, c := range columns {
			list[i], names[i] = c.name+" "+postgresTypes[c.kind], "x."+c.name+" as r_"+c.name
		}
		return "(select " + strings.Join(names, ", ") + " from json_to_recordset(" + param + "::json) as x(" +
			strings.Join(list, ", ") + ")) as r"
	},
}

const postgresTimeline = "(select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))"

var postgresTypes = map[string]string{"id": "uuid", "int": "bigint", "text": "text", "bool": "boolean"}

var sqlite = &dialect{
	name: "SQLite", folder: "sqlite",
	param:  func(n int) string { return "?" + strconv.Itoa(n) },
	listed: func(string) string { return "true" },
	// A file has one server.
	writers: 1, unindexed: "+", idType: "text", timeline: "'file'", sameServer: "true",
	rows: func(param string, columns []column) string {
		list := make([]string, len(columns))
		for i, c := range columns {
			list[i] = "value->>'$." + c.name + "' as r_" + c.name
		}
		return "(select " + strings.Join(list, ", ") + " from json_each(" + param + ")) as r"
	},
}

// placeholder is what statements have in braces:
//
//	{message}                     a table
//	{i:message_due}               an index
//	{1}                           a parameter
//	{id}                          the type of ids
//	{now}                         the time in microseconds
//	{rows 1: id id, attempt int}  the table r made of a JSON text; its columns are r_id, r_attempt
//	{unindexed m.worker}          a column whose index is no help: the rows are found by id
//	{listed 1}                    m.id is one of the ids of the JSON text
//	{timeline}                    no standby has taken over from the server of the Store
//	{locked}                      the end of a SELECT whose rows are changed
//	{hasty}                       the end of a SET that a crash may undo
var placeholder = regexp.MustCompile(`\{([^{}]+)\}`)

// statement is a rendered one.
type statement struct {
	text string
	now  int // the number of the parameter that is the time, 0 for none
}

// render writes a statement in the Store's dialect, with args parameters.
func (s *Store) render(text string, args int) statement {
	if v, ok := s.texts.Load(text); ok {
		return v.(statement)
	}
	var out statement
	out.text = placeholder.ReplaceAllStringFunc(text, func(m string) string {
		word := m[1 : len(m)-1]
		name, rest, _ := strings.Cut(word, " ")
		switch {
		case word == "now" && s.d.now != "":
			return s.d.now
		case word == "now":
			out.now = args + 1
			return s.d.param(args + 1)
		case word == "locked":
			return s.d.locked
		case word == "id":
			return s.d.idType
		case word == "hasty":
			return s.d.hasty
		case word == "timeline":
			return s.render(s.d.sameServer, 0).text
		case name == "rows":
			n, columns, _ := strings.Cut(rest, ":")
			return s.d.rows(s.d.param(number(n)), columnsOf(columns))
		case name == "unindexed":
			return s.d.unindexed + rest
		case name == "listed":
			return s.d.listed(s.d.param(number(rest)))
		case word[0] >= '0' && word[0] <= '9':
			return s.d.param(number(word))
		case strings.HasPrefix(word, "i:"):
			return s.names.Prefix + word[2:]
		}
		return s.table(word)
	})
	s.texts.Store(text, out)
	return out
}

func number(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		panic("outbox: a statement has the parameter " + text) // a bug of this package
	}
	return n
}

func columnsOf(text string) []column {
	var out []column
	for one := range strings.SplitSeq(text, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(one), " ")
		out = append(out, column{name, strings.TrimSpace(kind)})
	}
	return out
}

// table returns the name of a table.
func (s *Store) table(name string) string {
	if s.names.Schema != "" {
		return s.names.Schema + "." + s.names.Prefix + name
	}
	return s.names.Prefix + name
}

// Execer runs statements in a transaction of the program: a *sql.Tx, or what package
// pgxtx makes of a pgx.Tx.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (Rows, error)
}

// Rows are the rows of a query, as *sql.Rows are.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// runner is what *sql.DB and *sql.Tx have in common.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// sqlExecer is a runner as an Execer.
type sqlExecer struct{ runner }

// QueryContext implements Execer.
func (x sqlExecer) QueryContext(ctx context.Context, query string, args ...any) (Rows, error) {
	rows, err := x.runner.QueryContext(ctx, query, args...) //nolint:rowserrcheck,sqlclosecheck // the caller does
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (s *Store) args(q statement, args []any) []any {
	if q.now == 0 {
		return args
	}
	return append(slices.Clip(args), s.clock().UnixMicro())
}

// exec runs a statement and returns the number of rows that it changed.
func (s *Store) exec(ctx context.Context, x Execer, text string, args ...any) (int64, error) {
	q := s.render(text, len(args))
	done, err := x.ExecContext(ctx, q.text, s.args(q, args)...)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// query runs a statement and calls each for every row.
func (s *Store) query(
	ctx context.Context, x Execer, text string, args []any, each func(scan func(...any) error) error,
) error {
	q := s.render(text, len(args))
	rows, err := x.QueryContext(ctx, q.text, s.args(q, args)...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			_ = rows.Close()
			return err
		}
	}
	if err := rows.Err(); err != nil {
		_ = rows.Close()
		return err
	}
	return rows.Close()
}

// one runs a query for at most one row and reports whether there was one.
func (s *Store) one(ctx context.Context, x Execer, text string, args []any, dest ...any) (bool, error) {
	found := false
	err := s.query(ctx, x, text, args, func(scan func(...any) error) error {
		found = true
		return scan(dest...)
	})
	return found, err
}

// own is the database itself, a transaction for each statement.
func (s *Store) own() Execer { return sqlExecer{s.db} }

// in runs f in a transaction. What f returns as an error rolls it back.
func (s *Store) in(ctx context.Context, f func(Execer) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := f(sqlExecer{tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &commitError{err}
	}
	return nil
}

// commitError is a commit without an answer: what it was to store may be stored.
type commitError struct{ err error }

func (e *commitError) Error() string { return "commit: " + e.err.Error() }
func (e *commitError) Unwrap() error { return e.err }

// jsonText is v as the text of a parameter. PostgreSQL has no character 0 in a text.
func jsonText(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return strings.ReplaceAll(string(data), `\u0000`, `\ufffd`), nil
}

// storeError is the error of a statement: the database is away, or does not do it.
func (s *Store) storeError(what string, err error) *provider.Error {
	if e, ok := asProviderError(err); ok {
		return e
	}
	// A disk without room for the commit is an answer: SQLite has not committed.
	if _, ok := errors.AsType[*commitError](err); ok && !strings.Contains(err.Error(), diskFull) {
		return &provider.Error{
			Kind: provider.ErrOutcomeUnknown, Provider: driverName, Outcome: provider.OutcomeMaybeSent,
			Message: what + ": " + err.Error() + "; the database may have stored it, or may not; with an idempotency " +
				"key the call may be repeated", Err: err,
		}
	}
	if isContextError(err) {
		return &provider.Error{
			Kind: provider.ErrCanceled, Provider: driverName, Outcome: provider.OutcomeNotSent,
			Message: what + ": " + err.Error(), Err: err,
		}
	}
	return &provider.Error{
		Kind: provider.ErrUnavailable, Provider: driverName, Outcome: provider.OutcomeNotSent,
		Message: what + ": " + err.Error() + s.hint(err), Err: err,
	}
}

// diskFull is how SQLite says that there is no room.
const diskFull = "disk is full"

// hints name what to do about errors of databases, by a part of their text.
var hints = map[string]string{
	"readonly database":     "; the file or its folder cannot be written by this user",
	"read-only transaction": "; this server is a standby or read-only: connect to the primary",
	"not a database":        "; it is no file of SQLite: another name, or another file, is wanted",
	"no such table":         "; make the tables: postmux outbox migrate, or Store.Migrate",
	"42P01":                 "; make the tables: postmux outbox migrate, or Store.Migrate",
	diskFull:                "; nothing of it was stored",
}

func (s *Store) hint(err error) string {
	text := err.Error()
	for _, part := range slices.Sorted(maps.Keys(hints)) {
		if strings.Contains(text, part) {
			return hints[part]
		}
	}
	return ""
}

// driverName is the Provider of this package's errors.
const driverName = "outbox"

func configError(field, format string, args ...any) *provider.Error {
	return &provider.Error{
		Kind: provider.ErrConfig, Provider: driverName, Outcome: provider.OutcomeNotSent, Field: field,
		Message: fmt.Sprintf(format, args...),
	}
}
