package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// newAddressChange is a command that changes what one address gets.
func newAddressChange(a *app, use, short, long string, call func(*cobra.Command, *provider.Client, string) (*provider.ContactReceipt, error)) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: terminal.WantArgs("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			r, err := call(cmd, c, args[0])
			if dry.on {
				return dry.show(a, err)
			}
			return a.showContactReceipt(r, err)
		},
	}
	dry.flag(cmd)
	return cmd
}
