package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/oapi-codegen/runtime/types"

	"github.com/postmux/postmux/bench/stockbrevo"
)

// stockPeer is what oapi-codegen makes of the same spec as it comes.
func stockPeer() peer {
	return peer{name: "oapi-codegen, stock", module: "github.com/oapi-codegen/runtime", json: true, status: 201, answer: brevoAnswer, open: openStock}
}

func stockClient(t target) (*stockbrevo.ClientWithResponses, error) {
	opts := []stockbrevo.ClientOption{stockbrevo.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("api-key", "xkeysib-0123456789abcdef")
		return nil
	})}
	if t.hc != nil {
		opts = append(opts, stockbrevo.WithHTTPClient(t.hc))
	}
	return stockbrevo.NewClientWithResponses(t.base+"/v3", opts...)
}

func openStock(t target) (sendFunc, error) {
	c, err := stockClient(t)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, m *mail) error {
		from := types.Email(m.from)
		resp, err := c.SendEmailWithResponse(ctx, stockbrevo.SendEmailRequest{
			Sender: &stockbrevo.EmailSender{Email: &from, Name: &m.fromName},
			To:     &[]stockbrevo.EmailAddress{{Email: types.Email(m.to), Name: &m.toName}}, Subject: &m.subject, HtmlContent: &m.html, Tags: &[]string{m.tag},
		})
		if err != nil {
			return err
		}
		if resp.JSON201 == nil {
			return fmt.Errorf("status %d", resp.StatusCode())
		}
		return nil
	}, nil
}
