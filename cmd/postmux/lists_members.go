package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// membersMost is the most addresses of one call of a file.
const membersMost = 100

func newMembers(
	a *app, verb, short string, job addressJob, call func(*provider.Client, context.Context, provider.Ref, []string) ([]provider.MemberResult, error),
) *cobra.Command {
	var f fileFlags
	cmd := &cobra.Command{
		Use:   verb + " LIST EMAIL...|--file FILE",
		Short: short,
		Long:  short + ". LIST is an alias, or id:ID. An address that fails does not stop the others." + fileHelp,
		Args:  f.args(1, "LIST", "EMAIL..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := parseRef("LIST", args[0])
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("file") {
				job.most, job.list, job.call = membersMost, ref.String(), func(ctx context.Context, c *provider.Client, emails []string) []provider.ImportResult {
					results, err := call(c, ctx, ref, emails)
					return memberResults(c, emails, results, err)
				}
				return a.runAddresses(cmd, &f, job)
			}
			c, err := a.open(cmd, f.run.dry.options()...)
			if err != nil {
				return err
			}
			results, err := call(c, cmd.Context(), ref, args[1:])
			if f.run.dry.on {
				return f.run.dry.show(a, err)
			}
			if err != nil {
				return err
			}
			return a.printMembers(c, ref, results)
		},
	}
	f.register(cmd, job.need)
	return cmd
}

// memberResults are the results of one call as those of rows.
func memberResults(c *provider.Client, emails []string, results []provider.MemberResult, err error) []provider.ImportResult {
	out := make([]provider.ImportResult, len(emails))
	for i, email := range emails {
		out[i] = provider.ImportResult{Email: email, Err: err}
		if i >= len(results) {
			continue
		}
		if e := results[i].Error; e != nil {
			out[i].Err = e
		} else {
			out[i].Err = nil
			out[i].Receipt = &provider.ContactReceipt{Provider: c.Provider(), Account: c.Account(), Email: email, State: provider.ContactDone}
		}
	}
	return out
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
