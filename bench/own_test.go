package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/postmux/postmux/provider"
)

// These benchmarks are for the comparison of two revisions of this project:
// "make benchstat".

func BenchmarkSend(b *testing.B) {
	p := postmuxPeer()
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%dkB", size>>10), func(b *testing.B) {
			send, err := p.open(target{base: "https://api.example.com", hc: &http.Client{Transport: instant{p.status, p.answer}}})
			if err != nil {
				b.Fatal(err)
			}
			m := mailOf(size)
			repeat(b, func(ctx context.Context) error { return send(ctx, m) })
		})
	}
}

// BenchmarkPersonal sends 1,000 mails of their own in one call.
func BenchmarkPersonal(b *testing.B) {
	answer := `{"messageIds":["<1@smtp-relay.mailin.fr>"]}`
	c, err := ourClient("https://api.example.com", lifted, "", provider.WithHTTPClient(&http.Client{Transport: instant{http.StatusCreated, answer}}))
	if err != nil {
		b.Fatal(err)
	}
	repeat(b, func(ctx context.Context) error { return sendPersonal(ctx, c, versionsCall) })
}

func BenchmarkContactsPage(b *testing.B) {
	rows, err := pageRows(contactsPage(0, pageSize, 10*pageSize))
	if err != nil {
		b.Fatal(err)
	}
	repeat(b, rows[0].read)
}

func repeat(b *testing.B, call func(context.Context) error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := call(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
