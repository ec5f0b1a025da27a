package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
func (a *app) showReceipt(ctx context.Context, c *provider.Client, r *provider.Receipt, err error) error {
	code := exit.ReceiptCode(r, err)
	if r != nil && !a.json {
		a.printReceipt(r, err)
	}
	if code == exit.Done {
		if r != nil && a.json {
			a.out.Document(r)
		}
		return nil
	}
	var next []string
	if code == exit.Unknown && r != nil && !a.json {
		next = keepReceipt(ctx, c, r)
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

// printReceipt prints r. err is the error of the same call, which stands on stderr and is
// not told twice.
func (a *app) printReceipt(r *provider.Receipt, err error) {
	rows := [][2]string{
		{"account", accountText(r.Account, r.Provider)},
		{"state", stateText(r.State, err)},
		{"message id", r.MessageID},
		{"batch id", r.BatchID},
		{"outbox id", r.OutboxID},
		{"key", r.IdempotencyKey},
	}
	if err == nil { // the error has them too
		for _, why := range passedOver(r) {
			rows = append(rows, [2]string{"not by", why})
		}
	}
	for _, p := range r.Recipients {
		reason := err
		if p.Error != nil {
			reason = p.Error
		}
		line := p.Email + "  " + stateText(p.State, reason)
		if p.MessageID != r.MessageID {
			line += "  " + p.MessageID
		}
		if p.Error != nil && !exit.Same(p.Error, err) {
			line += "  " + p.Error.Error()
		}
		rows = append(rows, [2]string{"recipient", line})
	}
	for _, n := range r.Notes {
		rows = append(rows, [2]string{"note", terminal.NoteText(n)})
	}
	a.out.Pairs(rows)
}

// passedOver are the members of a route that did not send a mail, with the reason.
func passedOver(r *provider.Receipt) []string {
	var out []string
	for _, a := range r.Accounts {
		if a.Error == nil || a.Account == r.Account {
			continue
		}
		e := *a.Error
		e.Op = "" // the mail was sent, by another
		if text := strings.TrimSuffix(e.Error(), "; nothing was sent"); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// stateText is a state in words. A mail that never reached the provider is refused in a
// receipt, as one that is provably not sent; for people that is another thing.
func stateText(s provider.State, reason error) string {
	e, ok := errors.AsType[*provider.Error](reason)
	if s == provider.StateRefused && ok && e.Status == 0 {
		return "not sent"
	}
	return string(s)
}
