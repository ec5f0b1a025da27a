package outbox

import "testing"

// EachStore runs a benchmark on each database.
func EachStore(b *testing.B, f func(b *testing.B, s *Store)) {
	b.Run("sqlite", func(b *testing.B) { f(b, sqliteStore(b)) })
	b.Run("postgres", func(b *testing.B) { f(b, postgresStore(b)) })
}

// Stores runs a test on each database.
func Stores(t *testing.T, f func(t *testing.T, s *Store)) { stores(t, f) }

// Raced says that the race detector is on.
const Raced = raced
