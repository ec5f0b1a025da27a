package provider

import (
	"fmt"

	"github.com/postmux/postmux/internal/exact"
)

// This file declares the tables of the fields of a Message and of a ContactChange.
// The features that a message needs, the actions of a policy, copies, checks, sizes
// and the probes of the conformance suite are derived from them.
// TestEveryFieldHasARow fails for a field without a row.

// use is a feature that a provider must have for a T.
type use[T any] struct {
	feature Feature
	doc     string
	actions []Action      // that a policy may name, beside error
	used    func(*T) bool // reports whether the T asks for the feature
	// drop removes what asks for the feature; nil when no policy may. It changes a copy of
	// a list and never the list itself, which is the caller's.
	drop func(*T)
	// emulate does the same by other means and returns how; false when this T cannot have
	// it. nil when the Client or the adapter sends it in another way.
	emulate func(v *T, provider string) (how string, ok bool)
	// byDefault means that the action is taken without a policy too: the mail is what was
	// asked for but for a detail.
	byDefault bool
	// minor means that a policy may drop it by a part of its name: nobody gets the mail who
	// should not, nor at another time, twice or without a legal header.
	minor bool
	// partly means that the emulation does only a part of what was asked for: it meets
	// require by a policy alone.
	partly bool
}

// field is a row for one field of T.
type field[T any] struct {
	name string // of the struct's field
	// uses are the features that the field may ask for, in the order of the
	// capability matrix. None means that every provider takes the field, or that
	// the feature named by with, of an earlier row, covers it.
	uses  []use[T]
	with  Feature
	check func(*T) error // nil: any value is valid
	clone func(*T)       // replaces a slice or map by a copy; nil for plain values
	size  func(*T) int   // bytes of memory behind the field; nil: none that counts
}

var (
	mayDrop    = []Action{ActionDrop}
	mayEmulate = []Action{ActionEmulate}
	mayFanOut  = []Action{ActionFanOut}
	maySendNow = []Action{actionSendNow}
)

// featureRoom is enough for the features of one message.
const featureRoom = 24

// needs appends the features that v uses to out, in the order of the matrix.
func needs[T any](rows []field[T], v *T, out []Feature) []Feature {
	for i := range rows {
		for j := range rows[i].uses {
			if u := &rows[i].uses[j]; u.used(v) {
				out = append(out, u.feature)
			}
		}
	}
	return out
}

func clone[T any](rows []field[T], v *T) *T {
	c := *v
	for i := range rows {
		if rows[i].clone != nil {
			rows[i].clone(&c)
		}
	}
	return &c
}

// check returns the first error of a field of v.
func check[T any](rows []field[T], v *T) error {
	for i := range rows {
		if rows[i].check == nil {
			continue
		}
		if err := rows[i].check(v); err != nil {
			return err
		}
	}
	return nil
}

// checkParts checks the elements of a list. The path is put together only for
// an error: this runs for every recipient.
func checkParts[T any](name string, parts []T, rows []field[T]) error {
	for i := range parts {
		if err := check(rows, &parts[i]); err != nil {
			return atField(fmt.Sprintf("%s[%d]", name, i), err)
		}
	}
	return nil
}

func size[T any](rows []field[T], v *T) int {
	n := 0
	for i := range rows {
		if rows[i].size != nil {
			n += rows[i].size(v)
		}
	}
	return n
}

func sizeOfParts[T any](parts []T, rows []field[T]) int {
	n := 0
	for i := range parts {
		n += size(rows, &parts[i])
	}
	return n
}

func anyOf[T any](list []T, is func(*T) bool) bool {
	for i := range list {
		if is(&list[i]) {
			return true
		}
	}
	return false
}

const (
	addressSize = 64 // approximate bytes of an address with its name
	entrySize   = 64 // approximate bytes of an entry of a small map or list
)

// sizeOfMap is sizeOf without making an interface of an empty map.
func sizeOfMap(m map[string]any) int {
	if len(m) == 0 {
		return 0
	}
	return sizeOf(m)
}

// sizeOf returns the approximate memory of a JSON value, in bytes.
func sizeOf(v any) int { return sizeAt(v, exact.Deepest) }

func sizeAt(v any, depth int) int {
	const word = 16
	n := word
	if depth == 0 {
		return n // contains itself, or is refused for its depth
	}
	switch v := v.(type) {
	case string:
		n += len(v)
	case []any:
		for _, x := range v {
			n += sizeAt(x, depth-1)
		}
	case map[string]any:
		for k, x := range v {
			n += word + len(k) + sizeAt(x, depth-1)
		}
	}
	return n
}
