package provider_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
)

// A document that is too large is refused before it takes several times its size.
func TestSizes(t *testing.T) {
	blank := func(mib int) []byte { return bytes.Repeat([]byte(" "), mib<<20+1) }
	_, err := provider.ParseMessage(blank(64))
	require.ErrorContains(t, err, "expected JSON of at most 64 MiB")
	_, err = provider.ParseContactChange(blank(16))
	require.ErrorContains(t, err, "expected JSON of at most 16 MiB")
	_, err = provider.ParseConfig(blank(4))
	require.ErrorContains(t, err, "the configuration is larger than 4 MiB")

	large := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(large, bytes.Repeat([]byte("x"), 64<<10+1), 0o600))
	_, err = provider.Registry{memory.Driver()}.Open(t.Context(), provider.Config{Providers: map[string]provider.AccountConfig{
		"a": {"provider": "memory", "proxy": "file:" + large},
	}})
	require.ErrorContains(t, err, "it is larger than 64 KiB")
}
