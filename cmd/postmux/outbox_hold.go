package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newOutboxHold(a *app) *cobra.Command {
	var by, reason string
	cmd := &cobra.Command{
		Use:   "hold ACCOUNT",
		Short: "Stop the mail of an account until it is released",
		Long: `Stop the sending of an account's messages, on all hosts, until "release". Calls under
way go on. Messages are taken into the outbox as before, and wait.`,
		Example: `  postmux outbox hold brevo --reason 'a wrong template' --by anna`,
		Args:    terminal.WantArgs("ACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd, func(s *outboxStore) error {
				if err := wantAccount(s, args[0]); err != nil {
					return err
				}
				if by == "" {
					by = loginName()
				}
				if err := s.Hold(cmd.Context(), args[0], reason, by); err != nil {
					return err
				}
				return a.tellHold(args[0], true)
			})
		},
		ValidArgsFunction: a.completeOneAccount,
	}
	cmd.Flags().StringVar(&reason, "reason", "a person holds it", "`WHY`, which is shown with the messages")
	byFlag(cmd, &by, "`NAME` of the person who holds it (default the name of the login)")
	return cmd
}

func newOutboxRelease(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "release ACCOUNT",
		Short: "Let the mail of an account go out again",
		Long: `Let the messages of an account go out again that a person, or a worker for trouble,
has held. A worker holds it again when the trouble is still there.`,
		Example: `  postmux outbox release brevo`,
		Args:    terminal.WantArgs("ACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd, func(s *outboxStore) error {
				was, err := s.Release(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if !was {
					cmd.PrintErrln("note: " + args[0] + " was not held")
				}
				return a.tellHold(args[0], false)
			})
		},
		ValidArgsFunction: a.completeOneAccount,
	}
}

// wantAccount refuses an account that neither the configuration nor the outbox has: a
// mistyped name would hold nothing.
func wantAccount(s *outboxStore, name string) error {
	if _, ok := s.config.Providers[name]; ok {
		return nil
	}
	return exit.UsageError("ACCOUNT", "no account is called %q; known: %s", name, accountNames(s.config))
}

func accountNames(cfg provider.Config) string {
	names := make([]string, 0, len(cfg.Providers))
	for name := range cfg.Providers {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (a *app) tellHold(account string, held bool) error {
	if a.json {
		a.out.Document(map[string]any{"account": account, "held": held})
		return nil
	}
	word := "released"
	if held {
		word = "held"
	}
	a.out.Say(account + "  " + word)
	return nil
}

// completeOneAccount completes the one account that a command takes.
func (a *app) completeOneAccount(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeAccount(cmd, args, word)
}
