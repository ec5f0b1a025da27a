package exit

import (
	"context"
	"errors"
	"fmt"

	"github.com/postmux/postmux/provider"
)

// Tally makes one exit code of those of many items.
type Tally struct {
	// Items are the items that were counted.
	Items  int
	failed int
	done   bool         // something was done
	codes  map[int]bool // of what was not
}

// order is the order in which a code stands for several, none of which was done.
var order = []int{Bug, Credentials, Later, Refused, Local, Interrupted}

// Add counts an item.
func (t *Tally) Add(code int) { t.AddMany(code, 1) }

// AddMany counts n items with the same code.
func (t *Tally) AddMany(code, n int) {
	if n == 0 {
		return
	}
	if t.codes == nil {
		t.codes = make(map[int]bool)
	}
	t.Items += n
	if code == Done {
		t.done = true
		return
	}
	t.failed += n
	t.codes[code] = true
}

// Code returns the code of all: that of unknown if any is unknown; else that of partly
// done when something was done and something not; else the code that all have, or the
// first of several.
func (t *Tally) Code() int {
	switch {
	case t.codes[Unknown]:
		return Unknown
	case len(t.codes) == 0:
		return Done
	case t.done, t.codes[Partly]:
		return Partly
	}
	for _, code := range order {
		if t.codes[code] {
			return code
		}
	}
	for code := range t.codes { // of a command of its own
		return code
	}
	return Done
}

// Err is the error of a command over many items, each of which has been told
// already; nil when all went well.
func (t *Tally) Err(what string) error {
	if t.Code() == Done {
		return nil
	}
	return &Result{Err: fmt.Errorf("%d of %d %s failed", t.failed, t.Items, what), Code: t.Code(), Shown: true}
}

// Stopped is the error of a command that ended before its last item: what was
// done before makes it partly done. told says that an item had the reason.
func (t *Tally) Stopped(what string, err error, told bool) error {
	code := Code(err)
	switch {
	case t.codes[Unknown]:
		code = Unknown
	case IsInterrupt(err):
		code = Interrupted
	case told:
		code = t.Code()
	case t.done && code != Done:
		code = Partly
	case t.Items > 0:
		t.Add(code)
		code = t.Code()
	}
	return &Result{Err: &StopError{after: what, err: err}, Code: code, Shown: told}
}

// StopError is why not all items were done.
type StopError struct {
	after string
	err   error
}

func (e *StopError) Unwrap() error { return e.err }

// Error leaves out that nothing was sent where it is the input that ended it:
// that is true of the rest only.
func (e *StopError) Error() string {
	text := e.err.Error()
	if errors.Is(e.err, context.Canceled) {
		return "stopped after " + e.after + " by an interrupt"
	}
	if p, ok := errors.AsType[*provider.Error](e.err); ok && p.Provider == "" {
		text = ownWords(e.err, p)
	}
	return "stopped after " + e.after + ": " + text
}

// ManyError returns the error of a command whose items ended with codes, each of which has been told
// already; nil when all went well. what names the items, in the plural.
func ManyError(codes []int, what string) error {
	var t Tally
	for _, c := range codes {
		t.Add(c)
	}
	return t.Err(what)
}
