package adapterkit

import (
	"math"
	"strconv"
)

// Count returns n for a field of a provider.Quota.
func Count[N ~int | ~int64](n N) *float64 {
	f := float64(n)
	return &f
}

// Amount returns the number that text is, for a field of a provider.Quota; nil when it
// is none, as for what a vendor says in words.
func Amount(text string) *float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	return &f
}
