package httpx

import (
	"context"

	"github.com/postmux/postmux/internal/fastpath"
	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// decoder decodes the body of a 2xx answer to a read. Of others evidence has done it.
type decoder struct {
	linked
	header headerReader
}

func (l *decoder) do(ctx context.Context, x exchange) (*Answer, *failure) {
	a, f := l.next.do(ctx, x)
	if f != nil || a.decoded {
		return a, f
	}
	if err := decode(x.call, a.Body, x.out); err != nil {
		f := &failure{outcome.Unreadable, &provider.Error{Message: "the answer cannot be decoded", Err: err}}
		l.header.annotate(f.err, a)
		redact(f.err, a.secrets)
		f.applyTable(outcome.Input{Effect: x.call.Effect})
		return a, f
	}
	return a, nil
}

// decode decodes the body of a 2xx answer into out, by out itself where it can.
func decode(call *rest.Call, data []byte, out any) error {
	if own, ok := out.(fastpath.Decoder); ok {
		return own.DecodeJSON(data)
	}
	return call.Decode(data, out)
}
