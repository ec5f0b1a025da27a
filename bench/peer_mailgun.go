package main

import (
	"context"

	"github.com/mailgun/mailgun-go/v4"
)

func mailgunPeer() peer {
	return peer{
		name: "mailgun-go (multipart)", module: "github.com/mailgun/mailgun-go/v4", status: 200, open: openMailgun,
		answer: `{"id":"<20261122031200.1.ABCDEF@mg.example.com>","message":"Queued. Thank you."}`,
	}
}

func openMailgun(t target) (sendFunc, error) {
	c := mailgun.NewMailgun("mg.example.com", "key-0123456789abcdef")
	c.SetAPIBase(t.base + "/v3")
	if t.hc != nil {
		c.SetClient(t.hc)
	}
	return func(ctx context.Context, m *mail) error {
		message := mailgun.NewMessage(m.fromName+" <"+m.from+">", m.subject, "", m.toName+" <"+m.to+">")
		message.SetHTML(m.html)
		if err := message.AddTag(m.tag); err != nil {
			return err
		}
		_, _, err := c.Send(ctx, message)
		return err
	}, nil
}
