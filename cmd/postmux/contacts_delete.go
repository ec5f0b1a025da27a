package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

func newContactDelete(a *app) *cobra.Command {
	return newAddressesChange(a, "delete", "Delete a contact from the account",
		`Delete a contact from the account, with its history. Whoever does not want mail
any more should be unsubscribed instead: a deleted address can be imported anew.
A file of contacts is asked about; without a terminal it needs --yes.`,
		addressJob{verb: "delete", op: "contacts.delete", ask: true, need: contactrows.NeedAddress},
		func(ctx context.Context, c *provider.Client, email string) (*provider.ContactReceipt, error) {
			if err := c.DeleteContact(ctx, email); err != nil {
				return nil, err
			}
			return &provider.ContactReceipt{Provider: c.Provider(), Account: c.Account(), Email: email, State: provider.ContactDone}, nil
		})
}
