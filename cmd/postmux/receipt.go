package main

import (
	"fmt"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func (a *app) showContactReceipt(r *provider.ContactReceipt, err error) error {
	if err != nil && r == nil {
		return err
	}
	if err != nil {
		return &exit.Result{Err: err, Receipt: r}
	}
	if a.json {
		a.out.Document(r)
	} else {
		a.out.Pairs([][2]string{{"account", accountText(r.Account, r.Provider)}, {"email", r.Email}, {"id", r.ID}, {"state", string(r.State)}, {"notes", terminal.NoteTexts(r.Notes)}})
	}
	if r.State == provider.ContactUnknown {
		return &exit.Result{Err: fmt.Errorf("%s does not tell what became of it", r.Provider), Code: exit.Unknown, Shown: true}
	}
	return nil
}

func accountText(account, prov string) string {
	if account == prov {
		return account
	}
	return account + " (" + prov + ")"
}

// showReceipt prints what became of a send and makes the error of the command.
func (a *app) showReceipt(c *provider.Client, r *provider.Receipt, err error) error {
	code := exit.ReceiptCode(r, err)
	if r != nil && !a.json {
		a.printReceipt(r)
	}
	if code == exit.Done {
		if r != nil && a.json {
			a.out.Document(r)
		}
		return nil
	}
	var next []string
	if code == exit.Unknown && r != nil && !a.json {
		next = keepReceipt(c, r)
	}
	if err != nil {
		result := &exit.Result{Err: err, Code: code, Next: next}
		if r != nil {
			result.Receipt = r
		}
		return result
	}
	if a.json {
		a.out.Document(r)
	}
	return &exit.Result{Err: fmt.Errorf("%s says %s", r.Provider, r.State), Code: code, Shown: true, Next: next}
}

func (a *app) printReceipt(r *provider.Receipt) {
	rows := [][2]string{
		{"account", accountText(r.Account, r.Provider)},
		{"state", string(r.State)},
		{"message id", r.MessageID},
		{"batch id", r.BatchID},
		{"key", r.IdempotencyKey},
	}
	for _, p := range r.Recipients {
		line := p.Email + "  " + string(p.State)
		if p.MessageID != r.MessageID {
			line += "  " + p.MessageID
		}
		if p.Error != nil {
			line += "  " + p.Error.Error()
		}
		rows = append(rows, [2]string{"recipient", line})
	}
	for _, n := range r.Notes {
		rows = append(rows, [2]string{"note", terminal.NoteText(n)})
	}
	a.out.Pairs(rows)
}
