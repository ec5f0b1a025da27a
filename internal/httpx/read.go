package httpx

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

const (
	maxAnswer      = 8 << 20  // decompressed bytes of a 2xx answer
	maxErrorAnswer = 64 << 10 // of any other
)

// reader reads the body of an answer up to a cap. The cap counts decompressed
// bytes: half a megabyte of gzip can hold half a gigabyte.
type reader struct{ linked }

func (l *reader) do(ctx context.Context, x exchange) (*Answer, *failure) {
	a, f := l.next.do(ctx, x)
	if f != nil {
		return a, f
	}
	limit := maxErrorAnswer
	if a.OK() {
		limit = maxAnswer
	}
	var err error
	a.raw, err = readCapped(a.stream, limit, a.length)
	// Here, so that nothing that is decoded holds a credential: ids, texts, names.
	a.secrets = x.secrets
	a.Body = x.secrets.JSON(payload(a.raw, a.OK() && isList(x.out)))
	_ = a.stream.Close()
	a.stream = nil
	brokeOff := err != nil && !errors.Is(err, outcome.ErrTooLarge)
	broken := func(class outcome.Class) *failure {
		if x.body.tooLate() {
			return &failure{class, &provider.Error{
				Message: "the rest of the answer did not come within answer_timeout", Err: errNoAnswer,
			}}
		}
		return &failure{class, &provider.Error{Message: "the answer broke off", Err: withoutURL(err)}}
	}
	switch {
	case brokeOff && x.body.tooLate() && x.call.Effect == rest.Read:
		return nil, broken(outcome.NoAnswer)
	case a.OK() && brokeOff:
		return a, broken(outcome.Unreadable)
	case a.OK() && err != nil:
		return a, &failure{outcome.Unreadable, &provider.Error{
			Message: fmt.Sprintf("the answer is over %d MiB", maxAnswer>>20), Err: outcome.ErrTooLarge,
		}}
	case brokeOff && x.call.KeyWindow > 0:
		// The lost part may have said that the vendor knows our key, which means accepted.
		return nil, broken(outcome.NoAnswer)
	}
	return a, nil // of an error the status says enough
}

// isList reports whether out, a pointer, takes a list.
func isList(out any) bool {
	t := reflect.TypeOf(out)
	return t != nil && t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Slice
}
