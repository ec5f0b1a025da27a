package main

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/sandbox"
)

// Every provider makes a list with the configuration that the sandbox prints.
func TestListsOfTheShippedSandbox(t *testing.T) {
	sb := sandbox.New(t)
	base, err := url.Parse(sb.BaseURL("brevo"))
	require.NoError(t, err)
	text, err := sandboxConfig(base.Host)
	require.NoError(t, err)
	cfg := file(t, "postmux.yaml", string(text))
	for _, tc := range []struct {
		provider string
		folders  string // as printed; empty: it has none
	}{
		{"brevo", "ID  NAME\n1   Shop\n"},
		{"pakatv3", "ID  NAME\n1   Shop\n"},
		{"pakat", ""},
		{"sendpulse", ""},
		{"smsby", ""},
	} {
		t.Run(tc.provider, func(t *testing.T) {
			r := postmux(t, "--config", cfg, "--provider", tc.provider, "lists", "create", "خبرنامه")
			assert.Equal(t, exit.Done, r.code, r.errOut)
			assert.Contains(t, r.out, "خبرنامه")
			r = postmux(t, "--config", cfg, "--provider", tc.provider, "lists", "folders")
			assert.Equal(t, tc.folders, r.out)
			if tc.folders == "" {
				assert.Equal(t, exit.Local, r.code)
				assert.Contains(t, r.errOut, tc.provider+": lists: unsupported: its lists are in no folders; no request was made")
				return
			}
			assert.Equal(t, exit.Done, r.code, r.errOut)
			r = postmux(t, "--config", cfg, "--provider", tc.provider, "--json", "lists", "folders")
			assert.Equal(t, `{"index":0,"id":1,"name":"Shop"}`+"\n", r.out)
		})
	}
}
