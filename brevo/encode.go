package brevo

import (
	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/rest"
)

// emailBody is the body of a mail whose texts provider.Client has checked.
type emailBody brevoapi.SendEmailRequest

// Checked says to the encoder that it need not look for broken UTF-8 once more.
func (*emailBody) Checked() {}

// checked makes the body of a call of SendEmail an emailBody.
var checked = rest.WithBody(func(body *brevoapi.SendEmailRequest) any { return (*emailBody)(body) })

// hasVersions reports whether body is a mail with versions.
func hasVersions(body any) bool {
	switch body := body.(type) {
	case *emailBody:
		return len(body.MessageVersions) > 0
	case *brevoapi.SendEmailRequest:
		return len(body.MessageVersions) > 0
	}
	return false
}
