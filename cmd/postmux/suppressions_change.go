package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

func newSuppressionAdd(a *app) *cobra.Command {
	var reason string
	cmd := newAddressesChange(a, "add", "Keep mail from an address", "Keep mail from an address.",
		addressJob{verb: "suppress", op: "suppressions.add", need: contactrows.NeedAddress},
		func(ctx context.Context, c *provider.Client, email string) (*provider.ContactReceipt, error) {
			return c.AddSuppression(ctx, email, reason)
		})
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` why, where the provider keeps it")
	return cmd
}

func newSuppressionRemove(a *app) *cobra.Command {
	return newAddressesChange(a, "remove", "Let mail to an address through again",
		`Let mail to an address through again. Do it only when the person wants the mail;
an address that bounced or complained will do so again otherwise. A file is asked
about, and without a terminal it needs --yes; rows of it that say that somebody gets no
mail are refused.`,
		addressJob{verb: "let mail through to", op: "suppressions.remove", ask: true, need: contactrows.NeedStanding, refuses: notStopped},
		func(ctx context.Context, c *provider.Client, email string) (*provider.ContactReceipt, error) {
			return c.RemoveSuppression(ctx, email)
		})
}
