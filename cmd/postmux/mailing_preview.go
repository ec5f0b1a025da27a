package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/mailing"
)

// mailingPreview is what is known of a mailing before it goes out.
type mailingPreview struct {
	mailing  *mailing.Mailing
	config   *mailing.Config
	audience *mailing.Audience
	client   *provider.Client
	keeper   string // the provider that shows who has said no
	results  string
	first    []provider.Contact // those to be mailed first
	count    mailingCount
}

// mailingCount is the JSON of a preview.
type mailingCount struct {
	Mailing  string         `json:"mailing"`
	Account  string         `json:"account"`
	Contacts int            `json:"contacts"`
	ToSend   int            `json:"to_send"`
	Before   int            `json:"sent_before"`
	LeftOut  map[string]int `json:"left_out"`
	Unread   int            `json:"unread,omitempty"`
	Failed   int            `json:"templates_fail_for,omitempty"` // contacts
	Calls    int            `json:"calls"`
	Seconds  float64        `json:"seconds"` // at the limits that are kept; 0 when there is none
	// Examples are the first mails.
	Examples []*provider.Message `json:"examples"`
	failure  error               // of the first template that fails
}

const (
	examplesShown = 3
	firstCall     = 1000 // messages that may share the first call, at most
)

// read goes through the contacts, and makes the first call without sending it.
func (p *mailingPreview) read(a *app, cmd *cobra.Command, past *journal.Past) error {
	n := &p.count
	*n = mailingCount{Mailing: p.config.Name, Account: accountText(p.client.Account(), p.client.Provider()), LeftOut: make(map[string]int)}
	err := p.audience.Count(cmd.Context(), func(c mailing.Candidate) error {
		n.Contacts++
		if c.Why != "" {
			n.LeftOut[c.Why]++
			return nil
		}
		key, err := keyDigest(p.mailing, c.Email)
		if err == nil {
			if did := past.Did(key); did == journal.DidSend || did == journal.DidPart || did == journal.DidBegin {
				n.Before++
				return nil
			}
		}
		n.ToSend++
		if len(p.first) < firstCall {
			p.first = append(p.first, c.Contact)
		}
		if _, _, err := p.mailing.Message(c.Contact); err != nil {
			n.Failed++
			if n.failure == nil {
				n.failure = err
			}
		}
		return nil
	})
	n.Unread = p.audience.Unread()
	if err != nil {
		return err
	}
	return p.estimate(a, cmd)
}

// estimate shows the first call to nobody and counts what it is for.
func (p *mailingPreview) estimate(a *app, cmd *cobra.Command) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	var perSecond float64
	calls := 0
	c, err := a.openAccount(cmd, cfg, a.account, provider.WithDryRun(func(r provider.WireRequest) {
		perSecond = r.PerSecond
		calls++
	}))
	if err != nil {
		return err
	}
	enough := errors.New("the first call is enough")
	together, begun := 1, false
	// Made before the batch, which stops asking for messages once it has begun a call.
	var first []*provider.Message
	for _, contact := range p.first {
		m, _, err := p.mailing.Message(contact)
		if err != nil {
			continue
		}
		keyed(p.client, p.config, m)
		first = append(first, m)
	}
	p.count.Examples = first[:min(examplesShown, len(first))]
	messages := func(yield func(*provider.Message, error) bool) {
		for _, m := range first {
			if !yield(m, nil) {
				return
			}
		}
	}
	var refused error
	_, err = c.SendBatch(cmd.Context(), messages, func(r provider.BatchResult) error {
		if r.Err != nil && !isDryRun(r.Err) && !exit.NotTried(r.Err) && refused == nil {
			refused = r.Err
		}
		return nil
	}, provider.BeforeSending(func(indexes []int) error {
		if begun {
			return enough
		}
		begun, together = true, len(indexes)
		return nil
	}, nil))
	switch {
	case refused != nil && !begun:
		return refused // the first mail, and so every one
	case err != nil && !errors.Is(err, enough) && !isDryRun(err):
		return err
	}
	p.count.Calls = (p.count.ToSend + together - 1) / together * max(1, calls)
	if perSecond > 0 {
		p.count.Seconds = float64(p.count.Calls) / perSecond
	}
	return nil
}

// keyed leaves the key in m only where the provider has keys and m has a call of its own anyway, by
// its link: a message with a key shares none. The result file sees to it that nobody is mailed twice.
func keyed(c *provider.Client, config *mailing.Config, m *provider.Message) {
	if config.Unsubscribe.Link == "" || !c.Has(feature.MessageIdempotencyKey) {
		m.IdempotencyKey = ""
	}
}

// show writes the preview by put, or as JSON on stdout where it is all that is wanted.
func (p *mailingPreview) show(a *app, put func(string)) {
	n := &p.count
	if a.json {
		a.out.Line(n)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "mailing %s by %s\n", n.Mailing, n.Account)
	fmt.Fprintf(&b, "%s: %d to be mailed", terminal.Plural(n.Contacts, "contact", "contacts"), n.ToSend)
	if n.Before > 0 {
		fmt.Fprintf(&b, ", %d begun or sent before (%s)", n.Before, p.results)
	}
	b.WriteString("\n")
	for _, line := range leftOutLines(n.LeftOut, n.Unread) {
		b.WriteString(line + "\n")
	}
	if n.Failed > 0 {
		fmt.Fprintf(&b, "refused: %d  %s\n", n.Failed, terminal.Printable(n.failure.Error()))
	}
	if p.audience.Blind() {
		fmt.Fprintf(&b, "%s shows nobody who has said no: only what the contacts say of themselves counts\n", p.keeper)
	}
	for i, m := range n.Examples {
		fmt.Fprintf(&b, "\nexample %d\n  to       %s\n  subject  %s\n", i+1, terminal.Printable(addressText(m.To[0])), terminal.Printable(m.Subject))
		for _, part := range []struct{ name, text string }{{"text", m.Text}, {"html", m.HTML}} {
			if part.text != "" {
				fmt.Fprintf(&b, "  %-7s  %s\n", part.name, terminal.Printable(shortened(part.text)))
			}
		}
		if way := m.Headers["List-Unsubscribe"]; way != "" {
			fmt.Fprintf(&b, "  leave    %s\n", terminal.Printable(way))
		}
	}
	if n.Calls > 0 {
		fmt.Fprintf(&b, "\n%s", terminal.Plural(n.Calls, "call", "calls"))
		if n.Seconds > 0 {
			fmt.Fprintf(&b, ", about %s at the account's limit", max(time.Second, time.Duration(n.Seconds*float64(time.Second)).Round(time.Second)))
		}
		b.WriteString("\n")
	}
	put(b.String())
}

// shortened is the beginning of a body.
func shortened(s string) string {
	const most = 200
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func addressText(a provider.Address) string {
	if a.Name == "" {
		return a.Email
	}
	return a.Name + " <" + a.Email + ">"
}
