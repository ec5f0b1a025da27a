package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/sandbox"
)

// routed is a configuration with a failover from brevo to sendpulse.
func routed(t *testing.T, mainKey string) (*sandbox.Server, string) {
	sb := sandbox.New(t)
	return sb, file(t, "postmux.yaml", fmt.Sprintf(`
default: mail
providers:
  mail: {provider: failover, members: [main, backup]}
  main: {provider: brevo, api_key: %s, base_url: %s, from: shop@example.com}
  backup: {provider: sendpulse, client_id: %s, client_secret: %s, base_url: %s, from: shop@example.com}
`, mainKey, sb.BaseURL("brevo"), sandbox.ClientID, sandbox.Key("sendpulse"), sb.BaseURL("sendpulse")))
}

// A person reads when and why another member was used, what a member cannot take, and why
// no member took a message.
func TestRouteInText(t *testing.T) {
	for _, tc := range []struct {
		name, key string
		args      []string
		code      int
		out       []string // parts of stdout
		errOut    string
	}{
		{
			name: "the backup sends", key: "wrong", args: []string{"send", "--to", "a@example.com", "--subject", "x", "--html", "x"},
			out: []string{"account     backup (sendpulse)\n", "not by      main (brevo): unauthorized: Key not found (status 401, code unauthorized"},
		},
		{
			name: "the first sends, and the backup could not", key: sandbox.Key("brevo"), args: []string{"send", "--to", "a@example.com", "--subject", "x", "--html", "x", "--header", "X-Order=1"},
			out: []string{"account     main (brevo)\n", "not by      backup (sendpulse): message.headers is not supported: "},
		},
		{
			name: "no member sends", key: "wrong", args: []string{"send", "--to", "a@example.com", "--subject", "x", "--html", "x", "--header", "X-Order=1"},
			code:   exit.Credentials,
			errOut: ") | backup (sendpulse): message.headers is not supported: ",
		},
		{
			name: "a batch", key: "wrong", args: []string{"batch", file(t, "in.jsonl", together(2))},
			out: []string{"by backup, not by main (brevo): unauthorized: Key not found", "2 messages: 2 accepted"},
		},
		{
			name: "a batch that the backup could not take", key: sandbox.Key("brevo"), args: []string{"batch", file(t, "in.jsonl", messages(2))},
			out:    []string{"2 messages: 2 accepted"},
			errOut: "warning: the first message cannot go out by backup: message.idempotency_key: ",
		},
		{
			name: "check", key: sandbox.Key("brevo"), args: []string{"check"},
			out: []string{"a route: its members are checked as accounts of their own", "backup takes no mail that needs ", "headers", "account  main (brevo)"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, cfg := routed(t, tc.key)
			r := postmux(t, append([]string{"--config", cfg}, tc.args...)...)
			assert.Equal(t, tc.code, r.code, r.errOut)
			for _, part := range tc.out {
				assert.Contains(t, r.out, part)
			}
			assert.Contains(t, r.errOut, tc.errOut)
		})
	}
}
