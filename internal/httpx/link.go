package httpx

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/postmux/postmux/internal/begun"
	"github.com/postmux/postmux/internal/scrub"
	"github.com/postmux/postmux/rest"
)

// link is one step of the chain. It prepares the call, passes it to the next
// link and acts on what comes back. Links share nothing but what an exchange
// carries down, and the answer and the failure that come up.
type link interface {
	// do carries out the call. The failure is nil for a success. The answer is
	// nil when none came.
	do(ctx context.Context, x exchange) (*Answer, *failure)
	setNext(next link)
}

// linked is the part that all links have in common.
type linked struct{ next link }

func (l *linked) setNext(next link) { l.next = next }

// connect makes each link pass its calls to the one after it.
func connect(links []link) []link {
	for i, next := range links[1:] {
		links[i].setNext(next)
	}
	return links
}

// exchange is a call on its way through the chain. It is passed by value: a link
// changes its own copy and passes that on, so that a second attempt does not
// inherit from the first.
type exchange struct {
	call *rest.Call
	out  any // what a 2xx answer is decoded into

	attempt  int       // number of the attempt, from 1; set by retry
	ends     time.Time // the end of the whole call; set by retry
	notAfter time.Time // the attempt's body may not begin to leave later, zero for any; set by retry
	until    time.Time // that bound as the caller has set it, zero for none; set by retry
	letGo    time.Time // what has not left by then may go elsewhere, zero for never; set by retry

	cancel context.CancelFunc // ends the attempt; set by deadline

	backoff    time.Duration   // waited before this attempt, after a failed one; set by retry
	waited     time.Duration   // spent waiting for the account's limit; set by limit
	credential string          // REDACTED until auth sets it
	secrets    *scrub.Scrubber // for what comes back; set by auth

	// The encoded request; set by encode.
	url    *url.URL
	header http.Header
	body   *sealedBody
}

// boundBy reports whether of notAfter and other the bound of the caller is what ends first.
func (x exchange) boundBy(other time.Time) bool {
	return !x.until.IsZero() && x.until.Equal(earliest(x.notAfter, other))
}

// lateCause is why nothing leaves after notAfter.
func (x exchange) lateCause() error {
	if x.boundBy(time.Time{}) {
		return begun.ErrOver
	}
	return errTooLate
}

// Answer is an answer as received.
type Answer struct {
	Call   *rest.Call
	Status int
	Header http.Header
	Body   []byte // the JSON of what was received, without credentials; see payload
	raw    []byte // as received
	// secrets are taken out of what is read from the header; set by read.
	secrets *scrub.Scrubber

	decoded bool // evidence decoded the body into the exchange's out
	// What the vendor is still sending; set by send, taken by read.
	stream io.ReadCloser
	length int64 // of the stream by the header, -1 when the header does not say
}

// OK reports whether the status is 2xx.
func (a *Answer) OK() bool { return a.Status >= 200 && a.Status <= 299 }
