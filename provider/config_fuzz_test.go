package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

// A configuration is read or refused, alike each time, and no key of it shows
// in what is printed.
func FuzzParseConfig(f *testing.F) {
	const planted = "PLANTED-4711-KEY"
	f.Fuzz(func(t *testing.T, data []byte) {
		text := strings.ReplaceAll(string(data), "$KEY", planted)
		cfg, err := provider.ParseConfig([]byte(text))
		again, errAgain := provider.ParseConfig([]byte(text))
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(errAgain))
		if err != nil {
			return
		}
		assert.Equal(t, cfg, again)
		checked := all.Registry().Check(cfg)
		assert.Equal(t, fmt.Sprint(checked), fmt.Sprint(all.Registry().Check(again)))
		// The key counts as secret where a key belongs; elsewhere it is a name like any other.
		secret := `"api_key":"` + planted + `"`
		if strings.Count(text, planted) == 1 && strings.Contains(text, secret) && checked == nil {
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), planted)
		}
	})
}
