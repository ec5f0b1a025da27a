package sendinblue

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/internal/httpx"
)

func TestHintsAreClamped(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-1": 0, "1.5": 0, "1e9": 0, "x": 0,
		"3600": time.Hour, "3601": time.Hour, "9223372036854775807": time.Hour, "9223372036854775808": 0, "-9223372036854775808": 0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
		"Fri, 31 Dec 9999 23:59:59 GMT": time.Hour, "Sat, 01 Jan 0001 00:00:00 GMT": 0,
	} {
		assert.Equal(t, want, httpx.RetryAfter(text, now), text)
	}
}

// Whatever the headers say, a hint is between nothing and an hour.
func FuzzHints(f *testing.F) {
	f.Fuzz(func(t *testing.T, retryAfter, reset, remaining string) {
		for _, d := range []time.Duration{
			httpx.RetryAfter(retryAfter, time.Unix(1_770_000_000, 0)),
			RetryAfter(http.Header{"X-Sib-Ratelimit-Reset": {reset}, "X-Sib-Ratelimit-Remaining": {remaining}}),
		} {
			if d < 0 || d > time.Hour {
				t.Fatalf("%q %q %q: %v", retryAfter, reset, remaining, d)
			}
		}
		if d, ok := httpx.Seconds(reset); ok && (d < 0 || d > time.Hour) {
			t.Fatalf("%q: %v", reset, d)
		}
	})
}
