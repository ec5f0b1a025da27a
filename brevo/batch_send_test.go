package brevo_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// Variables that JSON has no form for are found when the call is written; they
// are the fault of one message only.
func TestBatchWithAnUnwritableMessage(t *testing.T) {
	sb := sandbox.New(t)
	index := 0
	_, err := opened(t, sb, 0).SendBatch(t.Context(), func(yield func(*provider.Message, error) bool) {
		for i := range 20 {
			m := &provider.Message{
				From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: "anna@example.com"}}, Subject: "s", HTML: "<p>x</p>",
				Variables: map[string]any{"n": float64(i)},
			}
			if i == 7 {
				m.Variables["n"] = math.NaN()
			}
			if !yield(m, nil) {
				return
			}
		}
	}, func(r provider.BatchResult) error {
		if index == 7 {
			assert.ErrorIs(t, r.Err, provider.ErrInvalid)
			assert.Nil(t, r.Receipt)
		} else if assert.NoError(t, r.Err, "message %d", index) {
			assert.NotEmpty(t, r.Receipt.MessageID)
		}
		index++
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 20, index)
	assert.LessOrEqual(t, len(sb.Requests("brevo")), 6)
}

// A hook may keep what describes an import, and look at it later.
func TestDescribeOfAnImportIsKept(t *testing.T) {
	sb := sandbox.New(t)
	var mu sync.Mutex
	var kept []func() (provider.WireRequest, provider.WireResponse)
	hooks := provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) {
		mu.Lock()
		defer mu.Unlock()
		if e.Operation == "importContacts" {
			kept = append(kept, e.Describe)
		}
	}}
	cfg := brevo.Config{AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL("brevo")}, APIKey: provider.NewSecret(sandbox.Key("brevo"))}
	c, err := brevo.Open(cfg, provider.WithHooks(hooks))
	require.NoError(t, err)
	imported(t, c, changes(100, nil))
	require.Len(t, kept, 1)
	request, _ := kept[0]()
	assert.Equal(t, 100, strings.Count(string(request.JSON), `"email":`))
}
