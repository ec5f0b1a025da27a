package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
)

func newListCreate(a *app) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a list",
		Long: `Make a list. After exit code 7 look for the name before doing it again: a
provider may take the same name twice.`,
		Args: terminal.WantArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			list, err := c.CreateList(cmd.Context(), args[0])
			if dry.on {
				return dry.show(a, err)
			}
			if err != nil {
				return err
			}
			if a.json {
				a.out.Document(list)
			} else {
				a.out.Pairs([][2]string{{"id", list.ID}, {"name", list.Name}})
			}
			return nil
		},
	}
	dry.flag(cmd)
	return cmd
}
