// Package exit holds what the end of a command means: its exit code, its JSON document and
// its sentence for people, of one operation or of many items.
package exit

import (
	"context"
	"errors"

	"github.com/postmux/postmux/provider"
)

// Exit codes. Scripts rely on them.
const (
	Done        = 0
	Bug         = 1   // a bug, or writing the output failed
	Local       = 2   // stopped here: usage, unreadable input, configuration, invalid, unsupported; nothing was done
	Partly      = 3   // of many items some were done and some were not
	Credentials = 4   // the provider does not accept the credentials, or not for this
	Refused     = 5   // the provider refused: invalid, no credit, conflict, not found
	Later       = 6   // a limit, an outage or a useless answer; provably nothing was sent
	Unknown     = 7   // a request left and no usable answer came
	Interrupted = 130 // interrupted before a request left
)

// Help explains the exit codes to users.
const Help = `Exit codes:

  0    done
  1    a bug, or writing the output failed
  2    stopped locally (usage, input that cannot be read, configuration,
       invalid, unsupported): nothing was done
  3    of many items some were done and some were not
  4    the provider does not accept the credentials (401, 403)
  5    the provider refused (invalid, no credit, conflict, not found)
  6    a limit, an outage, or a useless answer (a redirect, say) to a read or to
       a call that had no effect; provably nothing was sent
  7    the outcome is unknown: a request left and no usable answer came
  130  interrupted; when a request had left, 7 tells more and wins

Of many items, earlier runs of --results included: 7 if any is unknown, else 3 if
some were done and some were not, else their common code, or of several codes the
first of 4, 6, 5, 2. A dry run ends with the code of a run whose requests succeed.
`

// Code is the exit code for an error of one operation.
func Code(err error) int {
	if err == nil {
		return Done
	}
	var r *Result
	if errors.As(err, &r) && r.Code != 0 {
		return r.Code
	}
	var e *provider.Error
	if !errors.As(err, &e) {
		if errors.Is(err, context.Canceled) {
			return Interrupted
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return Later
		}
		return Bug
	}
	if e.Kind == provider.ErrDryRun {
		return Done
	}
	if e.Outcome == provider.OutcomeMaybeSent || e.Kind == provider.ErrOutcomeUnknown {
		return Unknown
	}
	switch e.Kind {
	case provider.ErrConfig, provider.ErrUnsupported:
		return Local
	case provider.ErrInvalid:
		if e.Local() {
			return Local
		}
		return Refused
	case provider.ErrUnauthorized, provider.ErrForbidden:
		return Credentials
	case provider.ErrNoCredit, provider.ErrConflict, provider.ErrNotFound:
		return Refused
	case provider.ErrRateLimited, provider.ErrUnavailable:
		return Later
	case provider.ErrBadResponse:
		if e.Outcome == provider.OutcomeSent {
			return Unknown // done, but the answer does not tell what came of it
		}
		return Later
	case provider.ErrCanceled:
		if errors.Is(e, context.DeadlineExceeded) {
			return Later
		}
		return Interrupted
	}
	return Bug
}

// Combine is the exit code of many items.
func Combine(codes []int) int {
	var t Tally
	for _, c := range codes {
		t.Add(c)
	}
	return t.Code()
}

// ReceiptCode is the exit code of a send. Recipients that had a call of their
// own count as items.
func ReceiptCode(r *provider.Receipt, err error) int {
	if r == nil || len(r.Recipients) == 0 {
		return Code(err)
	}
	codes := make([]int, len(r.Recipients))
	for i, p := range r.Recipients {
		codes[i] = recipientCode(p, err)
	}
	code := Combine(codes)
	if code == Done {
		code = max(Code(err), stateCode(r.State))
	}
	return code
}

func recipientCode(p provider.RecipientResult, err error) int {
	code := stateCode(p.State)
	if code != Refused {
		return code
	}
	switch {
	case p.Error == nil || p.Error.Kind == provider.ErrCanceled && err != nil:
		// Not tried after the error before, which stands for it.
		if c := Code(err); c != Done {
			return c
		}
		return code
	default:
		return Code(p.Error)
	}
}

func stateCode(s provider.State) int {
	switch s {
	case provider.StateRefused:
		return Refused
	case provider.StateUnknown:
		return Unknown
	case provider.StatePartlyAccepted:
		return Partly
	}
	return Done
}
