package main

import (
	"context"

	mailjet "github.com/mailjet/mailjet-apiv3-go/v4"
)

func mailjetPeer() peer {
	return peer{
		name: "mailjet", module: "github.com/mailjet/mailjet-apiv3-go/v4", json: true, status: 200, open: openMailjet,
		answer: `{"Messages":[{"Status":"success","To":[{"Email":"anna@example.com","MessageUUID":"1d2c4b3a-0ce1-4ea6-ab68-afcd6dc2e794","MessageID":456}]}]}`,
	}
}

func openMailjet(t target) (sendFunc, error) {
	c := mailjet.NewMailjetClient("0123456789abcdef", "fedcba9876543210", t.base+"/v3")
	if t.hc != nil {
		c.SetClient(t.hc)
	}
	return func(ctx context.Context, m *mail) error {
		_, err := c.SendMailV31(&mailjet.MessagesV31{Info: []mailjet.InfoMessagesV31{{
			From: &mailjet.RecipientV31{Email: m.from, Name: m.fromName}, To: &mailjet.RecipientsV31{{Email: m.to, Name: m.toName}},
			Subject: m.subject, HTMLPart: m.html, MonitoringCategory: m.tag,
		}}}, mailjet.WithContext(ctx))
		return err
	}, nil
}
