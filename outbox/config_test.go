package outbox

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

// All settings are read, with references followed.
func TestParseConfig(t *testing.T) {
	t.Setenv("SENDERS", "4")
	s, err := ParseConfig([]byte(`{"database":"env:DATABASE_URL","prefix":"mail_","schema":"app","senders":"env:SENDERS",
		"batch":["main"],"lease":"10s","stop_within":"1m","give_up":"2d","limits":"refuse","retention":{"accepted":"1d12h","failed":"60d","keys":"1h"}}`))
	require.NoError(t, err)
	assert.Equal(t, "env:DATABASE_URL", s.Database.Reveal())
	assert.NotContains(t, fmt.Sprintf("%+v", s), "DATABASE_URL")
	s.Database = provider.Secret{}
	assert.Equal(t, Settings{
		Prefix: "mail_", Schema: "app", Senders: 4, Batch: []string{"main"}, Lease: 10 * time.Second, StopWithin: time.Minute,
		GiveUp: 2 * day, Limits: "refuse", Retention: Retention{Accepted: 36 * time.Hour, Failed: 60 * day, Keys: time.Hour},
	}, s)
}

// All that is wrong is told at once, with its place, and nothing of a URL.
func TestParseConfigProblems(t *testing.T) {
	for _, row := range []struct {
		name, text string
		says       []string
	}{
		{name: "nothing", says: []string{"outbox: missing: the configuration has no settings of an outbox"}},
		{name: "no object", text: `"file:outbox.db"`, says: []string{"outbox: expected an object, got a text"}},
		{name: "no database", text: `{}`, says: []string{"outbox.database: missing: where the outbox is"}},
		{name: "a wrong type", text: `{"database":7}`, says: []string{"outbox.database: expected a text, got a number: quote it"}},
		{
			name: "many", text: `{"database":"env:X","databse":"postgres://u:hunter2@h/d","lease":"0s","senders":0,"batch":"main",
				"prefix":"a-b","retention":{"accepted":"soon","forever":true},"give_up":"1h","give_up":"2h"}`,
			says: []string{
				"8 problems:", "outbox.databse: unknown key; known: database, prefix, schema, senders, batch, lease, stop_within, give_up, limits, retention",
				`outbox.lease: expected a duration like 30s, got "0s"`, "outbox.senders: expected a whole number from 1 to 1000, got 0",
				"outbox.batch: expected a list", `outbox.prefix: expected up to 31 of the characters a-z, 0-9 and _, got "a-b"`,
				`outbox.retention.accepted: expected a duration like 30s, got "soon"`,
				"outbox.retention.forever: unknown key; known: accepted, failed, keys", "outbox.give_up: the key is given twice",
			},
		},
		{name: "a reference to nothing", text: `{"database":"file:x","lease":"env:NOT_SET"}`, says: []string{
			"outbox.lease: environment variable NOT_SET is not set or empty",
		}},
		{name: "limits", text: `{"database":"file:x","limits":"some"}`, says: []string{`outbox.limits: expected share or refuse or off, got "some"`}},
		{name: "a lease too short", text: `{"database":"file:x","lease":"1ms"}`, says: []string{"outbox.lease: expected at least 200ms, got 1ms"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := ParseConfig([]byte(row.text))
			require.ErrorIs(t, err, provider.ErrConfig)
			for _, says := range row.says {
				assert.Contains(t, err.Error(), says)
			}
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// A database is a file or a URL, given as it is or by a reference.
func TestPlace(t *testing.T) {
	const url = "postgres://app:hunter2@db.example/app"
	dir := t.TempDir()
	secret := filepath.Join(dir, "url")
	require.NoError(t, os.WriteFile(secret, []byte(url+"\n"), 0o600))
	t.Setenv("A_URL", url)
	t.Setenv("A_FILE", "file:/var/lib/app/outbox.db")
	t.Setenv("A_REFERENCE", "file:"+secret)
	t.Setenv("SOMETHING", "hunter2")
	for _, row := range []struct{ name, given, file, url, says string }{
		{name: "a file", given: "file:outbox.db", file: "outbox.db"},
		{name: "a URL", given: url, url: url},
		{name: "a variable with a URL", given: "env:A_URL", url: url},
		{name: "a variable with a file", given: "env:A_FILE", file: "/var/lib/app/outbox.db"},
		{name: "a file with a URL", given: "file:" + secret, url: url},
		{name: "a variable with a file with a URL", given: "env:A_REFERENCE", url: url},
		{name: "no file", given: "file:", says: "expected the name of a file behind file:"},
		{name: "no variable", given: "env:NOT_SET", says: "environment variable NOT_SET is not set or empty"},
		{name: "something else", given: "env:SOMETHING", says: "expected file:PATH of SQLite, a URL that begins with postgres://, or env:NAME"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, err := Settings{Database: provider.NewSecret(row.given)}.Place()
			if row.says != "" {
				require.ErrorContains(t, err, "outbox.database: "+row.says)
				assert.NotContains(t, err.Error(), "hunter2")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.file, p.File)
			assert.Equal(t, row.url, p.URL.Reveal())
		})
	}
}

// The accounts of a configuration become those of the Box.
func TestSettingsConfig(t *testing.T) {
	cfg, err := provider.ParseConfig([]byte(`{"name":"shop","providers":{"main":{"provider":"brevo","api_key":"key-of-a-test"}},
		"outbox":{"database":"file:outbox.db","senders":3}}`))
	require.NoError(t, err)
	s, err := ParseConfig(cfg.Outbox)
	require.NoError(t, err)
	own, err := s.Config(nil, cfg, all.Registry())
	require.NoError(t, err)
	assert.Equal(t, "main", own.Default)
	assert.Equal(t, "shop", own.Namespace)
	assert.Equal(t, 3, own.Senders)
	c, err := own.Accounts(t.Context(), "main")
	require.NoError(t, err)
	assert.Equal(t, "main", c.Account())
	_, err = own.Accounts(t.Context(), "other")
	require.ErrorContains(t, err, `no account is called "other"`)

	s.Batch = []string{"main", "mian"}
	_, err = s.Config(nil, cfg, all.Registry())
	require.ErrorContains(t, err, `outbox.batch[1]: no account is called "mian"; known: main`)
}

// The accounts share their limits through the store, unless the settings say otherwise.
func TestSettingsLimits(t *testing.T) {
	s := sqliteStore(t)
	for _, row := range []struct {
		limits string
		want   int // options
	}{{"", 1}, {"share", 1}, {"refuse", 1}, {"off", 0}} {
		t.Run(row.limits, func(t *testing.T) {
			assert.Len(t, Settings{Limits: row.limits}.options(s), row.want)
		})
	}
}
