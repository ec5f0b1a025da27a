package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newListDelete(a *app) *cobra.Command {
	var dry dryRun
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete LIST",
		Short: "Remove a list",
		Long: `Remove a list: an alias, or id:ID. Its contacts stay contacts where the provider
keeps them beside lists; elsewhere they go with it. A person is asked; without a
terminal it needs --yes.`,
		Args: terminal.WantArgs("LIST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := parseRef("LIST", args[0])
			if err != nil {
				return err
			}
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			if !dry.on {
				question := fmt.Sprintf("Delete the list %s at %s?", ref, accountText(c.Account(), c.Provider()))
				if err := a.confirm(cmd, yes, "delete", question); err != nil {
					return err
				}
			}
			err = c.DeleteList(cmd.Context(), ref)
			if dry.on {
				return dry.show(a, err)
			}
			if err != nil {
				return err
			}
			a.showDeleted(c, ref)
			return nil
		},
	}
	dry.flag(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "ask nothing")
	return cmd
}

func (a *app) showDeleted(c *provider.Client, list provider.Ref) {
	if a.json {
		a.out.Document(map[string]any{"provider": c.Provider(), "account": c.Account(), "list": list, "state": provider.ContactDone})
		return
	}
	a.out.Pairs([][2]string{{"account", accountText(c.Account(), c.Provider())}, {"list", list.String()}, {"state", string(provider.ContactDone)}})
}
