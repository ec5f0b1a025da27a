package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
)

func newOutboxPurge(a *app) *cobra.Command {
	var before string
	var yes bool
	cmd := &cobra.Command{
		Use:   "purge",
		Short: "Remove messages that ended long ago",
		Long: `Remove messages that ended longer ago than the retention of the configuration says,
or before a time, and keys whose time is over. What is queued, under way or unknown
stays, however old. Workers purge by themselves once an hour. It asks; without a
terminal it needs --yes.`,
		Example: `  postmux outbox purge
  postmux outbox purge --before -30d --yes`,
		Args: terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.noAccount("it removes messages of all accounts"); err != nil {
				return err
			}
			change := func(*outbox.Config) {}
			question := "Remove the messages that ended before the time of their retention?"
			if before != "" {
				now := time.Now()
				at, err := parseTime("--before", before, time.Local, now)
				if err != nil {
					return err
				}
				if at.After(now) {
					return exit.UsageError("--before", "expected a time in the past, got %s", timeText(at))
				}
				keep := max(now.Sub(at), time.Microsecond) // 0 is the default of the configuration
				change = func(c *outbox.Config) { c.Retention.Accepted, c.Retention.Failed = keep, keep }
				question = "Remove the messages that ended before " + timeText(at) + "?"
			}
			if err := a.confirm(cmd, yes, "purge", question); err != nil {
				return err
			}
			return a.withBox(cmd, change, func(b *outbox.Box) error {
				p, err := b.Purge(cmd.Context())
				if err != nil {
					return err
				}
				if a.json {
					a.out.Document(p)
				} else {
					a.out.Say(fmt.Sprintf("%s and %s removed", terminal.Plural(int(p.Messages), "message", "messages"), terminal.Plural(int(p.Keys), "key", "keys")))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&before, "before", "", "remove what ended before `TIME`, like -30d or 2026-03-21, instead of by the retention")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}
