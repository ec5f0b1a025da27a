package outbox

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"
)

//go:embed schema
var schemaFiles embed.FS

// Migrations returns the statements that make the tables, a file for each version, in the
// Store's dialect and with its names: 0001_outbox.sql. They are for programs that keep
// their migrations themselves; each ends by noting its version. They only go forward.
func (s *Store) Migrations() fs.FS {
	out := fstest.MapFS{}
	for _, m := range s.migrations() {
		out[m.name] = &fstest.MapFile{Data: []byte(m.text), Mode: 0o444}
	}
	return out
}

// migration is one version of the schema.
type migration struct {
	version int
	name    string
	text    string
}

func (s *Store) migrations() []migration {
	folder := path.Join("schema", s.d.folder)
	entries, err := fs.ReadDir(schemaFiles, folder)
	if err != nil {
		panic(err) // the files are part of the program
	}
	out := make([]migration, len(entries))
	for i, e := range entries {
		data, err := fs.ReadFile(schemaFiles, path.Join(folder, e.Name()))
		if err != nil {
			panic(err)
		}
		digits, _, _ := strings.Cut(e.Name(), "_")
		version, err := strconv.Atoi(digits)
		if err != nil || version != i+1 {
			panic("outbox: the migration " + e.Name() + " has no number, or not the next one")
		}
		text := string(bytes.TrimSpace(data)) + "\n"
		if version == 1 {
			text = "create table if not exists {schema} (version integer not null primary key);\n" + text
		}
		text += fmt.Sprintf("insert into {schema} (version) values (%d);\n", version)
		out[i] = migration{version, e.Name(), s.render(text, 0).text}
	}
	return out
}

// Migrate brings the tables to the version of this package. It does nothing when they have
// it, and returns an error when they are of a newer version. Workers of the version before
// may go on meanwhile. Only one process migrates at a time; others wait.
func (s *Store) Migrate(ctx context.Context) error {
	if s.d.is(sqlite) && ctx.Err() == nil {
		// In a transaction it would have no effect.
		if _, err := s.db.ExecContext(ctx, "pragma journal_mode = wal"); err != nil {
			return s.storeError("migrate", err)
		}
	}
	err := s.in(ctx, func(x Execer) error {
		if s.d.is(postgres) {
			// The number stands for these tables, whatever else uses advisory locks.
			if _, err := s.exec(ctx, x, "select pg_advisory_xact_lock(hashtext({1}))", s.table("schema")); err != nil {
				return err
			}
		}
		version, err := s.version(ctx, x)
		if err != nil {
			return err
		}
		list := s.migrations()
		if version > len(list) {
			return s.wrongVersion(version)
		}
		for _, m := range list[version:] {
			for _, one := range splitStatements(m.text) {
				if _, err := x.ExecContext(ctx, one); err != nil {
					return fmt.Errorf("%s: %w", m.name, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return s.storeError("migrate", err)
	}
	return nil
}

// splitStatements divides a migration: some drivers take one statement a call. No string
// and no comment of a migration has a semicolon.
func splitStatements(text string) []string {
	var out []string
	for one := range strings.SplitSeq(text, ";\n") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

// version returns the version of the tables, 0 when there are none.
func (s *Store) version(ctx context.Context, x Execer) (int, error) {
	var there bool
	var err error
	if s.d.is(postgres) {
		_, err = s.one(ctx, x, "select to_regclass({1}) is not null", []any{s.table("schema")}, &there)
	} else {
		_, err = s.one(ctx, x, "select exists (select 1 from sqlite_master where type = 'table' and name = {1})",
			[]any{s.table("schema")}, &there)
	}
	if err != nil || !there {
		return 0, err
	}
	var version int
	_, err = s.one(ctx, x, "select coalesce(max(version), 0) from {schema}", nil, &version)
	return version, err
}

func (s *Store) wrongVersion(version int) error {
	own := len(s.migrations())
	switch {
	case version == 0:
		return configError("database", "it has no tables of an outbox with the prefix %q; make them: "+
			"postmux outbox migrate, or Store.Migrate", s.names.Prefix)
	case version < own:
		return configError("database", "its tables have version %d, this program needs %d; bring them there: "+
			"postmux outbox migrate, or Store.Migrate", version, own)
	}
	return configError("database", "its tables have version %d, this program knows versions up to %d; "+
		"use a newer postmux: tables never go back", version, own)
}

// Warning is something about a database that Open found and that a person should know: mail
// may be lost or wait in a case that Why names.
type Warning struct{ Name, Why string }

// Check returns an error when the tables do not have this package's version or the database
// does not keep what it has confirmed, and what else a person should know. Open calls it.
func (s *Store) Check(ctx context.Context) ([]Warning, error) {
	version, err := s.version(ctx, s.own())
	if err != nil {
		return nil, s.storeError("check of the database", err)
	}
	if version != len(s.migrations()) {
		return nil, s.wrongVersion(version)
	}
	warnings, err := s.durable(ctx)
	if err != nil {
		return nil, s.storeError("check of the database", err)
	}
	return append(slices.Clip(s.names.Warnings), warnings...), nil
}

// setting is a setting of a database that decides what survives.
type setting struct {
	query string
	bad   []string // values at which something confirmed can be lost
	name  string
	why   string
	fatal bool
}

var postgresSettings = []setting{
	{
		query: "select current_setting('synchronous_commit')", bad: []string{"off"}, name: "synchronous_commit", fatal: true,
		why: "a crash of the server would lose what it has confirmed, and a lost intent is a second mail; set it to on",
	},
	{
		query: "select current_setting('fsync')", bad: []string{"off"}, name: "fsync",
		why: "a crash of the machine can lose or break what was confirmed",
	},
	{
		query: "select case when current_setting('synchronous_standby_names') = '' and " +
			"exists (select 1 from pg_stat_replication) then 'none' else 'ok' end",
		bad: []string{"none"}, name: "synchronous_standby_names",
		why: "a standby follows, and none is named as synchronous: a promotion loses what it has not received",
	},
}

var sqliteSettings = []setting{
	{
		query: "select synchronous from pragma_synchronous", bad: []string{"0", "1"}, name: "synchronous", fatal: true,
		why: "a crash of the machine would lose what was confirmed, and a lost intent is a second mail; set it to FULL",
	},
	{
		query: "select query_only from pragma_query_only", bad: []string{"1"}, name: "query_only", fatal: true,
		why: "the connection only reads",
	},
}

func (s *Store) durable(ctx context.Context) ([]Warning, error) {
	list := sqliteSettings
	if s.d.is(postgres) {
		list = postgresSettings
	}
	var warnings []Warning
	for _, c := range list {
		var value string
		if _, err := s.one(ctx, s.own(), c.query, nil, &value); err != nil {
			return nil, err
		}
		switch {
		case !slices.Contains(c.bad, value):
		case c.fatal:
			return nil, configError("database", "its setting %s is %s: %s", c.name, value, c.why)
		default:
			warnings = append(warnings, Warning{c.name, c.why})
		}
	}
	return warnings, nil
}
