package sandbox

import "net/http"

// The name of Brevo's second host, and its key.
const (
	brevoTracker    = "brevotracker"
	brevoTrackerKey = "sandbox-tracker"
)

// tracker imitates Brevo's tracker: it accepts what the spec allows and keeps only
// the requests. Assumption: a wrong key has the same response as at the API.
type tracker struct{ examples }

func newBrevoTracker(*store) fake { return tracker{} }

func (tracker) authorize(c *call) (answer, bool) {
	refusal := answer{
		status: http.StatusUnauthorized,
		body:   map[string]any{"code": "unauthorized", "message": "Key not found"},
	}
	return refusal, c.header.Get("ma-key") == brevoTrackerKey
}
