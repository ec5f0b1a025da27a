package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
)

func newOutboxShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Explain where a message is, and why",
		Long: `Explain where a message is and why it is stuck, if it is: its state, what is certain,
what happens next and when, the hold of its account, whether its worker lives, the
last error, and what a person can do.`,
		Example: `  postmux outbox show 0197a4e2-5c1a-7c3e-9d8f-2f6f0f5b7a11`,
		Args:    terminal.WantArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd, func(s *outboxStore) error {
				x, err := s.Explain(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.json {
					a.out.Document(x)
				} else {
					a.printExplanation(x)
				}
				return nil
			})
		},
	}
}

func (a *app) printExplanation(x *outbox.Explanation) {
	e := x.Message
	to := e.Recipient
	if e.Recipients > 1 {
		to += " and " + terminal.Plural(e.Recipients-1, "other", "others")
	}
	account := e.Account
	if e.Member != "" && e.Member != e.Account {
		account += ", latest try at " + e.Member
	}
	rows := [][2]string{
		{"state", string(e.State)},
		{"certain", x.Certain},
		{"next", x.Next},
		{"to", to},
		{"account", account},
		{"hold", holdText(x.Hold)},
		{"worker", workerText(x.Worker)},
		{"last error", errorText(e)},
		{"key", e.Key},
		{"stored", timeText(e.Created)},
		{"changed", timeText(e.Changed)},
		{"decided by", e.Decided},
	}
	a.out.Pairs(rows)
	if len(x.Choices) > 0 {
		a.out.Say("you can")
	}
	for _, c := range x.Choices {
		a.out.Say("  " + c.Command)
		a.out.Say("      " + c.Does)
	}
}

func errorText(e *outbox.Entry) string {
	if e.Error == nil {
		return ""
	}
	return e.Error.Error()
}

func workerText(w *outbox.Worker) string {
	switch {
	case w == nil:
		return ""
	case w.Alive:
		return "alive, on " + w.Host
	case w.Seen.IsZero():
		return "dead, and its sign of life is gone"
	}
	return "dead, on " + w.Host + ", last seen at " + timeText(w.Seen)
}

func holdText(h *outbox.Hold) string {
	if h == nil {
		return ""
	}
	by := "by a worker"
	if h.By != "" {
		by = "by " + h.By
	}
	text := fmt.Sprintf("%s since %s: %s", by, timeText(h.Since), h.Reason)
	if !h.Until.IsZero() {
		text += "; tried again at " + timeText(h.Until)
	}
	return text
}

// lengthText is a length of time for people.
func lengthText(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
	text := d.Round(time.Second).String()
	text = strings.TrimSuffix(text, "m0s")
	if text != d.Round(time.Second).String() {
		text += "m"
	}
	return text
}
