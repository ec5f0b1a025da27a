package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// settle finds out what became of the mail of a receipt.
func (a *app) settle(cmd *cobra.Command, args []string, file string) error {
	if len(args) > 0 || file == "" {
		return exit.UsageError("--settle", "expected --receipt FILE and no ID: the receipt tells what to look for")
	}
	r, err := readReceipt(cmd, file)
	if err != nil {
		return err
	}
	if a.account == "" {
		a.account = r.Account
	}
	c, err := a.open(cmd)
	if err != nil {
		return err
	}
	got, err := c.Settle(cmd.Context(), r)
	if got == nil {
		return err
	}
	code := exit.Code(err)
	if open := unsettled(got); open > 0 {
		code = exit.Unknown
		if err == nil {
			err = fmt.Errorf("the outcome is still unknown for %s", terminal.Plural(open, "recipient", "recipients"))
		}
	}
	if !a.json {
		a.printReceipt(got, err)
	}
	switch {
	case code == exit.Done && a.json:
		a.out.Document(got)
	case code == exit.Done:
	case a.json && errors.As(err, new(*provider.Error)):
		return &exit.Result{Err: err, Code: code, Receipt: got}
	default:
		if a.json {
			a.out.Document(got)
		}
		return &exit.Result{Err: err, Code: code, Shown: true}
	}
	return nil
}

// unsettled counts the recipients whose state is unknown.
func unsettled(r *provider.Receipt) int {
	return len(slices.DeleteFunc(slices.Clone(r.Recipients), func(p provider.RecipientResult) bool { return p.State != provider.StateUnknown }))
}

// readReceipt reads a receipt as it is, or inside the document that an error made.
func readReceipt(cmd *cobra.Command, file string) (*provider.Receipt, error) {
	data, err := input.ReadAll(cmd.InOrStdin(), "--receipt", file, input.ReceiptMost)
	if err != nil {
		return nil, err
	}
	var doc struct {
		provider.Receipt
		Inner *provider.Receipt `json:"receipt"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, exit.UsageError("--receipt", "%s holds no receipt: %v", file, err)
	}
	if doc.Inner != nil {
		return doc.Inner, nil
	}
	return &doc.Receipt, nil
}
