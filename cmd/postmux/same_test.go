package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider"
)

func TestSameError(t *testing.T) {
	key := &provider.Error{Kind: provider.ErrUnauthorized, Status: 401, Op: "contacts.upsert"}
	again := *key
	again.Op = "contacts.import"
	assert.True(t, sameError(key, &again))
	assert.False(t, sameError(key, nil))
	assert.False(t, sameError(nil, &again))
	assert.False(t, sameError(key, provider.ErrCanceled))
}
