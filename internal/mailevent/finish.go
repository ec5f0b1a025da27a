package mailevent

import (
	"strings"

	"github.com/postmux/postmux/internal/loose"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider/events"
)

// Address returns a text as an address in the form of receipts: with the domain in
// letters, and without blanks around it. What is no text has none.
func Address(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	return mailaddr.Readable(strings.TrimSpace(loose.Text(value)))
}

// Finish sets what follows from the rest of e: the codes in its diagnostic, the reason and
// the class that they tell where the provider tells none, the basis of its time, and ID.
func Finish(e *events.Event) {
	switch e.Kind {
	case events.KindBounced, events.KindDeferred, events.KindRejected, events.KindFailed, events.KindDelivered:
		if e.SMTPCode == 0 && e.SMTPStatus == "" {
			e.SMTPCode, e.SMTPStatus = Reply(e.Diagnostic)
		}
	}
	if e.Kind == events.KindBounced {
		if e.Bounce == "" {
			e.Bounce = BounceOf(e.SMTPCode, e.SMTPStatus)
		}
		if e.Reason == "" {
			e.Reason = ReasonOf(e.SMTPStatus)
		}
	}
	if e.At.IsZero() {
		e.AtBasis = events.AtReceived
	}
	e.Identify()
}
