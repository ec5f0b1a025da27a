package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
)

func newOutboxSettle(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "settle [ID...]",
		Short: "Ask the provider what became of unknown messages",
		Long: `Ask the provider what became of messages whose outcome is unknown: those of the IDs,
or all. What it proves is stored; nothing is sent. Workers do the same by themselves
after 2 minutes, 20 minutes, 3 hours and a day. Exit code 7 when some stay unknown:
that nothing is found proves nothing.`,
		Example: `  postmux outbox settle
  postmux outbox settle 0197a4e2-5c1a-7c3e-9d8f-2f6f0f5b7a11`,
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return a.withBox(cmd, nil, func(b *outbox.Box) error { return a.settleOutbox(cmd, b, ids) })
		},
	}
}

func (a *app) settleOutbox(cmd *cobra.Command, b *outbox.Box, ids []string) error {
	if len(ids) == 0 {
		q := outbox.Query{States: []outbox.State{outbox.Unknown}, Account: a.account}
		for e, err := range b.Store().List(cmd.Context(), q) {
			if err != nil {
				return err
			}
			ids = append(ids, e.ID)
		}
	}
	var tally exit.Tally
	open := 0
	for i, id := range ids {
		s, err := b.Settle(cmd.Context(), id)
		if err != nil {
			if len(ids) == 1 || exit.IsInterrupt(err) {
				return err
			}
			tally.Add(exit.Code(err))
			a.tellSettled(i, id, "", err.Error(), outboxChange{ID: id, Error: exit.ProviderError(err)})
			continue
		}
		code := exit.Done
		if s.State == outbox.Unknown {
			code = exit.Unknown
			open++
		}
		tally.Add(code)
		a.tellSettled(i, id, s.State, s.Why, s)
	}
	if !a.json {
		a.tellSummary(cmd, fmt.Sprintf("%s looked up, %d still unknown", terminal.Plural(len(ids), "message", "messages"), open))
	}
	if code := tally.Code(); code != exit.Done {
		text := fmt.Sprintf("%s still unknown; \"postmux outbox decide\" says what a person knows", terminal.Plural(open, "message is", "messages are"))
		if open == 0 {
			return tally.Err("look-ups")
		}
		return &exit.Result{Err: fmt.Errorf("%s", text), Code: code, Shown: true}
	}
	return nil
}

func (a *app) tellSettled(i int, id string, state outbox.State, why string, doc any) {
	if a.json {
		a.out.Line(terminal.Indexed(i, doc))
		return
	}
	text := id
	for _, part := range []string{string(state), why} {
		if part != "" {
			text += "  " + part
		}
	}
	a.out.Say(text)
}
