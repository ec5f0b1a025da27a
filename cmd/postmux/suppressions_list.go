package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newSuppressionList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the addresses that get no mail, and why",
		Long: `List the addresses that get no mail, and why. With --json each is one line of
JSON that begins with its index.`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			return a.printSuppressions(cmd, c)
		},
	}
}

func (a *app) printSuppressions(cmd *cobra.Command, c *provider.Client) error {
	var t *terminal.Table
	if !a.json {
		t = terminal.NewTable(a.out, "EMAIL", "CHANNEL", "SCOPE", "SENDER", "REASON", "AT")
	}
	shown := 0
	for s, err := range c.AllSuppressions(cmd.Context()) {
		if err != nil {
			if t != nil {
				t.Flush()
			}
			return err
		}
		if a.json {
			a.out.Line(terminal.Indexed(shown, s))
		} else {
			t.Row(s.Email, string(s.Channel), string(s.Scope), s.Sender, string(s.Reason), timeText(s.At))
		}
		if shown++; t != nil && shown%tableBlock == 0 {
			t.Flush()
		}
		if a.out.Failed() != nil {
			break
		}
	}
	if t != nil {
		t.End()
	}
	return nil
}
