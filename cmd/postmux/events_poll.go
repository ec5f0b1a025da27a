package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

func newEventsPoll(a *app) *cobra.Command {
	o := &eventOutput{}
	var folder string
	var since, overlap, every time.Duration
	cmd := &cobra.Command{
		Use:   "poll --cursor FOLDER",
		Short: "Read the provider's log of events",
		Long: `Read the provider's log of events from where the last call stood, which the folder of
--cursor keeps, a file for each account. Nothing is lost and nothing comes twice, unless
a call is killed: then its last page comes again, with the same ids.

--every repeats it until interrupted; a round that fails is not the last. What comes by
webhooks too has the same id where it can happen once.`,
		Example: `  postmux events poll --cursor state --out events.jsonl
  postmux events poll --cursor state --every 5m --forward-to http://127.0.0.1:9000/events`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if folder == "" {
				return exit.UsageError("--cursor", "expected a folder that keeps what was read")
			}
			sink, err := o.sink(a, cmd)
			if err != nil {
				return err
			}
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			tell := func(r events.PollReport, err error) {
				if err != nil {
					cmd.PrintErrln("postmux: " + err.Error())
				}
				for _, note := range r.Notes {
					cmd.PrintErrln("note: " + note)
				}
				cmd.PrintErrln(fmt.Sprintf("%s: %s new of %d listed", r.Account, terminal.Plural(r.New, "event", "events"), r.Listed))
			}
			opts := []events.PollOption{events.WithSince(since), events.WithOverlap(overlap), events.WithRounds(tell)}
			store := events.FileCursor(folder)
			if every > 0 {
				err := events.PollEvery(cmd.Context(), every, c, store, sink, opts...)
				if cmd.Context().Err() != nil {
					return nil //nolint:nilerr // interrupted, which is how it is meant to end
				}
				return err
			}
			report, err := events.Poll(cmd.Context(), c, store, sink, opts...)
			if err != nil {
				var e *provider.Error
				if !errors.As(err, &e) {
					return notTaken(err)
				}
				return err
			}
			tell(report, nil)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&folder, "cursor", "", "`FOLDER` that keeps what was read")
	f.DurationVar(&since, "since", 24*time.Hour, "how far back the first call reads")
	f.DurationVar(&overlap, "overlap", 6*time.Hour, "how much is read again each time: providers list events late")
	f.DurationVar(&every, "every", 0, "repeat it in this interval; 2m or more at Brevo, which allows 300 look-ups an hour")
	o.flags(cmd)
	return cmd
}

func newEventsWatch(a *app) *cobra.Command {
	o := &eventOutput{}
	var state string
	cmd := &cobra.Command{
		Use:   "watch --state FILE [RECEIPTS]",
		Short: "Look mails up until nothing more is expected",
		Long: `Look up the mails whose receipts are in RECEIPTS, one JSON object a line, as send and
batch write them with --json, and hand on what changed since the last call, which the
file of --state keeps. Call it every minute or so: each mail has its own times, from a
minute to six hours, and ends after 72 hours. It is for providers that neither push
events nor list them.`,
		Example:     `  postmux --provider smsby events watch --state watched.json receipts.jsonl`,
		Args:        terminal.WantArgs("[RECEIPTS]"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if state == "" {
				return exit.UsageError("--state", "expected a file that keeps what is known")
			}
			sink, err := o.sink(a, cmd)
			if err != nil {
				return err
			}
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			list, err := watched(cmd, state, args)
			if err != nil {
				return err
			}
			list, failed := events.Watch(cmd.Context(), c, list, sink)
			if err := keepWatched(cmd, state, list); err != nil {
				return errors.Join(failed, err)
			}
			return failed
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "`FILE` that keeps what is known of each mail")
	o.flags(cmd)
	return cmd
}

// watched reads the kept state and adds the receipts that are new.
func watched(cmd *cobra.Command, state string, args []string) ([]events.Watched, error) {
	var list []events.Watched
	data, err := os.ReadFile(state)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, exit.UsageError("--state", "cannot be read: %v", err)
	default:
		if err := json.Unmarshal(data, &list); err != nil {
			return nil, exit.UsageError("--state", "%s holds no state of this command: %v", state, err)
		}
	}
	if len(args) == 0 {
		return list, nil
	}
	known := map[string]bool{}
	for _, w := range list {
		known[w.Receipt.MessageID] = true
	}
	data, err = input.ReadAll(cmd.InOrStdin(), "RECEIPTS", args[0], mostEventLine)
	if err != nil {
		return nil, err
	}
	for i, line := range linesOf(data) {
		var r savedReceipt
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, exit.UsageError("RECEIPTS", "line %d: expected a receipt as JSON", i+1)
		}
		if r.Receipt != nil {
			r = *r.Receipt
		}
		if id := r.MessageID; id != "" && !known[id] {
			known[id] = true
			list = append(list, events.Watched{Receipt: provider.ReceiptFor(r.Account, id)})
		}
	}
	return list, nil
}

func keepWatched(cmd *cobra.Command, state string, list []events.Watched) error {
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	part := state + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	disk := journal.DiskOf(cmd.Context(), file)
	_, err = disk.Write(data)
	if err == nil {
		err = disk.Sync()
	}
	if err = errors.Join(err, disk.Close()); err == nil {
		err = os.Rename(part, state)
	}
	return err
}
