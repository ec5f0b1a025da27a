package httpx

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postmux/postmux/rest"
)

// Whatever a server or a configuration says about time, waits are between nothing and an
// hour, a connection is never kept for longer than the server keeps it, and a limit is a
// limit: more than its number of calls never goes out in its unit of time and one call.
func FuzzHints(f *testing.F) {
	for _, text := range []string{
		"5", " 7 ", "-1", "99999999999999999999", "Thu, 01 Jan 2026 00:01:30 GMT", "timeout=5, max=100", "max=3,Timeout = 1",
		"timeout=0", "timeout=", "timeout=-5", "10/s", "300/m", "0.5/h", "NaN/s", "1e-320/h", "0x1p-9/s", "+Inf/m", "1_0/s",
	} {
		f.Add(text, int64(1767225600))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		now := time.Unix(unix, 0)
		if d := RetryAfter(text, now); d < 0 || d > maxHint {
			t.Errorf("Retry-After %q: %s", text, d)
		}
		header := http.Header{"Retry-After": {text}, "Date": {text}, "Keep-Alive": {text, "max=1"}}
		if d := (headerReader{}).hint(header); d < 0 || d > maxHint {
			t.Errorf("hint %q: %s", text, d)
		}
		told, ok := keepAlive(text)
		if told < 0 || told > maxHint || ok && !strings.Contains(strings.ToLower(text), "timeout") {
			t.Errorf("Keep-Alive %q: %s", text, told)
		}
		var k keptIdle
		k.heed(header)
		most := k.most(&rest.Call{Effect: rest.Send})
		if ok && most > max(told-idleMargin, 1) || !ok && most != carefulIdle {
			t.Errorf("Keep-Alive %q: kept for %s", text, most)
		}
		limit, err := ParseLimit(text)
		if err != nil {
			return
		}
		seconds := map[byte]float64{'s': 1, 'm': 60, 'h': 3600}[text[len(text)-1]]
		atOnce, after := float64(limit.Burst), float64(limit.Rate)*seconds
		if !(limit.Rate > 0) || limit.Burst < 1 || atOnce+after > math.Max(mostLimit, 1)+1 || atOnce > 1 && atOnce > 0.11*(atOnce+after)+1 {
			t.Errorf("limit %q: %+v", text, limit)
		}
		b := newBucket(limit)
		b.limiter.AllowN(now, limit.Burst)
		if wait := b.estimate(); wait < 0 {
			t.Errorf("limit %q: waits for %s", text, wait)
		}
	})
}
