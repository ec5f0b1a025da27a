//go:build race

package outbox

// raced says that the race detector is on: SQLite in Go is then many times slower.
const raced = true
