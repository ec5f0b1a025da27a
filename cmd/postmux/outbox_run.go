package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
)

func newOutboxRun(a *app) *cobra.Command {
	var drain bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Send what is in the outbox",
		Long: `Send what is in the outbox, of all accounts, until interrupted. Any number of workers
may run, on any number of hosts: each message is one worker's. What a worker that
died had under way is taken up by the others.

The first interrupt, or SIGTERM, takes no more messages, waits for the calls under
way up to stop_within, stores their results and gives the rest back; the second
interrupts the calls; the third ends the process. With --json each change of a state
is a line on stdout.

--drain ends when nothing is due: for a timer, or a test. What waits for its time, or
for an account that is held, is left.`,
		Example: `  postmux outbox run
  postmux outbox run --drain`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.noAccount(`a worker sends for all accounts; "postmux outbox hold ACCOUNT" stops one`); err != nil {
				return err
			}
			return a.runOutbox(cmd, drain)
		},
	}
	cmd.Flags().BoolVar(&drain, "drain", false, "end when nothing is due")
	return cmd
}

// outboxChanged is a line of run --json.
type outboxChanged struct {
	ID    string       `json:"id"`
	State outbox.State `json:"state"`
}

func (a *app) runOutbox(cmd *cobra.Command, drain bool) error {
	var mu sync.Mutex
	ended := make(map[outbox.State]int)
	hooks := outbox.Hooks{OnState: func(_ context.Context, id string, to outbox.State) {
		mu.Lock()
		defer mu.Unlock()
		if to != outbox.Queued {
			ended[to]++
		}
		if a.json {
			a.out.Line(outboxChanged{id, to})
		}
	}}
	change := func(c *outbox.Config) { c.Hooks, c.Log = hooks, slog.New(logLines{a.errOut}) }
	return a.withBox(cmd, change, func(b *outbox.Box) error {
		second, release := terminal.Unhurried(cmd.Context())
		defer release()
		defer context.AfterFunc(second, b.Hurry)()
		var err error
		if drain {
			err = b.Drain(cmd.Context())
		} else {
			cmd.PrintErrln("sending; interrupt to stop in order")
			err = b.Run(cmd.Context())
		}
		var parts []string
		for _, state := range outbox.States() {
			if n := ended[state]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, state))
			}
		}
		if len(parts) == 0 {
			parts = []string{"nothing was sent"}
		}
		a.tellSummary(cmd, strings.Join(parts, ", "))
		return err
	})
}

// logLines is a slog.Handler that writes a line for people.
type logLines struct{ to *terminal.Talk }

// Enabled implements slog.Handler.
func (logLines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (h logLines) Handle(_ context.Context, r slog.Record) error {
	line := strings.TrimPrefix(r.Message, "outbox: ")
	if why, ok := attr(r, "why"); ok && strings.HasPrefix(r.Message, "outbox: the database") {
		line = "warning: " + why
	} else {
		r.Attrs(func(at slog.Attr) bool {
			line += "; " + at.Key + " " + at.Value.String()
			return true
		})
	}
	_, err := fmt.Fprintln(h.to, terminal.Printable(line))
	return err
}

func attr(r slog.Record, key string) (string, bool) {
	text, found := "", false
	r.Attrs(func(at slog.Attr) bool {
		if at.Key == key {
			text, found = at.Value.String(), true
		}
		return !found
	})
	return text, found
}

// WithAttrs implements slog.Handler.
func (h logLines) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h logLines) WithGroup(string) slog.Handler { return h }
