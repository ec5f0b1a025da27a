package main

import (
	"context"
	"net/url"

	"github.com/resend/resend-go/v3"
)

func resendPeer() peer {
	return peer{name: "resend-go", module: "github.com/resend/resend-go/v3", json: true, status: 200, answer: `{"id":"49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}`, open: openResend}
}

func openResend(t target) (sendFunc, error) {
	c := resend.NewClient("re_0123456789abcdef")
	if t.hc != nil {
		c = resend.NewCustomClient(t.hc, "re_0123456789abcdef")
	}
	base, err := url.Parse(t.base + "/")
	if err != nil {
		return nil, err
	}
	c.BaseURL = base
	return func(ctx context.Context, m *mail) error {
		_, err := c.Emails.SendWithContext(ctx, &resend.SendEmailRequest{
			From: m.fromName + " <" + m.from + ">", To: []string{m.toName + " <" + m.to + ">"},
			Subject: m.subject, Html: m.html, Tags: []resend.Tag{{Name: "kind", Value: m.tag}},
		})
		return err
	}, nil
}
