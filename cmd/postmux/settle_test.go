package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func TestSettle(t *testing.T) {
	sb, cfg := account(t)
	lose := func(after bool) string {
		sb.Fail("brevo", sandbox.Fault{Operation: "sendEmail", Drop: true, After: after, Times: 4}) // the repeats too
		r := postmux(t, "--config", cfg, "--json", "send", "--to", "Anna <anna@example.com>", "--subject", map[bool]string{true: "first", false: "second"}[after], "--html", "<p>x</p>")
		require.Equal(t, exit.Unknown, r.code, r.errOut)
		return r.out
	}
	found, missing := lose(true), lose(false)

	r := postmuxWith(t, found, "--config", cfg, "--json", "status", "--receipt", "-", "--settle")
	require.Equal(t, exit.Done, r.code, r.errOut)
	var receipt provider.Receipt
	r.json(t, &receipt)
	assert.Equal(t, sb.Messages("brevo")[0].ID, receipt.MessageID)
	assert.Nil(t, receipt.Unsettled)

	r = postmuxWith(t, missing, "--config", cfg, "--json", "status", "--receipt", "-", "--settle")
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	assert.Contains(t, r.errOut, "still unknown for 1 recipient")
	var still provider.Receipt
	require.NoError(t, json.Unmarshal([]byte(r.out), &still), r.out)
	assert.Equal(t, provider.StateUnknown, still.State)
	again := postmuxWith(t, r.out, "--config", cfg, "status", "--receipt", "-", "--settle")
	assert.Equal(t, exit.Unknown, again.code, "the output is a receipt again")
	assert.Contains(t, again.out, "proves nothing yet")

	sb.Fail("brevo", sandbox.Fault{Operation: "listEmails", Status: 401, Body: `{"code":"unauthorized","message":"Key not found"}`, Times: 9})
	r = postmuxWith(t, missing, "--config", cfg, "--json", "status", "--receipt", "-", "--settle")
	assert.Equal(t, exit.Unknown, r.code, r.errOut)
	assert.Contains(t, r.out, `"kind": "unauthorized"`)
	assert.Contains(t, r.out, `"unsettled": {`, "the receipt is not lost")
}

func TestSettleUsage(t *testing.T) {
	_, cfg := account(t)
	for _, args := range [][]string{{"status", "1", "--settle"}, {"status", "--settle"}} {
		r := postmux(t, append([]string{"--config", cfg}, args...)...)
		assert.Equal(t, exit.Local, r.code)
		assert.Contains(t, r.errOut, "--settle")
	}
	for _, text := range []string{`x`, `[]`, `{}`, `{"error":{},"receipt":null}`, `{"account":"other","recipients":[{"email":"a@example.com","state":"unknown"}]}`} {
		r := postmuxWith(t, text, "--config", cfg, "status", "--receipt", "-", "--settle")
		assert.Equal(t, exit.Local, r.code, "%s: %s", text, strings.TrimSpace(r.errOut))
	}
}
