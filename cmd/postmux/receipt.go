package main

import (
	"fmt"

	"github.com/postmux/postmux/provider"
)

func (a *app) showContactReceipt(r *provider.ContactReceipt, err error) error {
	if err != nil && r == nil {
		return err
	}
	if err != nil {
		return &resultError{err: err, receipt: r}
	}
	if a.json {
		a.out.document(r)
	} else {
		a.out.pairs([][2]string{{"account", accountText(r.Account, r.Provider)}, {"email", r.Email}, {"id", r.ID}, {"state", string(r.State)}, {"notes", noteTexts(r.Notes)}})
	}
	if r.State == provider.ContactUnknown {
		return &resultError{err: fmt.Errorf("%s does not tell what became of it", r.Provider), code: exitUnknown, shown: true}
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
func (a *app) showReceipt(r *provider.Receipt, err error) error {
	code := receiptCode(r, err)
	if r != nil && !a.json {
		a.printReceipt(r)
	}
	if code == exitDone {
		if r != nil && a.json {
			a.out.document(r)
		}
		return nil
	}
	if err != nil {
		result := &resultError{err: err, code: code}
		if r != nil {
			result.receipt = r
		}
		return result
	}
	if a.json {
		a.out.document(r)
	}
	return &resultError{err: fmt.Errorf("%s says %s", r.Provider, r.State), code: code, shown: true}
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
		rows = append(rows, [2]string{"note", noteText(n)})
	}
	a.out.pairs(rows)
}
