package httpx

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/rest"
)

// Limit is a vendor's limit of calls of one class. Rate and burst together stay
// below it: within a window at most burst plus rate times the window goes out.
type Limit struct {
	Rate  rate.Limit // calls a second
	Burst int
}

// Limits are the limits of an account by class, and the class of a call.
type Limits struct {
	ByClass map[string]Limit
	Class   func(call *rest.Call) string
	// Left reads how many calls the vendor says are left and for how long; ok
	// is false when it does not say.
	Left func(a *Answer) (left int64, reset time.Duration, ok bool)
}

// Single is one limit for all calls, named "all", of n calls a second.
func Single(n float64) Limits {
	return Limits{
		ByClass: map[string]Limit{"all": {Rate: rate.Limit(n), Burst: 1}},
		Class:   func(*rest.Call) string { return "all" },
	}
}

// PerHour is a rate of n calls an hour.
func PerHour(n float64) rate.Limit { return rate.Limit(n / 3600) }

// Bounds of a limit in the configuration. With less than one call in a hundred hours a wait
// would be longer than what a Duration holds.
const (
	leastLimit = 0.01
	mostLimit  = 1e6
)

// ParseLimit reads a limit as the configuration writes it: "10/s", "300/m",
// "100/h". A tenth of it, at least one call, may go out at once.
func ParseLimit(text string) (Limit, error) {
	count, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(count, 64)
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || !(n >= leastLimit && n <= mostLimit) || seconds == 0 { // what is no number is not between them
		return Limit{}, fmt.Errorf("expected a number of calls and a unit like 10/s, 300/m or 100/h")
	}
	burst := max(1, int(n/10))
	return Limit{Rate: rate.Limit((n - float64(burst-1)) / seconds), Burst: burst}, nil
}

// forAccount returns the limits that are kept at base, by class: the vendor's,
// and the account's own in their place. At a fake on loopback the vendor's limits
// mean nothing, so only the account's own count there.
func (l Limits) forAccount(base string, own map[string]string) (map[string]Limit, error) {
	kept := map[string]Limit{}
	if !vendorurl.Loopback(base) {
		kept = maps.Clone(l.ByClass)
	}
	for _, class := range slices.Sorted(maps.Keys(own)) {
		if _, ok := l.ByClass[class]; !ok {
			known := strings.Join(slices.Sorted(maps.Keys(l.ByClass)), ", ")
			return nil, configError("rate_limits."+class, fmt.Errorf("no calls are counted under this name; known: %s", known))
		}
		limit, err := ParseLimit(own[class])
		if err != nil {
			return nil, configError("rate_limits."+class, err)
		}
		kept[class] = limit
	}
	return kept, nil
}
