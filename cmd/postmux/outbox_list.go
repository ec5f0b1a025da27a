package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
)

func newOutboxList(a *app) *cobra.Command {
	var q outbox.Query
	var states []string
	var since, until string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List messages of the outbox, the newest first",
		Long: `List the messages of the outbox, the newest first: all, or those that the flags
choose. With --json each is one line that begins with its index.`,
		Example: `  postmux outbox list --state unknown,dead
  postmux outbox list --to anna@example.com --since -7d`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range states {
				if !slices.Contains(outbox.States(), outbox.State(name)) {
					return exit.UsageError("--state", "expected states of %s, got %q", stateNames(), name)
				}
				q.States = append(q.States, outbox.State(name))
			}
			for _, t := range []struct {
				flag, text string
				to         *time.Time
			}{{"--since", since, &q.Since}, {"--until", until, &q.Until}} {
				if t.text == "" {
					continue
				}
				var err error
				if *t.to, err = parseTime(t.flag, t.text, time.Local, time.Now()); err != nil {
					return err
				}
			}
			if limit < 0 {
				return exit.UsageError("--limit", "expected 0 or more, got %d", limit)
			}
			q.Account = a.account
			return a.withStore(cmd, func(s *outboxStore) error { return a.listOutbox(cmd, s, q, limit) })
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&states, "state", nil, "only messages in these `STATES`, such as unknown,dead")
	f.StringVar(&q.Recipient, "to", "", "only messages whose first recipient is `ADDRESS`")
	f.StringVar(&q.Key, "idempotency-key", "", "only messages with this `KEY`")
	f.StringVar(&q.Namespace, "namespace", "", "only messages of the program with this `NAME`")
	f.StringVar(&q.MessageID, "message-id", "", "only the message to which the provider gave this `ID`")
	f.StringVar(&since, "since", "", "only messages stored since `TIME`, like -7d or 2026-03-21 (of this machine's zone)")
	f.StringVar(&until, "until", "", "only messages stored before `TIME`")
	f.IntVar(&limit, "limit", 0, "stop after `N` messages; 0 means all")
	must(cmd.RegisterFlagCompletionFunc("state", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return strings.Split(stateNames(), ", "), cobra.ShellCompDirectiveNoFileComp
	}))
	return cmd
}

func stateNames() string {
	var names []string
	for _, s := range outbox.States() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

func (a *app) listOutbox(cmd *cobra.Command, s *outboxStore, q outbox.Query, limit int) error {
	var t *terminal.Table
	if !a.json {
		t = terminal.NewTable(a.out, "ID", "STATE", "ACCOUNT", "TO")
		defer func() { t.Flush() }() // also the rows before a failure
	}
	shown := 0
	for e, err := range s.List(cmd.Context(), q) {
		if err != nil {
			return err
		}
		if a.json {
			a.out.Line(terminal.Indexed(shown, e))
		} else {
			to := e.Recipient
			if e.Recipients > 1 {
				to += " and " + terminal.Plural(e.Recipients-1, "other", "others")
			}
			t.Row(e.ID, string(e.State), e.Account, to)
		}
		shown++
		if t != nil && shown%tableBlock == 0 {
			t.Flush()
		}
		if a.out.Failed() != nil || limit > 0 && shown >= limit {
			break
		}
	}
	if t != nil {
		t.End()
	}
	return nil
}
