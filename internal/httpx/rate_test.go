package httpx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

func TestRateLimitsInTheConfiguration(t *testing.T) {
	limits := Limits{ByClass: map[string]Limit{"send": {Rate: 1, Burst: 1}}, Class: func(*rest.Call) string { return "send" }}
	open := func(own map[string]string) error {
		_, err := New(Config{BaseURL: "https://x.example", Limits: limits, Settings: provider.AccountSettings{RateLimits: own}})
		return err
	}
	assert.NoError(t, open(map[string]string{"send": "50/s"}))
	assert.ErrorContains(t, open(map[string]string{"sned": "50/s"}), "rate_limits.sned: no calls are counted under this name; known: send")
	for _, bad := range []string{"", "50", "x/s", "50/d", "-1/s", "0/s"} {
		assert.ErrorContains(t, open(map[string]string{"send": bad}), "expected a number of calls and a unit", bad)
	}
	for text, perHour := range map[string]float64{"10/s": 36000, "300/m": 18000, "100/h": 100} {
		l, err := ParseLimit(text)
		require.NoError(t, err)
		assert.LessOrEqual(t, float64(l.Burst)+float64(l.Rate)*3600, perHour+1, text)
	}
	assert.Empty(t, linkOf[*limiter](newChain(t, "http://127.0.0.1:1", func(c *Config) { c.Limits = limits })).gates, "a fake on loopback has no limits of the vendor")
}

func ExampleLimit() {
	l, _ := ParseLimit("300/m")
	fmt.Printf("%.2f calls a second, %d at once\n", float64(l.Rate), l.Burst)
	// Output: 4.52 calls a second, 30 at once
}
