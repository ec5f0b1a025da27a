package httpx

import (
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
)

// failure is a failed call or attempt: its row of the failure table, and the
// error as far as it is known.
type failure struct {
	class outcome.Class
	err   *provider.Error
}

// canceled returns the failure of a call whose context ended before anything left.
func canceled(err error) *failure {
	return &failure{outcome.Canceled, &provider.Error{Message: err.Error(), Err: err}}
}

// tooLate returns the failure of a call that was kept back because its time, by cause, is
// over.
func tooLate(what string, cause error) *failure {
	return &failure{outcome.Canceled, &provider.Error{
		Kind: provider.ErrCanceled, Message: what + ": " + cause.Error(), Err: cause,
	}}
}

// applyTable looks the failure up in the failure table. It sets the error's
// Outcome and Elsewhere, and its Kind where the table knows better than the
// adapter or the adapter named none. It returns the table's verdict.
func (f *failure) applyTable(in outcome.Input) outcome.Verdict {
	in.Class = f.class
	v := outcome.Decide(in)
	e := f.err
	e.Outcome, e.Elsewhere = v.Outcome, v.Elsewhere
	switch {
	case f.class == outcome.Local:
		e.Outcome = provider.OutcomeNotSent
	case v.Kind != "" && (f.class != outcome.Throttled || v.Outcome == provider.OutcomeMaybeSent):
		e.Kind = v.Kind
	case e.Kind == "":
		e.Kind = kindOfClass(f.class)
	}
	return v
}

// configError returns the error about a setting of the account.
func configError(field string, err error) *provider.Error {
	return &provider.Error{Kind: provider.ErrConfig, Outcome: provider.OutcomeNotSent, Field: field, Message: err.Error()}
}
