package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sendgrid/rest"
	"github.com/sendgrid/sendgrid-go"
	sgmail "github.com/sendgrid/sendgrid-go/helpers/mail"
)

func sendgridPeer() peer {
	return peer{name: "sendgrid-go", module: "github.com/sendgrid/sendgrid-go", json: true, status: http.StatusAccepted, open: openSendgrid}
}

// openSendgrid sets the package's one HTTP client: there is no other place for it.
func openSendgrid(t target) (sendFunc, error) {
	hc := t.hc
	if hc == nil {
		hc = plainClient()
	}
	sendgrid.DefaultClient = &rest.Client{HTTPClient: hc}
	c := sendgrid.NewSendClient("SG.0123456789abcdef")
	c.BaseURL = t.base + "/v3/mail/send"
	return func(ctx context.Context, m *mail) error {
		own := *c // Send writes the body into the client
		message := sgmail.NewV3Mail()
		message.SetFrom(sgmail.NewEmail(m.fromName, m.from))
		message.Subject = m.subject
		p := sgmail.NewPersonalization()
		p.AddTos(sgmail.NewEmail(m.toName, m.to))
		message.AddPersonalizations(p)
		message.AddContent(sgmail.NewContent("text/html", m.html))
		message.AddCategories(m.tag)
		resp, err := own.SendWithContext(ctx, message)
		if err == nil && resp.StatusCode != http.StatusAccepted {
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
		return err
	}, nil
}
