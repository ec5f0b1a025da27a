package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// What init writes for a provider opens an account, and holds no key.
func TestInitWritesAnAccountOfEveryProvider(t *testing.T) {
	for _, name := range vendorNames(&app{registry: all.Registry()}) {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			r := postmux(t, "init", name, "--from", `Анна: "Shop" <shop@example.com>`)
			require.Equal(t, exit.Done, r.code, r.errOut)
			assert.Contains(t, r.errOut, "wrote postmux.yaml\nnot checked yet: ")
			assert.Contains(t, r.errOut, "next:\n  postmux check\n")
			info, err := os.Stat("postmux.yaml")
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode())

			text, err := os.ReadFile("postmux.yaml")
			require.NoError(t, err)
			cfg, err := configfile.Parse("postmux.yaml", text)
			require.NoError(t, err)
			require.NoError(t, all.Registry().Check(cfg))
			for _, key := range strings.Fields(strings.NewReplacer(",", " ").Replace(r.errOut)) {
				if strings.HasPrefix(key, strings.ToUpper(name)+"_") {
					t.Setenv(key, "key-0123456789")
				}
			}
			c, err := all.Open(t.Context(), cfg)
			require.NoError(t, err)
			assert.Equal(t, name, c.Provider())

			again := postmux(t, "init", name, "--from", "shop@example.com")
			assert.Equal(t, exit.Local, again.code)
			assert.Contains(t, again.errOut, "postmux.yaml is there already; it stays as it is")
			kept, err := os.ReadFile("postmux.yaml")
			require.NoError(t, err)
			assert.Equal(t, text, kept)
		})
	}
}

// From an empty folder to an accepted mail: two commands, when the key is in the
// environment.
func TestInitThenSend(t *testing.T) {
	t.Chdir(t.TempDir())
	sb := sandbox.New(t)
	t.Setenv("BREVO_API_KEY", "xkeysib-sandbox")
	r := postmux(t, "init", "brevo", "--from", "Shop <shop@example.com>", "--base-url", sb.BaseURL("brevo"))
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "plan payAsYouGo: 10000 mails left")
	assert.Contains(t, r.errOut, "next:\n  postmux send")
	r = postmux(t, "send", "--to", "anna@example.com", "--subject", "Hello", "--html", "<p>Hello</p>")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Len(t, sb.Messages(), 1)

	// A file that is not there yet is told, and the configuration is written all the same.
	r = postmux(t, "--config", "file.yaml", "init", "brevo", "--from", "shop@example.com", "--key", "file:nosuch.key", "--base-url", sb.BaseURL("brevo"))
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.errOut, "not checked yet: nosuch.key not there")

	// A sender that the provider does not know is told before the first mail.
	r = postmux(t, "--config", "other.yaml", "init", "brevo", "--from", "nobody@other.example", "--base-url", sb.BaseURL("brevo"))
	assert.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.out, "see notes")
	assert.Contains(t, r.out, "nobody@other.example is not among the senders that the provider lists")
}

func TestInitFlags(t *testing.T) {
	taken := file(t, "taken.yaml", "mine")
	for _, row := range []struct {
		name string
		args []string
		says string
	}{
		{name: "no provider", args: nil, says: "PROVIDER: missing: provider, one of brevo, pakat, pakatv3, sendpulse, smsby"},
		{name: "an unknown provider", args: []string{"mailchimp"}, says: `PROVIDER: expected one of brevo, pakat, pakatv3, sendpulse, smsby, got "mailchimp"`},
		{name: "a route", args: []string{"failover"}, says: `PROVIDER: expected one of brevo`},
		{name: "no sender", args: []string{"brevo"}, says: "--from: missing"},
		{name: "a sender that is none", args: []string{"brevo", "--from", "shop"}, says: "--from: expected one address"},
		{name: "a key itself", args: []string{"brevo", "--from", "a@example.com", "--key", "xkeysib-planted-key"}, says: "--key: api_key: expected env:NAME or file:PATH, got something else"},
		{name: "one key for two", args: []string{"sendpulse", "--from", "a@example.com", "--key", "env:SP"}, says: "--key: expected client_id=REFERENCE and client_secret=REFERENCE"},
		{name: "the key of another setting", args: []string{"brevo", "--from", "a@example.com", "--key", "token=env:A"}, says: "--key: expected api_key=REFERENCE"},
		{name: "a file that is there", args: []string{"brevo", "--from", "a@example.com", "--config", taken}, says: "taken.yaml is there already"},
		{name: "the sandbox and a provider", args: []string{"brevo", "--sandbox"}, says: "--sandbox: expected no provider"},
		{name: "a folder that is not there", args: []string{"brevo", "--from", "a@example.com", "--config", "nosuch/postmux.yaml"}, says: "--config: cannot write the configuration"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			r := postmux(t, append([]string{"init"}, row.args...)...)
			assert.Equal(t, exit.Local, r.code)
			assert.Contains(t, r.errOut, row.says)
			assert.NotContains(t, r.errOut, "planted")
			left, err := filepath.Glob("*")
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// The configuration for the sandbox works without a key.
func TestInitSandbox(t *testing.T) {
	t.Chdir(t.TempDir())
	r := postmux(t, "init", "--sandbox")
	require.Equal(t, exit.Done, r.code, r.errOut)
	assert.Contains(t, r.errOut, "postmux sandbox    # in another terminal")
	text, err := os.ReadFile("postmux.yaml")
	require.NoError(t, err)
	cfg, err := configfile.Parse("postmux.yaml", text)
	require.NoError(t, err)
	require.NoError(t, all.Registry().CheckSecrets(cfg))
}

// On a terminal the tool asks for what the command line does not say.
func TestInitAsks(t *testing.T) {
	for _, row := range []struct {
		name    string
		args    []string
		flags   initFlags
		answers string
		keys    []string
		from    provider.Address
		asks    []string
		says    string
	}{
		{
			name: "everything", answers: "brevo\n\nShop <shop@example.com>\n", keys: []string{"env:BREVO_API_KEY"},
			from: provider.Address{Email: "shop@example.com", Name: "Shop"}, asks: []string{"provider, one of", "[env:BREVO_API_KEY]", "sender"},
		},
		{
			name: "only the keys", args: []string{"sendpulse"}, flags: initFlags{from: "a@example.com"}, answers: "env:ID\nfile:/run/secret\n",
			keys: []string{"env:ID", "file:/run/secret"}, from: provider.Address{Email: "a@example.com"}, asks: []string{"client_id", "client_secret"},
		},
		{name: "a key itself", args: []string{"smsby"}, answers: "planted-0123456789\n", says: "expected env:NAME or file:PATH"},
		{name: "the answers end", args: []string{"smsby"}, answers: "env:A\n", says: "--from: expected an answer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var asked strings.Builder
			a := &app{registry: all.Registry()}
			got, err := a.firstAccount(asker{in: bufio.NewReader(strings.NewReader(row.answers)), out: &asked, able: true}, row.args, row.flags)
			if row.says != "" {
				require.ErrorContains(t, err, row.says)
				assert.NotContains(t, err.Error(), "planted")
				return
			}
			require.NoError(t, err)
			var keys []string
			for _, k := range got.keys {
				keys = append(keys, k.reference)
			}
			assert.Equal(t, row.keys, keys)
			assert.Equal(t, row.from, got.from)
			for _, question := range row.asks {
				assert.Contains(t, asked.String(), question)
			}
		})
	}
}
