package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
)

// What a provider tells must not reach the terminal as a command.
func TestPrintable(t *testing.T) {
	assert.Equal(t, "a?[31mb c d?e", printable("a\x1b[31mb\tc\nd\u202ee"))
	assert.Equal(t, "می‌رود Анна", printable("می‌رود Анна"))
}

func TestIndexed(t *testing.T) {
	assert.Equal(t, `{"index":3,"a":"<"}`, string(indexed(3, map[string]string{"a": "<"})))
	assert.Equal(t, `{"index":0}`, string(indexed(0, struct{}{})))
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestCannotWrite(t *testing.T) {
	var errOut errBuffer
	code := run(t.Context(), []string{"version"}, nil, brokenWriter{}, &errOut)
	assert.Equal(t, exitBug, code)
	assert.Equal(t, "postmux: cannot write the output: no space left\n", errOut.text)
}

type errBuffer struct{ text string }

func (b *errBuffer) Write(p []byte) (int, error) {
	b.text += string(p)
	return len(p), nil
}

func TestImportSummary(t *testing.T) {
	assert.Equal(t, "1 row: 1 created", importSummary(provider.ImportReport{Rows: 1, Created: 1}, 1))
	assert.Equal(t, "3 of 9 rows: 1 updated, 1 refused, 1 unknown", importSummary(provider.ImportReport{Rows: 3, Updated: 1, Refused: 1, Unknown: 1}, 9))
	assert.Equal(t, "0 rows: nothing done", importSummary(provider.ImportReport{}, 0))
}
