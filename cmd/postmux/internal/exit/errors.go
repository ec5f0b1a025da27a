package exit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// Result is an error with more to tell than itself.
type Result struct {
	Err error
	// Code, when not 0, replaces the code of Err.
	Code int
	// Receipt goes beside the error into the JSON document.
	Receipt any
	// Shown says that stdout has all of it already.
	Shown bool
	// Next says what to do, in lines that stand behind the sentence of the error.
	Next []string
}

func (e *Result) Error() string { return e.Err.Error() }
func (e *Result) Unwrap() error { return e.Err }

const opUsage = "usage"

// UsageError is a mistake on the command line; nothing was done.
func UsageError(field, format string, args ...any) error {
	return &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Op: opUsage, Field: field, Message: fmt.Sprintf(format, args...)}
}

// FileError says in which file an error lies.
type FileError struct {
	File string
	Err  error
}

func (e *FileError) Error() string { return e.File + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// ConfigError returns an error of the configuration; nothing was done.
func ConfigError(field, format string, args ...any) *provider.Error {
	return &provider.Error{
		Kind: provider.ErrConfig, Outcome: provider.OutcomeNotSent, Field: text.NoKeyInPath(field), Message: fmt.Sprintf(format, args...),
	}
}

// IsUsage reports whether err is a mistake on the command line.
func IsUsage(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return ok && e.Op == opUsage
}

// AsUsage takes an error of cobra, which knows no kinds.
func AsUsage(err error) error {
	var e *provider.Error
	if errors.As(err, &e) {
		return err
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	if _, set, ok := strings.Cut(first, "none of the others can be; ["); ok {
		names, _, _ := strings.Cut(set, "]")
		first = "--" + strings.Join(strings.Fields(names), " and --") + " cannot stand together"
	}
	return UsageError("", "%s; try --help", first)
}

// IsInterrupt reports whether err is the end of the context, bare or inside.
func IsInterrupt(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, provider.ErrCanceled)
}

// NotTried reports whether err says that an item was left because of an earlier
// one, or of an interrupt. That has an error of its own at the end.
func NotTried(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return ok && e.Kind == provider.ErrCanceled && e.Outcome == provider.OutcomeNotSent
}

// ProviderError gives every error the one JSON form.
func ProviderError(err error) *provider.Error {
	var e *provider.Error
	switch {
	case errors.As(err, &e):
		c := *e
		c.Message = strings.TrimSpace(c.Message)
		if f, ok := errors.AsType[*FileError](err); ok && c.Message != "" {
			c.Message = f.File + ": " + c.Message
		}
		return &c
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &provider.Error{Kind: provider.ErrCanceled, Outcome: provider.OutcomeNotSent, Message: err.Error()}
	}
	return &provider.Error{Kind: provider.ErrInternal, Message: err.Error()}
}

// Same reports whether a and b are one error, told by two operations.
func Same(a, b error) bool {
	x, ok := errors.AsType[*provider.Error](a)
	y, ok2 := errors.AsType[*provider.Error](b)
	if ok && ok2 {
		return x.Kind == y.Kind && x.Status == y.Status && x.Code == y.Code && x.Message == y.Message
	}
	return a != nil && ok == ok2 && errors.Is(b, a)
}
