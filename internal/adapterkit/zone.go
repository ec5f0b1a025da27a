package adapterkit

import (
	"time"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest/flex"
)

// Zone is the one in which a provider writes times that tell none; the zero Zone is UTC.
type Zone struct{ place *time.Location }

// ZoneOf is the zone with this name; an unknown name, which CheckZone refuses, is UTC.
func ZoneOf(name string) Zone {
	place, err := time.LoadLocation(name)
	if err != nil {
		return Zone{}
	}
	return Zone{place}
}

// CheckZone returns the problem of the setting time_zone.
func CheckZone(name string) []*provider.Error {
	if !Literal(name) {
		return nil
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return WrongSetting("time_zone", "expected the name of a zone that this machine knows, such as Asia/Tehran or Europe/Minsk")
	}
	return nil
}

// Time reads a time of the provider, in UTC; it is zero for what is none. A text with a zone
// of its own keeps it.
func (z Zone) Time(text string) time.Time {
	t, ok := flex.ParseTime(text)
	if !ok {
		return time.Time{}
	}
	if z.place == nil || t.Location() != time.UTC || len(text) > len(time.DateTime) {
		return t.UTC()
	}
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, z.place).UTC()
}
