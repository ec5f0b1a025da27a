package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newCancel(a *app) *cobra.Command {
	var receipt string
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "cancel ID | --receipt FILE",
		Short: "Withdraw a scheduled message",
		Long: `Withdraw a message that was sent with a time in the future, by the id of its
receipt. --receipt takes the JSON that "postmux --json send" has written, with the
account that sent it unless --provider names another. What has gone out cannot be
withdrawn; the exit code is 5 then.

With --json the output says "withdrawn": true. A receipt with an id for each
recipient gives one line of JSON for each.`,
		Args: terminal.WantArgs("[ID]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := a.statusIDs(cmd, args, receipt)
			if err != nil {
				return err
			}
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			var codes []int
			for i, id := range ids {
				err := c.Cancel(cmd.Context(), provider.ReceiptFor(c.Account(), id))
				if dry.on {
					if err != nil && !isDryRun(err) {
						return err
					}
					continue
				}
				if err != nil && len(ids) == 1 {
					return err
				}
				a.showWithdrawn(cmd, c, id, err, i, len(ids))
				codes = append(codes, exit.Code(err))
			}
			if dry.on {
				return dry.show(a, nil)
			}
			return exit.ManyError(codes, "messages")
		},
	}
	cmd.Flags().StringVar(&receipt, "receipt", "", "`FILE` with the receipt, - for stdin")
	dry.flag(cmd)
	return cmd
}

// withdrawn is the JSON of a message that was to be withdrawn.
type withdrawn struct {
	Provider  string          `json:"provider"`
	Account   string          `json:"account"`
	MessageID string          `json:"message_id"`
	Withdrawn bool            `json:"withdrawn"`
	Error     *provider.Error `json:"error,omitempty"`
}

// showWithdrawn reports message i of n.
func (a *app) showWithdrawn(cmd *cobra.Command, c *provider.Client, id string, err error, i, n int) {
	doc := withdrawn{Provider: c.Provider(), Account: c.Account(), MessageID: id, Withdrawn: err == nil}
	if err != nil {
		doc.Error = exit.ProviderError(err)
	}
	switch {
	case a.json && n == 1:
		a.out.Document(doc)
	case a.json:
		a.out.Line(terminal.Indexed(i, doc))
	case err != nil:
		cmd.PrintErrln("postmux: " + id + ": " + err.Error())
	default:
		a.out.Pairs([][2]string{{"account", accountText(doc.Account, doc.Provider)}, {"message id", id}, {"state", "withdrawn"}})
	}
}
