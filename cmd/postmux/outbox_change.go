package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
)

func newOutboxRetry(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "retry ID...",
		Short: "Queue messages again that were refused or given up",
		Long: `Queue messages again that are refused or dead, for now. Provably nothing was sent of
them, so no mail goes out twice. Others are a conflict: "decide" is for what may have
been sent.`,
		Example:     `  postmux outbox retry 0197a4e2-5c1a-7c3e-9d8f-2f6f0f5b7a11`,
		Args:        terminal.WantArgs("ID..."),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withBox(cmd, nil, func(b *outbox.Box) error {
				return a.changeEach(cmd, args, outbox.Queued, func(id string) error { return b.Retry(cmd.Context(), id) })
			})
		},
	}
}

func newOutboxCancel(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel ID...",
		Short: "Take messages back that are queued",
		Long: `Take messages back. That is certain while a message is queued and no try may have
sent it; everything else is a conflict that names the state.`,
		Example:     `  postmux outbox cancel 0197a4e2-5c1a-7c3e-9d8f-2f6f0f5b7a11`,
		Args:        terminal.WantArgs("ID..."),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd, func(s *outboxStore) error {
				return a.changeEach(cmd, args, outbox.Canceled, func(id string) error { return s.Cancel(cmd.Context(), id) })
			})
		},
	}
}

func newOutboxDecide(a *app) *cobra.Command {
	var sent, again, drop, yes bool
	var by string
	cmd := &cobra.Command{
		Use:   "decide ID... --sent|--again|--drop --by NAME",
		Short: "Say what became of messages that nobody knows about",
		Long: `Close what no program can: messages whose outcome is unknown. --sent says that they
went out; --again sends them again, so that they may arrive twice; --drop does nothing
more, also for messages that are dead or refused. The name of the person is kept with
the message. --again asks; without a terminal it needs --yes.`,
		Example: `  postmux outbox decide 0197a4e2-5c1a-7c3e-9d8f-2f6f0f5b7a11 --sent --by anna
  postmux outbox decide 0197a4e2-5c1a-7c3e-9d8f-2f6f0f5b7a11 --again --by anna --yes`,
		Args:        terminal.WantArgs("ID..."),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := wantBy(by); err != nil {
				return err
			}
			decision, to := outbox.Drop, outbox.Dropped
			switch {
			case sent:
				decision, to = outbox.WasSent, outbox.Accepted
			case again:
				decision, to = outbox.SendAgain, outbox.Queued
				question := "Send " + terminal.Plural(len(args), "message", "messages") + " again, which may arrive twice?"
				if err := a.confirm(cmd, yes, "--again", question); err != nil {
					return err
				}
			case !drop:
				return exit.UsageError("", "expected --sent, --again or --drop")
			}
			return a.withBox(cmd, nil, func(b *outbox.Box) error {
				return a.changeEach(cmd, args, to, func(id string) error { return b.Decide(cmd.Context(), id, decision, by) })
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&sent, "sent", false, "they went out")
	f.BoolVar(&again, "again", false, "send them again; they may arrive twice")
	f.BoolVar(&drop, "drop", false, "do nothing more about them")
	f.BoolVar(&yes, "yes", false, "do not ask")
	byFlag(cmd, &by, "`NAME` of the person who decides")
	cmd.MarkFlagsMutuallyExclusive("sent", "again", "drop")
	return cmd
}
