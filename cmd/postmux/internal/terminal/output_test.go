package terminal

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a provider tells must not reach the terminal as a command.
func TestPrintable(t *testing.T) {
	assert.Equal(t, "a?[31mb c d?e", Printable("a\x1b[31mb\tc\nd\u202ee"))
	assert.Equal(t, "می‌رود Анна", Printable("می‌رود Анна"))
}

func TestIndexed(t *testing.T) {
	assert.Equal(t, `{"index":3,"a":"<"}`, string(Indexed(3, map[string]string{"a": "<"})))
	assert.Equal(t, `{"index":0}`, string(Indexed(0, struct{}{})))
}
