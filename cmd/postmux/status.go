package main

import (
	"encoding/json"
	"slices"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newStatus(a *app) *cobra.Command {
	var receipt, results string
	var settle, resume bool
	cmd := &cobra.Command{
		Use:   "status ID | --receipt FILE [--settle] | --results FILE",
		Short: "Look up what became of a message, or of all of a batch",
		Long: `Look a message up by the id of its receipt. --receipt takes the JSON that
"postmux --json send" has written (also beside an error), with the account that
sent it unless --provider names another. A receipt with an id for each recipient
gives one line of JSON for each.

--settle looks for a mail whose outcome is unknown in the provider's list, by
recipient, subject and time, and writes the receipt with what it found: exit code
0 when it is settled, 7 when it stays unknown, because nothing was found (which
proves nothing) or more than one mail fits. A minute after the send is early
enough to ask. With --json the output can be the next --receipt.

--results takes the FILE that "batch --results" has kept, and looks all its mails up,
within the provider's limits: a line for each recipient, and then how many are in
which state. What is found is written to FILE as well. After a stop --resume asks
only for what had not been delivered, bounced or the like. Exit code 7 when the
outcome of any message is unknown; 3 when some could not be found.`,
		Example: `  postmux status 202611301200.1234@smtp-relay.example
  postmux status --receipt receipt.json --settle
  postmux status --results sent.jsonl`,
		Args: terminal.WantArgs("[ID]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case results != "" && (receipt != "" || settle || len(args) > 0):
				return exit.UsageError("--results", "expected it alone: it looks up all mails of a batch")
			case resume && results == "":
				return exit.UsageError("--resume", "expected --results FILE of the batch whose mails are looked up")
			case results != "":
				a.stream = true
				return a.statusResults(cmd, results, resume)
			}
			if settle {
				return a.settle(cmd, args, receipt)
			}
			ids, err := a.statusIDs(cmd, args, receipt)
			if err != nil {
				return err
			}
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			var codes []int
			for i, id := range ids {
				r, err := c.Status(cmd.Context(), provider.ReceiptFor(c.Account(), id))
				switch {
				case err != nil && len(ids) == 1:
					return err
				case err != nil && a.json:
					a.out.Line(terminal.Indexed(i, map[string]any{"message_id": id, "error": exit.ProviderError(err)}))
				case err != nil:
					cmd.PrintErrln("postmux: " + id + ": " + err.Error())
				case a.json && len(ids) == 1:
					a.out.Document(r)
				case a.json:
					a.out.Line(terminal.Indexed(i, r))
				default:
					a.printReceipt(r, nil)
				}
				codes = append(codes, exit.Code(err))
			}
			return exit.ManyError(codes, "look-ups")
		},
	}
	cmd.Flags().StringVar(&receipt, "receipt", "", "`FILE` with the receipt, - for stdin")
	cmd.Flags().StringVar(&results, "results", "", "look up all mails of a batch, by the `FILE` of its --results")
	cmd.Flags().BoolVar(&resume, "resume", false, "with --results, do not ask again for what has come to its end")
	cmd.Flags().BoolVar(&settle, "settle", false, "find out what became of a mail of unknown outcome")
	return cmd
}

// statusIDs are the ids to look up. A receipt also names the account.
func (a *app) statusIDs(cmd *cobra.Command, args []string, file string) ([]string, error) {
	switch {
	case len(args) == 1 && file == "":
		return args, nil
	case len(args) == 1:
		return nil, exit.UsageError("--receipt", "expected either ID or --receipt, got both")
	case file == "":
		return nil, exit.UsageError("", "expected the ID of a message, or --receipt FILE")
	}
	data, err := input.ReadAll(cmd.InOrStdin(), "--receipt", file, input.ReceiptMost)
	if err != nil {
		return nil, err
	}
	var r savedReceipt
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, exit.UsageError("--receipt", "%s holds no receipt: %v", file, err)
	}
	if r.Receipt != nil {
		r = *r.Receipt
	}
	var ids []string
	for _, p := range r.Recipients {
		if p.MessageID != "" && !slices.Contains(ids, p.MessageID) {
			ids = append(ids, p.MessageID)
		}
	}
	if r.MessageID != "" {
		ids = []string{r.MessageID} // the recipients' ids are the same mail
	}
	if len(ids) == 0 {
		return nil, exit.UsageError("--receipt", "the receipt in %s has no message id to look up", file)
	}
	if a.account == "" {
		a.account = r.Account
	}
	return ids, nil
}

// savedReceipt is what a look-up needs of a receipt that was written to a file:
// as it is, or inside the document that an error made.
type savedReceipt struct {
	Account    string `json:"account"`
	MessageID  string `json:"message_id"`
	Recipients []struct {
		MessageID string `json:"message_id"`
	} `json:"recipients"`
	Receipt *savedReceipt `json:"receipt"`
}
