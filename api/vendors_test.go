package api_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/api"
)

// What is embedded is the file, and parses.
func TestVendors(t *testing.T) {
	text, err := os.ReadFile("vendors.tsv")
	require.NoError(t, err)
	rows, err := api.ParseVendors(string(text))
	require.NoError(t, err)
	assert.Equal(t, rows, api.Vendors())
	assert.Contains(t, rows, api.Vendor{Spec: "pakatv3", Driver: "pakatv3", Adapter: "pakat", Files: "v3_*.go", Name: "Pakat v3"})
	assert.Equal(t, "pakatv3api", api.Vendor{Spec: "pakatv3"}.Package())
}

func TestParseVendors(t *testing.T) {
	const head = "spec\tdriver\tadapter\tfiles\tname\n"
	for _, tt := range []struct {
		name, text string
		want       []api.Vendor
		err        string
	}{
		{
			name: "a driver and a second host", text: head + "a\ta\ta\t\tVendor A\nb\t\ta\tb_*.go\tB\n",
			want: []api.Vendor{{Spec: "a", Driver: "a", Adapter: "a", Name: "Vendor A"}, {Spec: "b", Adapter: "a", Files: "b_*.go", Name: "B"}},
		},
		{
			name: "line ends of Windows", text: "spec\tdriver\tadapter\tfiles\tname\r\na\t\ta\t\tA\r\n",
			want: []api.Vendor{{Spec: "a", Adapter: "a", Name: "A"}},
		},
		{name: "empty", text: "", err: `line 1: expected the columns spec, driver, adapter, files, name with tabs between, got ""`},
		{name: "another column", text: "spec\tdriver\n", err: `got "spec\tdriver"`},
		{name: "no row", text: head, err: "line 2: expected 5 columns with tabs between, got 1"},
		{name: "blanks for tabs", text: head + "a a a - A\n", err: "line 2: expected 5 columns with tabs between, got 1"},
		{name: "no spec", text: head + "\ta\ta\t\tA\n", err: `line 2: spec: expected a text without blanks around it, got ""`},
		{name: "no adapter", text: head + "a\ta\t\t\tA\n", err: `line 2: adapter: expected a text`},
		{name: "a blank", text: head + "a\ta \ta\t\tA\n", err: `line 2: driver: expected a text without blanks around it, got "a "`},
		{name: "no pattern", text: head + "a\ta\ta\t[\tA\n", err: `line 2: files: expected a pattern like v3_*.go, got "["`},
		{name: "spec twice", text: head + "a\ta\ta\t\tA\na\tb\ta\t\tB\n", err: "line 3: spec: a has a row already"},
		{name: "driver twice", text: head + "a\ta\ta\t\tA\nb\ta\tb\t\tB\n", err: "line 3: driver: a has a row already"},
		{name: "all problems at once", text: head + "a\n\ta\t\t\tA\n", err: "got 1\nline 3: spec: expected a text without blanks around it, got \"\"\nline 3: adapter: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := api.ParseVendors(tt.text)
			if tt.err != "" {
				assert.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}
