package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/postmux/postmux/provider"
)

// tally makes one exit code of those of many items.
type tally struct {
	code, items, failed int
}

// add counts an item: unknown wins, and different codes are partly done.
func (t *tally) add(code int) {
	switch {
	case t.code == exitUnknown:
	case t.items == 0 || code == exitUnknown:
		t.code = code
	case code != t.code:
		t.code = exitPartly
	}
	t.items++
	if code != exitDone {
		t.failed++
	}
}

// addMany counts n items with the same code.
func (t *tally) addMany(code, n int) {
	if n == 0 {
		return
	}
	t.add(code)
	t.items += n - 1
	if code != exitDone {
		t.failed += n - 1
	}
}

// err is the error of a command over many items, each of which has been told
// already; nil when all went well.
func (t *tally) err(what string) error {
	if t.code == exitDone {
		return nil
	}
	return &resultError{err: fmt.Errorf("%d of %d %s failed", t.failed, t.items, what), code: t.code, shown: true}
}

// stopped is the error of a command that ended before its last item: what was
// done before makes it partly done. told says that an item had the reason.
func (t *tally) stopped(what string, err error, told bool) error {
	code := exitCode(err)
	switch {
	case t.code == exitUnknown:
		code = exitUnknown
	case interrupted(err):
		code = exitInterrupted
	case told:
		code = t.code
	case t.items > 0:
		sum := *t
		sum.add(code)
		code = sum.code
	}
	return &resultError{err: &stopError{after: what, err: err}, code: code, shown: told}
}

// stopError is why not all items were done.
type stopError struct {
	after string
	err   error
}

func (e *stopError) Unwrap() error { return e.err }

// Error leaves out that nothing was sent where it is the input that ended it:
// that is true of the rest only.
func (e *stopError) Error() string {
	text := e.err.Error()
	if errors.Is(e.err, context.Canceled) {
		return "stopped after " + e.after + " by an interrupt"
	}
	if p, ok := errors.AsType[*provider.Error](e.err); ok && p.Provider == "" {
		text = ownWords(e.err, p)
	}
	return "stopped after " + e.after + ": " + text
}

func manyError(codes []int, what string) error {
	var t tally
	for _, c := range codes {
		t.add(c)
	}
	return t.err(what)
}

// interrupted reports whether err is the end of the context, bare or inside.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, provider.ErrCanceled)
}

// notTried reports whether err says that an item was left because of an earlier
// one, or of an interrupt. That has an error of its own at the end.
func notTried(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return ok && e.Kind == provider.ErrCanceled && e.Outcome == provider.OutcomeNotSent
}
