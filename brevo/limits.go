package brevo

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/httpx"
	"github.com/postmux/postmux/rest"
)

// keyWindow is how long a repeat under the same key is trusted. The vendor tells
// of 15 minutes in one place and of 30 in another.
const keyWindow = 10 * time.Minute

// KeyScope identifies a key at the vendor. The account stands in it as a sum of its
// API key, from which the API key cannot be found: the vendor's number of the account
// would need a request.
func (a *adapter) KeyScope(key string) (string, time.Duration) {
	sum := sha256.Sum256(append(a.place[:], sendKey(a.space, key)...))
	return hex.EncodeToString(sum[:16]), keyWindow
}

// limits stay below the vendor's table for the general plan. The hourly ones
// matter most: whoever polls uses them up.
var limits = map[string]httpx.Limit{
	"send":     {Rate: 100, Burst: 20},                   // 1,000 a second and more on higher plans
	"batch":    {Rate: httpx.PerHour(95 * 60), Burst: 5}, // 100 a minute when versions are used
	"contacts": {Rate: 9.5, Burst: 1},                    // 10 a second
	"emails":   {Rate: 1.9, Burst: 1},                    // list of sent mail: 2 a second
	"smtp":     {Rate: httpx.PerHour(270), Burst: 30},    // everything else under /smtp: 300 an hour
	"other":    {Rate: httpx.PerHour(80), Burst: 20},     // 100 an hour
	// The tracker has a chain of its own; here so that rate_limits takes the name.
	trackerClass: trackerLimit,
}

func classOf(call *rest.Call) string {
	switch {
	case call.Route == "/smtp/email":
		if hasVersions(call.Body) {
			return "batch"
		}
		return "send"
	case call.Route == "/smtp/blockedContacts":
		return "send" // the vendor's table has it in the same row
	case strings.HasPrefix(call.Route, "/contacts"):
		return "contacts"
	case call.Route == "/smtp/emails":
		return "emails"
	case strings.HasPrefix(call.Route, "/smtp/"):
		return "smtp"
	}
	return "other"
}
