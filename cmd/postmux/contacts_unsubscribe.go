package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newContactUnsubscribe(a *app) *cobra.Command {
	var list, reason string
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "unsubscribe EMAIL",
		Short: "Unsubscribe an address from one list, or from all mail",
		Args:  terminal.WantArgs("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var from provider.Ref
			if cmd.Flags().Changed("list") {
				ref, err := parseRef("--list", list)
				if err != nil {
					return err
				}
				from = ref
			}
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			r, err := c.Unsubscribe(cmd.Context(), args[0], from, reason)
			if dry.on {
				return dry.show(a, err)
			}
			return a.showContactReceipt(r, err)
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "only from the list `REF`: an alias, or id:ID")
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` why, where the provider keeps it")
	dry.flag(cmd)
	return cmd
}
