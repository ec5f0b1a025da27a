package exit

import (
	"context"
	"errors"
	"fmt"

	"github.com/postmux/postmux/provider"
)

// Tally makes one exit code of those of many items.
type Tally struct {
	code, Items, failed int
}

// Add counts an item: unknown wins, and different codes are partly done.
func (t *Tally) Add(code int) {
	switch {
	case t.code == Unknown:
	case t.Items == 0 || code == Unknown:
		t.code = code
	case code != t.code:
		t.code = Partly
	}
	t.Items++
	if code != Done {
		t.failed++
	}
}

// AddMany counts n items with the same code.
func (t *Tally) AddMany(code, n int) {
	if n == 0 {
		return
	}
	t.Add(code)
	t.Items += n - 1
	if code != Done {
		t.failed += n - 1
	}
}

// Err is the error of a command over many items, each of which has been told
// already; nil when all went well.
func (t *Tally) Err(what string) error {
	if t.code == Done {
		return nil
	}
	return &Result{Err: fmt.Errorf("%d of %d %s failed", t.failed, t.Items, what), Code: t.code, Shown: true}
}

// Stopped is the error of a command that ended before its last item: what was
// done before makes it partly done. told says that an item had the reason.
func (t *Tally) Stopped(what string, err error, told bool) error {
	code := Code(err)
	switch {
	case t.code == Unknown:
		code = Unknown
	case IsInterrupt(err):
		code = Interrupted
	case told:
		code = t.code
	case t.Items > 0:
		sum := *t
		sum.Add(code)
		code = sum.code
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
