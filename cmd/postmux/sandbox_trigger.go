package main

import (
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/sandbox"
)

func newSandboxTrigger(*app) *cobra.Command {
	var c control
	var email string
	var times, batch int
	var campaign, shuffle bool
	cmd := &cobra.Command{
		Use:   "trigger PROVIDER KIND",
		Short: "Make an event happen at a running sandbox",
		Long: `Make an event happen to the newest mail to an address, at a running sandbox, and make
such a mail when there is none. It is told to the webhooks. --campaign means mail of a
campaign, --shuffle and --batch tell badly what vendors tell badly.

Kinds: ` + strings.Join(sandbox.Kinds()[:7], ", ") + `,
` + strings.Join(sandbox.Kinds()[7:], ", ") + `; loaded is an open by a machine.`,
		Example: `  postmux sandbox trigger brevo complained --email anna@example.com
  postmux sandbox trigger sendpulse opened --times 20 --shuffle --batch 3`,
		Args:              terminal.WantArgs("PROVIDER", "KIND"),
		ValidArgsFunction: completeSandbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.check(); err != nil {
				return err
			}
			return c.do(cmd.Context(), http.MethodPost, "triggers", nil, map[string]any{
				"provider": args[0], "kind": args[1], "email": email, "times": times, "campaign": campaign, "shuffle": shuffle, "batch": batch,
			}, nil)
		},
	}
	c.flag(cmd)
	cmd.Flags().StringVar(&email, "email", "anna@example.com", "`EMAIL` whose mail it happens to")
	cmd.Flags().IntVar(&times, "times", 1, "how `OFTEN` it happens, a second apart")
	cmd.Flags().BoolVar(&campaign, "campaign", false, "it happens to mail of a campaign")
	cmd.Flags().BoolVar(&shuffle, "shuffle", false, "webhooks are told in any order")
	cmd.Flags().IntVar(&batch, "batch", 0, "`NUMBER` of events in a call at most, where the webhook takes lists")
	return cmd
}

func newSandboxWebhook(*app) *cobra.Command {
	var c control
	var part string
	cmd := &cobra.Command{
		Use:   "webhook PROVIDER URL",
		Short: "Enter a webhook as on the pages of a provider",
		Long: `Enter a webhook at a running sandbox as a person does on the pages of a provider, where
no call can do it: at sendpulse for --stream smtp, at pakat for opens and clicks of
campaigns. The URL is on this machine.`,
		Example:           `  postmux sandbox webhook sendpulse --stream smtp http://127.0.0.1:8099/sendpulse/smtp/SECRET`,
		Args:              terminal.WantArgs("PROVIDER", "URL"),
		ValidArgsFunction: completeSandbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.check(); err != nil {
				return err
			}
			return c.do(cmd.Context(), http.MethodPost, "webhooks", nil, map[string]any{"provider": args[0], "stream": part, "url": args[1]}, nil)
		},
	}
	c.flag(cmd)
	cmd.Flags().StringVar(&part, "stream", "", "`STREAM` of the webhook: smtp at sendpulse")
	return cmd
}
