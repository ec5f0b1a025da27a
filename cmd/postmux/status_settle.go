package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
)

// settle finds out what became of the mail of a receipt.
func (a *app) settle(cmd *cobra.Command, args []string, file string) error {
	if len(args) > 0 || file == "" {
		return usageErr("--settle", "expected --receipt FILE and no ID: the receipt tells what to look for")
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
	code := exitCode(err)
	if open := unsettled(got); open > 0 {
		code = exitUnknown
		if err == nil {
			err = fmt.Errorf("the outcome is still unknown for %s", plural(open, "recipient", "recipients"))
		}
	}
	if !a.json {
		a.printReceipt(got)
	}
	switch {
	case code == exitDone && a.json:
		a.out.document(got)
	case code == exitDone:
	case a.json && errors.As(err, new(*provider.Error)):
		return &resultError{err: err, code: code, receipt: got}
	default:
		if a.json {
			a.out.document(got)
		}
		return &resultError{err: err, code: code, shown: true}
	}
	return nil
}

// unsettled counts the recipients whose state is unknown.
func unsettled(r *provider.Receipt) int {
	return len(slices.DeleteFunc(slices.Clone(r.Recipients), func(p provider.RecipientResult) bool { return p.State != provider.StateUnknown }))
}

// readReceipt reads a receipt as it is, or inside the document that an error made.
func readReceipt(cmd *cobra.Command, file string) (*provider.Receipt, error) {
	data, err := readInput(cmd.InOrStdin(), file)
	if err != nil {
		return nil, err
	}
	var doc struct {
		provider.Receipt
		Inner *provider.Receipt `json:"receipt"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, usageErr("--receipt", "%s holds no receipt: %v", file, err)
	}
	if doc.Inner != nil {
		return doc.Inner, nil
	}
	return &doc.Receipt, nil
}
