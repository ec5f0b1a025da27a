package provider_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// hostile is a text that would write to a terminal, forge a line of a log and hide a part
// of itself.
const hostile = "a\x1b[31m\x07\n2026-01-01 fake\r\u009b\x7f\u202e\u061c\u200e\u200f\u2028b"

// Whoever made an error, and with or without an answer, its text is one line.
func TestTextOfAnErrorIsOneLine(t *testing.T) {
	for _, x := range []struct {
		name string
		err  provider.Error
	}{
		{name: "message", err: provider.Error{Message: hostile}},
		{name: "message of an answer", err: provider.Error{Message: hostile, Status: 400}},
		{name: "cause", err: provider.Error{Err: errors.New(hostile)}},
		{name: "field", err: provider.Error{Field: hostile, Message: "x"}},
		{name: "code", err: provider.Error{Code: hostile}},
		{name: "request id", err: provider.Error{RequestID: hostile}},
		{name: "account", err: provider.Error{Account: hostile, Provider: "x"}},
	} {
		for _, kind := range []provider.Kind{provider.ErrForbidden, provider.ErrUnavailable, provider.ErrInternal} {
			t.Run(x.name+" "+string(kind), func(t *testing.T) {
				e := x.err
				e.Kind = kind
				assert.False(t, strings.ContainsFunc(e.Error(), text.Unprintable), "%q", e.Error())
				assert.Contains(t, e.Error(), "2026-01-01 fake")
			})
		}
	}
}

// The problems of a configuration have a line each, and their texts have none.
func TestTextOfAConfigurationError(t *testing.T) {
	e := provider.Error{Kind: provider.ErrConfig, Message: "2 problems:\n  a\x1b\u200f: b\n"}
	assert.Equal(t, "configuration: 2 problems:\n  a  : b\n", e.Error())
	data, err := json.Marshal(&e)
	require.NoError(t, err)
	var read provider.Error
	require.NoError(t, json.Unmarshal(data, &read))
	assert.Equal(t, "2 problems:\n  a  : b\n", read.Message)
}

// An adapter may quote its provider in an error that no transport has cleaned.
func TestMessageOfAnAdapterIsOneLine(t *testing.T) {
	s := &stub{caps: everything(nil), upErr: func(provider.ContactChange) error {
		return &provider.Error{Kind: provider.ErrForbidden, Message: hostile}
	}}
	_, err := client(t, s, provider.AccountSettings{}, provider.DriverEnv{}).UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com"})
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.False(t, strings.ContainsFunc(e.Message, text.Unprintable), "%q", e.Message)
	assert.Contains(t, e.Message, "2026-01-01 fake")
}
