package adapterkit

import (
	"errors"
	"slices"

	"github.com/postmux/postmux/provider"
)

// EachMember makes a call for one address after the other; change gets its index.
// An error of one of the kinds is about that address and becomes its result. Any
// other ends the work, because the next address would meet it too, and the results
// are those of the addresses before. A change whose answer is of no use is made.
func EachMember(
	emails []string, kinds []provider.Kind, change func(i int) error,
) ([]provider.MemberResult, error) {
	results := make([]provider.MemberResult, 0, len(emails))
	for i, email := range emails {
		var own *provider.Error
		if err := change(i); err != nil && !Taken(err) {
			if !errors.As(err, &own) || !slices.Contains(kinds, own.Kind) {
				return results, err
			}
		}
		results = append(results, provider.MemberResult{Email: email, Error: own})
	}
	return results, nil
}
