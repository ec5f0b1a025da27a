package main

import (
	"context"
	"os"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
)

const brevoAnswer = `{"messageId":"<202611220312.12345678901@smtp-relay.mailin.fr>"}`

// lifted are limits that do not hold back: the vendor's would make every table
// one of 100 mails a second.
var lifted = map[string]string{"send": "1000000/s", "batch": "1000000/s", "contacts": "1000000/s", "other": "1000000/s"}

func postmuxPeer() peer {
	return peer{name: "postmux", json: true, ours: true, status: 201, answer: brevoAnswer, open: openPostmux}
}

// ourClient opens an account; base empty means the vendor's address, limits nil
// the vendor's limits. Accounts with different names share no limits.
func ourClient(base string, limits map[string]string, name string, opts ...provider.Option) (*provider.Client, error) {
	account := provider.AccountSettings{RateLimits: limits}
	if base != "" {
		account.BaseURL = base + "/v3"
	}
	return brevo.Open(brevo.Config{AccountSettings: account, APIKey: provider.NewSecret("xkeysib-0123456789abcdef" + name)}, opts...)
}

func openPostmux(t target) (sendFunc, error) {
	var opts []provider.Option
	if t.hc != nil {
		opts = append(opts, provider.WithHTTPClient(t.hc))
	}
	c, err := ourClient(t.base, lifted, "", opts...)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, m *mail) error {
		_, err := c.Send(ctx, &provider.Message{
			From: provider.Address{Email: m.from, Name: m.fromName}, To: []provider.Address{{Email: m.to, Name: m.toName}},
			Subject: m.subject, HTML: m.html, Tags: []string{m.tag},
		})
		return err
	}, nil
}

// resident returns the largest resident set of this process so far, in kB.
func resident() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	return highWater(string(text))
}
