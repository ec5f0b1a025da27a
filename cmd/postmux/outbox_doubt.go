package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
)

func newOutboxDoubt(a *app) *cobra.Command {
	var since, by string
	var yes bool
	cmd := &cobra.Command{
		Use:   "doubt --since TIME --by NAME",
		Short: "After a restored backup, doubt what it has as open",
		Long: `Make every message unknown that is due and not ended, after the database was restored
from a backup of the time --since: it may have been sent since then, and nobody knows.
"settle" asks the provider about them, "decide" closes the rest. No worker may run
meanwhile. It asks; without a terminal it needs --yes.`,
		Example: `  postmux outbox doubt --since '2026-11-30 03:00' --by anna`,
		Args:    terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.noAccount("a backup has the messages of all accounts"); err != nil {
				return err
			}
			if since == "" {
				return exit.UsageError("--since", "expected the time of the backup")
			}
			at, err := parseTime("--since", since, time.Local, time.Now())
			if err != nil {
				return err
			}
			if err := wantBy(by); err != nil {
				return err
			}
			return a.withStore(cmd, func(s *outboxStore) error {
				stats, err := s.Stats(cmd.Context())
				if err != nil {
					return err
				}
				if n := aliveWorkers(stats); n > 0 {
					return exit.UsageError("", "%s a sign of life: stop them first, and wait for a lease", terminal.Plural(n, "worker shows", "workers show"))
				}
				question := "Make every message that is due unknown? No program sends them again."
				if err := a.confirm(cmd, yes, "doubt", question); err != nil {
					return err
				}
				n, err := s.Doubt(cmd.Context(), at, by)
				if err != nil {
					return err
				}
				if a.json {
					a.out.Document(map[string]int64{"doubted": n})
				} else {
					a.out.Say(fmt.Sprintf("%s now", terminal.Plural(int(n), "message is unknown", "messages are unknown")))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "`TIME` of the backup, like '2026-11-30 03:00' (of this machine's zone) or -2h")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	byFlag(cmd, &by, "`NAME` of the person who restored it")
	return cmd
}
