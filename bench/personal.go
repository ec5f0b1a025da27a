package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/postmux/postmux/provider"
)

const (
	versionsCall = 1000 // personal mails of one call, the vendor's most
	delay        = 50   // milliseconds of every answer
)

// leadTo sends every request to another host. The client believes to be at the
// vendor, so the limits that the library keeps there are in force.
type leadTo struct {
	base *url.URL
	next http.RoundTripper
}

func (t leadTo) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.URL.Path, r.Host = t.base.Scheme, t.base.Host, t.base.Path+r.URL.Path, ""
	return t.next.RoundTrip(r)
}

// personal sends mails of their own to many recipients: in calls of 1,000
// versions, and by hand one a call.
func (r *run) personal(ctx context.Context) (string, error) {
	s, err := r.at(ctx)
	if err != nil {
		return "", err
	}
	base, err := url.Parse(fmt.Sprintf("%s/delay-%d", s.Vendor, delay))
	if err != nil {
		return "", err
	}
	// Two accounts, so that one does not wait for what the other has used up.
	var clients [2]*provider.Client
	for i := range clients {
		hc := &http.Client{Transport: leadTo{base, tuned().Transport}}
		if clients[i], err = ourClient("", nil, strconv.Itoa(i), provider.WithHTTPClient(hc)); err != nil {
			return "", err
		}
	}
	if _, err := s.counts(ctx); err != nil { // begin at zero
		return "", err
	}
	t := table{head: []string{"client", "mails", "calls", "answers 429", "time", "mails a second"}}
	row := func(name string, do func() error) (vendorCounts, time.Duration, error) {
		start := time.Now()
		if err := do(); err != nil {
			return vendorCounts{}, 0, fmt.Errorf("%s: %w", name, err)
		}
		took := time.Since(start)
		c, err := s.counts(ctx)
		if err == nil && c.Mails != r.mails {
			err = fmt.Errorf("%s: %d mails arrived, want %d", name, c.Mails, r.mails)
		}
		t.add(name, thousands(r.mails), thousands(c.Calls), thousands(c.Limited), fmt.Sprintf("%.2f s", took.Seconds()), thousands(int(float64(r.mails)/took.Seconds())))
		return c, took, err
	}
	c, took, err := row("postmux, SendBatch, the vendor's limits in force", func() error { return sendBatch(ctx, clients[0], r.mails) })
	if err != nil {
		return "", err
	}
	if _, _, err := row("postmux, messages with 1,000 recipients each, the same limits", func() error { return sendPersonal(ctx, clients[1], r.mails) }); err != nil {
		return "", err
	}
	if _, _, err := row("net/http, one call a mail, 40 at a time", func() error { return singly(ctx, base.String(), r.mails) }); err != nil {
		return "", err
	}
	calls := (r.mails + versionsCall - 1) / versionsCall
	return t.String() + "\n" + aims([]aim{
		{fmt.Sprintf("%s personal mails: %d calls, none over the limit", thousands(r.mails), calls), fmt.Sprintf("%d, %d over", c.Calls, c.Limited), c.Calls == calls && c.Limited == 0},
		{"within 5 s", fmt.Sprintf("%.2f s", took.Seconds()), took < 5*time.Second},
	}), nil
}

func sendPersonal(ctx context.Context, c *provider.Client, n int) error {
	html := mailOf(2 << 10).html
	for at := 0; at < n; at += versionsCall {
		m := &provider.Message{From: provider.Address{Email: "shop@example.com", Name: "Shop"}, Subject: "سفارش شما", HTML: html}
		for i := at; i < min(n, at+versionsCall); i++ {
			m.Recipients = append(m.Recipients, provider.Recipient{
				Email: fmt.Sprintf("customer%d@example.com", i), Name: "Customer", Variables: map[string]any{"order": i, "city": "Tehran"},
			})
		}
		if _, err := c.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// sendBatch sends messages to one recipient each; the library puts them into calls.
func sendBatch(ctx context.Context, c *provider.Client, n int) error {
	html := mailOf(2 << 10).html
	messages := func(yield func(*provider.Message, error) bool) {
		for i := range n {
			if !yield(&provider.Message{
				From: provider.Address{Email: "shop@example.com", Name: "Shop"}, Subject: "سفارش شما", HTML: html,
				To:        []provider.Address{{Email: fmt.Sprintf("customer%d@example.com", i), Name: "Customer"}},
				Variables: map[string]any{"order": i, "city": "Tehran"},
			}, nil) {
				return
			}
		}
	}
	_, err := c.SendBatch(ctx, messages, func(r provider.BatchResult) error { return r.Err })
	return err
}

// singly keeps below the vendor's 1,000 calls a second by its 40 at a time.
func singly(ctx context.Context, base string, n int) error {
	send := byHand(target{base: base}, tuned(), encodeByHand)
	m := mailOf(2 << 10)
	next := make(chan struct{}, n)
	for range n {
		next <- struct{}{}
	}
	close(next)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	together(40, func() {
		for range next {
			if err := send(ctx, m); err != nil {
				cancel(err)
				return
			}
		}
	})
	return context.Cause(ctx)
}
