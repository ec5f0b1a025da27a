// Package otherclients runs clients that others publish against the sandbox: the official
// ones of Brevo and SendPulse for Node, at the versions of package.json. `make otherclients`
// installs and runs them.
package otherclients

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/sandbox"
)

// row is a line of a script: one call of the client, and whether its answer was as the
// script expects.
type row struct {
	Call   string `json:"call"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// The calls that fail, by provider, and why.
var failing = map[string]map[string]string{
	"sendpulse": {
		"smtpListAllowedDomains": "GET /smtp/domains stands in none of the vendor's descriptions any more; there are sender_domains",
		"smtpAddDomain":          "POST /smtp/domains likewise",
		"smtpVerifyDomain":       "GET /smtp/domains/{email} likewise",
	},
}

func TestOfficialClients(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("the official clients were not tried: there is no Node here")
	}
	if _, err := os.Stat("node_modules"); err != nil {
		t.Skip("the official clients were not tried: they are not installed; `make otherclients` does it")
	}
	for _, client := range []struct {
		provider string
		args     func(s *sandbox.Server) []string
		least    int // rows, so that a script that ends early is noticed
	}{
		{"sendpulse", func(s *sandbox.Server) []string {
			return []string{s.BaseURL("sendpulse"), sandbox.ClientID, sandbox.Key("sendpulse"), t.TempDir()}
		}, 43},
		{"brevo", func(s *sandbox.Server) []string { return []string{s.BaseURL("brevo"), sandbox.Key("brevo")} }, 53},
	} {
		t.Run(client.provider, func(t *testing.T) {
			s := sandbox.New(t, sandbox.Lenient(), sandbox.OddAnswers())
			rows := run(t, node, client.provider+".mjs", client.args(s)...)
			passed := 0
			for _, r := range rows {
				why, known := failing[client.provider][r.Call]
				if known {
					assert.False(t, r.OK, "%s passes now; take it off the list", r.Call)
					t.Logf("%s: %s", r.Call, why)
					continue
				}
				if assert.True(t, r.OK, "%s: %s", r.Call, r.Detail) {
					passed++
				}
			}
			assert.GreaterOrEqual(t, len(rows), client.least)
			t.Logf("%s: %d of %d calls passed", client.provider, passed, len(rows))
			for _, v := range s.Violations() {
				t.Log(v)
			}
		})
	}
}

func run(t *testing.T, node, script string, args ...string) []row {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, append([]string{"--no-deprecation", script}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s%s", out, stderr.String())
	var rows []row
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var r row
		require.NoError(t, dec.Decode(&r))
		rows = append(rows, r)
	}
	return rows
}
