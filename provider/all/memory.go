package all

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
)

// doubles are settings for a double of each vendor. The keys are no keys.
var doubles = map[string]provider.AccountConfig{
	"brevo":     {"api_key": "memory", "folder_id": 1},
	"pakat":     {"api_key": "memory"},
	"pakatv3":   {"api_key": "memory", "folder_id": 1},
	"sendpulse": {"api_key": "memory"},
	"smsby":     {"token": "memory", "time_zone": "UTC"},
}

// Memory returns a Store that behaves like the vendor with this name, "smsby", for unit
// tests; see memory.Like, which also takes the settings of an account.
func Memory(name string) (*memory.Store, error) {
	settings, ok := doubles[name]
	if !ok {
		return nil, fmt.Errorf("no vendor is called %q; known: %s", name, strings.Join(slices.Sorted(maps.Keys(doubles)), ", "))
	}
	d, _ := Registry().Driver(name)
	return memory.Like(d, settings)
}
