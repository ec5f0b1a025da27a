package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
)

func newSuppressions(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suppressions",
		Short: "Read and change the addresses that get no mail",
		Long: `Read and change the account's own list of addresses that get no mail, whether
they are contacts or not. Which mail that is differs from provider to provider:
see postmux capabilities.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSuppressionList(a), newSuppressionAdd(a), newSuppressionRemove(a))
	return cmd
}

func newSuppressionList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the addresses that get no mail, and why",
		Long: `List the addresses that get no mail, and why. With --json each is one line of
JSON that begins with its index.`,
		Args:        wantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			return a.printSuppressions(cmd, c)
		},
	}
}

func (a *app) printSuppressions(cmd *cobra.Command, c *provider.Client) error {
	var t *table
	if !a.json {
		t = newTable(a.out, "EMAIL", "CHANNEL", "SCOPE", "SENDER", "REASON", "AT")
	}
	shown := 0
	for s, err := range c.AllSuppressions(cmd.Context()) {
		if err != nil {
			if t != nil {
				t.flush()
			}
			return err
		}
		if a.json {
			a.out.line(indexed(shown, s))
		} else {
			t.row(s.Email, string(s.Channel), string(s.Scope), s.Sender, string(s.Reason), timeText(s.At))
		}
		if shown++; t != nil && shown%tableBlock == 0 {
			t.flush()
		}
		if a.out.failed() != nil {
			break
		}
	}
	if t != nil {
		t.end()
	}
	return nil
}

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

func newContactResubscribe(a *app) *cobra.Command {
	var list string
	var ref provider.Ref
	cmd := newAddressChange(a, "resubscribe EMAIL", "Undo an unsubscription from one list, or from all mail",
		`Undo an unsubscription: from the list --list names, or from all mail. Do it only
when the person has asked for it. What it does not lift is told in the notes.`,
		func(cmd *cobra.Command, c *provider.Client, email string) (*provider.ContactReceipt, error) {
			return c.Resubscribe(cmd.Context(), email, ref)
		})
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		if cmd.Flags().Changed("list") {
			ref, err = parseRef("--list", list)
		}
		return err
	}
	cmd.Flags().StringVar(&list, "list", "", "only to the list `REF`: an alias, or id:ID")
	return cmd
}

// newAddressChange is a command that changes what one address gets.
func newAddressChange(a *app, use, short, long string, call func(*cobra.Command, *provider.Client, string) (*provider.ContactReceipt, error)) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: wantArgs("EMAIL"),
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
