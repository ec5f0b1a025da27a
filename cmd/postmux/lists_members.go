package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newMembers(a *app, verb, short string, call func(*provider.Client, context.Context, provider.Ref, []string) ([]provider.MemberResult, error)) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use:   verb + " LIST EMAIL...",
		Short: short,
		Long:  short + ". LIST is an alias, or id:ID. An address that fails does not stop the others.",
		Args:  terminal.WantArgs("LIST", "EMAIL..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := parseRef("LIST", args[0])
			if err != nil {
				return err
			}
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			results, err := call(c, cmd.Context(), ref, args[1:])
			if dry.on {
				return dry.show(a, err)
			}
			if err != nil {
				return err
			}
			return a.printMembers(c, ref, results)
		},
	}
	dry.flag(cmd)
	return cmd
}

func (a *app) printMembers(c *provider.Client, list provider.Ref, results []provider.MemberResult) error {
	codes := make([]int, len(results))
	t := terminal.NewTable(a.out)
	for i, r := range results {
		word := "done"
		if r.Error != nil {
			word = r.Error.Error()
			codes[i] = exit.Code(r.Error)
		}
		if !a.json {
			t.Row(r.Email, word)
		}
	}
	t.Flush()
	if a.json {
		a.out.Document(map[string]any{"provider": c.Provider(), "account": c.Account(), "list": list, "results": results})
	}
	return exit.ManyError(codes, "addresses")
}
