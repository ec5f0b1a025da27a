package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/postmux/postmux/provider"
)

// Exit codes. Scripts rely on them.
const (
	exitDone        = 0
	exitBug         = 1   // a bug, or writing the output failed
	exitLocal       = 2   // stopped here: usage, unreadable input, configuration, invalid, unsupported; nothing was sent
	exitPartly      = 3   // of many items some were done, or they failed in different ways
	exitCredentials = 4   // the provider does not accept the credentials, or not for this
	exitRefused     = 5   // the provider refused: invalid, no credit, conflict, not found
	exitLater       = 6   // a limit, an outage or a useless answer; provably nothing was sent
	exitUnknown     = 7   // a request left and no usable answer came
	exitInterrupted = 130 // interrupted before a request left
)

const exitHelp = `Exit codes:

  0    done
  1    a bug, or writing the output failed
  2    stopped locally (usage, input that cannot be read, configuration, invalid,
       unsupported): nothing was sent
  3    partly done
  4    the provider does not accept the credentials (401, 403)
  5    the provider refused (invalid, no credit, conflict, not found)
  6    a limit, an outage, or a useless answer (a redirect, say) to a read or to a
       call that had no effect; provably nothing was sent
  7    the outcome is unknown: a request left and no usable answer came
  130  interrupted; when a request had left, 7 tells more and wins

Of many items: 7 if any is unknown, else 3 if they differ, else their common code.
`

// resultError is an error with more to tell than itself.
type resultError struct {
	err error
	// code, when not 0, replaces the code of err.
	code int
	// receipt goes beside the error into the JSON document.
	receipt any
	// shown says that stdout has all of it already.
	shown bool
}

func (e *resultError) Error() string { return e.err.Error() }
func (e *resultError) Unwrap() error { return e.err }

const opUsage = "usage"

// usageErr is a mistake on the command line; nothing was sent.
func usageErr(field, format string, args ...any) error {
	return &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Op: opUsage, Field: field, Message: fmt.Sprintf(format, args...)}
}

// fileError says in which file an error lies.
type fileError struct {
	file string
	err  error
}

func (e *fileError) Error() string { return e.file + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func configErr(field, format string, args ...any) *provider.Error {
	return &provider.Error{Kind: provider.ErrConfig, Outcome: provider.OutcomeNotSent, Field: field, Message: fmt.Sprintf(format, args...)}
}

// isUsage reports whether err is a mistake on the command line.
func isUsage(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return ok && e.Op == opUsage
}

// asUsage takes an error of cobra, which knows no kinds.
func asUsage(err error) error {
	var e *provider.Error
	if errors.As(err, &e) {
		return err
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	if _, set, ok := strings.Cut(first, "none of the others can be; ["); ok {
		names, _, _ := strings.Cut(set, "]")
		first = "--" + strings.Join(strings.Fields(names), " and --") + " cannot stand together"
	}
	return usageErr("", "%s; try --help", first)
}

// exitCode is the exit code for an error of one operation.
func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	var r *resultError
	if errors.As(err, &r) && r.code != 0 {
		return r.code
	}
	var e *provider.Error
	if !errors.As(err, &e) {
		if errors.Is(err, context.Canceled) {
			return exitInterrupted
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return exitLater
		}
		return exitBug
	}
	if e.Kind == provider.ErrDryRun {
		return exitDone
	}
	if e.Outcome == provider.OutcomeMaybeSent || e.Kind == provider.ErrOutcomeUnknown {
		return exitUnknown
	}
	switch e.Kind {
	case provider.ErrConfig, provider.ErrUnsupported:
		return exitLocal
	case provider.ErrInvalid:
		if e.Local() {
			return exitLocal
		}
		return exitRefused
	case provider.ErrUnauthorized, provider.ErrForbidden:
		return exitCredentials
	case provider.ErrNoCredit, provider.ErrConflict, provider.ErrNotFound:
		return exitRefused
	case provider.ErrRateLimited, provider.ErrUnavailable:
		return exitLater
	case provider.ErrBadResponse:
		if e.Outcome == provider.OutcomeSent {
			return exitUnknown // done, but the answer does not tell what came of it
		}
		return exitLater
	case provider.ErrCanceled:
		if errors.Is(e, context.DeadlineExceeded) {
			return exitLater
		}
		return exitInterrupted
	}
	return exitBug
}

// combine is the exit code of many items.
func combine(codes []int) int {
	var t tally
	for _, c := range codes {
		t.add(c)
	}
	return t.code
}

// receiptCode is the exit code of a send. Recipients that had a call of their
// own count as items.
func receiptCode(r *provider.Receipt, err error) int {
	if r == nil || len(r.Recipients) == 0 {
		return exitCode(err)
	}
	codes := make([]int, len(r.Recipients))
	for i, p := range r.Recipients {
		codes[i] = recipientCode(p, err)
	}
	code := combine(codes)
	if code == exitDone {
		code = max(exitCode(err), stateCode(r.State))
	}
	return code
}

func recipientCode(p provider.RecipientResult, err error) int {
	code := stateCode(p.State)
	if code != exitRefused {
		return code
	}
	switch {
	case p.Error == nil || p.Error.Kind == provider.ErrCanceled && err != nil:
		// Not tried after the error before, which stands for it.
		if c := exitCode(err); c != exitDone {
			return c
		}
		return code
	default:
		return exitCode(p.Error)
	}
}

func stateCode(s provider.State) int {
	switch s {
	case provider.StateRefused:
		return exitRefused
	case provider.StateUnknown:
		return exitUnknown
	case provider.StatePartlyAccepted:
		return exitPartly
	}
	return exitDone
}
