package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/postmux/postmux/provider"
)

// manyError is the error of a command over many items, each of which has been
// told already; nil when all went well.
func manyError(codes []int, what string) error {
	code := combine(codes)
	if code == exitDone {
		return nil
	}
	failed := 0
	for _, c := range codes {
		if c != exitDone {
			failed++
		}
	}
	return &resultError{err: fmt.Errorf("%d of %d %s failed", failed, len(codes), what), code: code, shown: true}
}

// item is the JSON of one item of many.
type item struct {
	Email   string                   `json:"email"`
	Receipt *provider.ContactReceipt `json:"receipt"`
	Error   *provider.Error          `json:"error"`
}

func newItem(email string, r *provider.ContactReceipt, err error) item {
	out := item{Email: email, Receipt: r}
	if err != nil {
		out.Error = asProviderError(err)
	}
	return out
}

// interrupted reports whether err is the end of the context, bare or inside.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, provider.ErrCanceled)
}
