package main

import (
	"fmt"
	"mime"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func (a *app) printDemo(results []*demoRow) {
	a.out.Text("Only one line of the configuration changes from one to the next:\n\n  default: " + results[0].Account + "\n\nCONTACTS counts those written and those read back.\n")
	t := terminal.NewTable(a.out, "DEFAULT", "STATE", "CONTACTS", "MESSAGE ID")
	for _, r := range results {
		t.Row(r.Account, orDash(string(r.State)), countText(r.Written)+"/"+countText(r.ReadBack), orDash(r.MessageID))
	}
	t.Flush()
	a.out.Text("\nWhat the sandbox received:\n")
	t = terminal.NewTable(a.out, "ACCOUNT", "TO", "ATTACHMENT", "SUBJECT")
	for _, r := range results {
		for _, m := range r.Received {
			t.Row(r.Account, addressTexts(m.To), fileTexts(m.Attachments), m.Subject)
		}
	}
	t.Flush()
	demoLines(a.out, "Notes:", results, func(r *demoRow) []string {
		var out []string
		for _, n := range r.Notes {
			out = append(out, terminal.NoteText(n))
		}
		return out
	})
	demoLines(a.out, "Problems:", results, func(r *demoRow) []string { return r.Problems })
	a.out.Text(`
Next, with your own account or with the sandbox:

  postmux init brevo --from shop@example.com    # or: postmux init --sandbox
  postmux send --to anna@example.com --subject Hello --html '<p>Hello</p>'
`)
}

func demoLines(out *terminal.Output, head string, results []*demoRow, lines func(*demoRow) []string) {
	t := terminal.NewTable(out)
	first := true
	for _, r := range results {
		for _, line := range lines(r) {
			if first {
				out.Text("\n" + head + "\n")
				first = false
			}
			t.Row(r.Account, line)
		}
	}
	t.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func countText(n *int) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func addressTexts(list []provider.Address) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.Email
		if a.Name != "" {
			texts[i] = shownName(a) + " <" + a.Email + ">"
		}
	}
	return strings.Join(texts, "; ")
}

// shownName is a name as a mail program shows it: some vendors get it encoded
// (RFC 2047), because they lose it otherwise.
func shownName(a provider.Address) string {
	if name, err := new(mime.WordDecoder).DecodeHeader(a.Name); err == nil {
		return name
	}
	return a.Name
}

func fileTexts(list []provider.Attachment) string {
	texts := make([]string, len(list))
	for i, f := range list {
		texts[i] = f.Name
	}
	return strings.Join(texts, "; ")
}
