package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

func newLists(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:         "lists",
		Short:       "Show, make and remove lists, or change who is on one",
		Long:        `Show the lists of the account. With --json each list is one line of JSON that begins with its index.`,
		Args:        terminal.NoCommand,
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			return a.printLists(cmd.Context(), c)
		},
	}
	cmd.AddCommand(
		newListCreate(a), newListDelete(a), newListFolders(a),
		newMembers(a, "add", "Put contacts on a list", addressJob{verb: "add", op: "lists.add", need: contactrows.NeedStanding, refuses: notStopped}, (*provider.Client).AddToList),
		newMembers(a, "remove", "Take contacts off a list; they stay contacts", addressJob{verb: "take off the list", op: "lists.remove", need: contactrows.NeedAddress}, (*provider.Client).RemoveFromList),
	)
	return cmd
}

func (a *app) printLists(ctx context.Context, c *provider.Client) error {
	t := terminal.NewTable(a.out, "ID", "NAME", "CONTACTS")
	i := 0
	var printed []provider.List
	for list, err := range c.AllLists(ctx) {
		if err != nil {
			t.Flush()
			return err
		}
		if a.json {
			a.out.Line(terminal.Indexed(i, list))
			i++
			continue
		}
		printed = append(printed, list)
		count := ""
		if list.Count >= 0 {
			count = strconv.FormatInt(list.Count, 10)
		}
		t.Row(list.ID, list.Name, count)
	}
	if !a.json {
		t.End()
		keepLists(c.Account(), printed)
	}
	return nil
}
