package main

import (
	"context"
	"fmt"

	"github.com/mrz1836/postmark"
)

func postmarkPeer() peer {
	return peer{
		name: "postmark", module: "github.com/mrz1836/postmark", json: true, status: 200, open: openPostmark,
		answer: `{"To":"anna@example.com","SubmittedAt":"2026-11-22T03:12:00Z","MessageID":"0a129aee-e1cd-480d-b08d-4f48548ff48d","ErrorCode":0,"Message":"OK"}`,
	}
}

func openPostmark(t target) (sendFunc, error) {
	c := postmark.NewClient("0123456789abcdef", "")
	c.BaseURL = t.base
	if t.hc != nil {
		c.HTTPClient = t.hc
	}
	return func(ctx context.Context, m *mail) error {
		resp, err := c.SendEmail(ctx, postmark.Email{
			From: m.fromName + " <" + m.from + ">", To: m.toName + " <" + m.to + ">", Subject: m.subject, HTMLBody: m.html, Tag: m.tag,
		})
		if err == nil && resp.ErrorCode != 0 {
			err = fmt.Errorf("code %d", resp.ErrorCode)
		}
		return err
	}, nil
}
