package exit

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
)

func TestSameError(t *testing.T) {
	key := &provider.Error{Kind: provider.ErrUnauthorized, Status: 401, Op: "contacts.upsert"}
	again := *key
	again.Op = "contacts.import"
	assert.True(t, Same(key, &again))
	assert.False(t, Same(key, nil))
	assert.False(t, Same(nil, &again))
	assert.False(t, Same(key, provider.ErrCanceled))
}
