package adapterkit

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/postmux/postmux/provider"
)

// ID reads the id of a thing, such as a list, that is a whole number above 0 at the
// provider. field names it in the error.
func ID(field, thing string, r provider.Ref) (int64, error) {
	n, err := strconv.ParseInt(r.ID, 10, 64)
	if err != nil || n <= 0 {
		return 0, provider.Invalid(
			field, "expected the number of a %s at this provider, got %q", thing, r.ID,
		)
	}
	return n, nil
}

// ListID reads the number of a list.
func ListID(field string, r provider.Ref) (int64, error) { return ID(field, "list", r) }

// ListIDs reads the numbers of the field lists, each once, in their order.
func ListIDs(refs []provider.Ref) ([]int64, error) {
	out := make([]int64, 0, len(refs))
	for i, r := range refs {
		id, err := ListID(fmt.Sprintf("lists[%d]", i), r)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// NoID is the error for a thing of an answer without the id by which it is asked for.
func NoID(thing string) error {
	return &provider.Error{
		Kind: provider.ErrBadResponse, Message: "the provider gives a " + thing + " without an id",
	}
}
