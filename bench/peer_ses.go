package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

func sesPeer() peer {
	return peer{
		name: "aws sesv2", module: "github.com/aws/aws-sdk-go-v2/service/sesv2", json: true, status: 200, open: openSES,
		answer: `{"MessageId":"010701857a4c3c3b-0123abcd-0ce1-4ea6-ab68-afcd6dc2e794-000000"}`,
	}
}

func openSES(t target) (sendFunc, error) {
	opts := sesv2.Options{Region: "eu-central-1", BaseEndpoint: &t.base, Credentials: credentials.NewStaticCredentialsProvider("AKID0123456789", "0123456789abcdef", "")}
	if t.hc != nil {
		opts.HTTPClient = t.hc
	}
	c := sesv2.New(opts)
	return func(ctx context.Context, m *mail) error {
		utf8 := aws.String("UTF-8")
		_, err := c.SendEmail(ctx, &sesv2.SendEmailInput{
			FromEmailAddress: aws.String(m.fromName + " <" + m.from + ">"),
			Destination:      &types.Destination{ToAddresses: []string{m.toName + " <" + m.to + ">"}},
			Content: &types.EmailContent{Simple: &types.Message{
				Subject: &types.Content{Data: &m.subject, Charset: utf8},
				Body:    &types.Body{Html: &types.Content{Data: &m.html, Charset: utf8}},
			}},
			EmailTags: []types.MessageTag{{Name: aws.String("kind"), Value: &m.tag}},
		})
		return err
	}, nil
}
