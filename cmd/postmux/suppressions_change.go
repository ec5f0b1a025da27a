package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
)

func newSuppressionAdd(a *app) *cobra.Command {
	var reason string
	cmd := newAddressChange(a, "add EMAIL", "Keep mail from an address", "",
		func(cmd *cobra.Command, c *provider.Client, email string) (*provider.ContactReceipt, error) {
			return c.AddSuppression(cmd.Context(), email, reason)
		})
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` why, where the provider keeps it")
	return cmd
}

func newSuppressionRemove(a *app) *cobra.Command {
	return newAddressChange(a, "remove EMAIL", "Let mail to an address through again",
		`Let mail to an address through again. Do it only when the person wants the mail;
an address that bounced or complained will do so again otherwise.`,
		func(cmd *cobra.Command, c *provider.Client, email string) (*provider.ContactReceipt, error) {
			return c.RemoveSuppression(cmd.Context(), email)
		})
}
