package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// newAddressChange is a command that changes what one address gets.
func newAddressChange(a *app, use, short, long string, call func(context.Context, *provider.Client, string) (*provider.ContactReceipt, error)) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: terminal.WantArgs("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.changeAddress(cmd, &dry, args[0], call, nil) },
	}
	dry.flag(cmd)
	return cmd
}

// newAddressesChange is newAddressChange for a command that also takes a file of addresses.
func newAddressesChange(
	a *app, use, short, long string, job addressJob, call func(context.Context, *provider.Client, string) (*provider.ContactReceipt, error),
) *cobra.Command {
	var f fileFlags
	job.call = single(call)
	cmd := &cobra.Command{
		Use: use + " EMAIL|--file FILE", Short: short, Long: long + fileHelp, Args: f.args(0, "EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				if list := cmd.Flags().Lookup("list"); list != nil {
					job.list = list.Value.String()
				}
				return a.runAddresses(cmd, &f, job)
			}
			var agree func(*provider.Client) error
			if job.ask && !f.run.dry.on {
				agree = func(c *provider.Client) error {
					question := fmt.Sprintf("%s %s at %s?", strings.ToUpper(job.verb[:1])+job.verb[1:], text.Printable(args[0]), accountText(c.Account(), c.Provider()))
					return a.confirm(cmd, f.read.yes, job.verb, question)
				}
			}
			return a.changeAddress(cmd, &f.run.dry, args[0], call, agree)
		},
	}
	f.register(cmd, job.need)
	return cmd
}

func (a *app) changeAddress(
	cmd *cobra.Command, dry *dryRun, email string, call func(context.Context, *provider.Client, string) (*provider.ContactReceipt, error),
	agree func(*provider.Client) error, // nil when nobody is asked
) error {
	c, err := a.open(cmd, dry.options()...)
	if err != nil {
		return err
	}
	if agree != nil {
		if err := agree(c); err != nil {
			return err
		}
	}
	r, err := call(cmd.Context(), c, email)
	if dry.on {
		return dry.show(a, err)
	}
	return a.showContactReceipt(r, err)
}
