package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/feature"
)

func newSuppressionExport(a *app) *cobra.Command {
	o := &suppressionOutput{seed: maphash.MakeSeed(), had: map[uint64]bool{}}
	var follow bool
	var folder string
	var every, whole time.Duration
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write everybody who gets no mail, and who comes to it",
		Long: `Write everybody whom the account does not mail: its own list of such addresses, and
contacts that have left or are blocked, where the provider keeps that with them. With
--json or --out each is a line of JSON.

--follow goes on until interrupted: it reads the provider's log of events, from where
the last call stood, which the folder of --cursor keeps, and writes who bounced for
good, complained or left. Once a day all are read again, for what was missed. Each is
written once in a run. Nobody is ever taken off: who came back is told on stderr.
What webhooks tell is in "postmux events listen".`,
		Example: `  postmux suppressions export --json
  postmux suppressions export --follow --cursor state --out suppressed.jsonl`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case follow && folder == "":
				return exit.UsageError("--cursor", "expected a folder that keeps what was read")
			case !follow && folder != "":
				return exit.UsageError("--cursor", "it is for --follow")
			case follow && (every <= 0 || whole <= 0):
				return exit.UsageError("--every", "expected more than nothing for it and for --all-every")
			}
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			o.a, o.cmd = a, cmd
			if !follow {
				if err := events.AllSuppressions(cmd.Context(), c, o.take); err != nil {
					return o.failed(err)
				}
				o.summary()
				return nil
			}
			if !c.Capabilities().Can(feature.EventsList) {
				return provider.Unsupported(feature.EventsList, "%s has no log of events; run it without --follow from time to time", c.Provider())
			}
			return o.follow(c, events.FileCursor(folder), every, whole)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.file, "out", "", "append them to `FILE`")
	f.BoolVar(&follow, "follow", false, "go on with what events tell, until interrupted")
	f.StringVar(&folder, "cursor", "", "`FOLDER` that keeps what --follow has read")
	f.DurationVar(&every, "every", 5*time.Minute, "how often --follow reads the log")
	f.DurationVar(&whole, "all-every", 24*time.Hour, "how often --follow reads all again")
	return cmd
}

// suppressionOutput is where suppressions go, each once.
type suppressionOutput struct {
	file string
	a    *app
	cmd  *cobra.Command

	mu   sync.Mutex
	seed maphash.Seed
	had  map[uint64]bool // sums of what was written
	n    int
}

// take writes those that are new.
func (o *suppressionOutput) take(_ context.Context, list []provider.Suppression) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var fresh []provider.Suppression
	var sums []uint64
	for _, s := range list {
		email, err := provider.EmailKey(s.Email)
		if err != nil { // of a provider that lists what is no address
			email = s.Email
		}
		sum := maphash.String(o.seed, strings.Join([]string{email, string(s.Channel), string(s.Scope), s.Sender}, "\x00"))
		if !o.had[sum] {
			fresh, sums = append(fresh, s), append(sums, sum)
		}
	}
	if o.file != "" && len(fresh) > 0 {
		if err := appendLines(o.cmd.Context(), o.file, fresh); err != nil {
			return fmt.Errorf("cannot write the file: %w", err)
		}
	}
	for i, s := range fresh {
		o.had[sums[i]] = true
		switch {
		case o.file != "":
		case o.a.json:
			o.a.out.Line(terminal.Indexed(o.n, s))
		default:
			o.a.out.Say(strings.TrimSpace(s.Email + "  " + suppressionText(s) + "  " + timeText(s.At)))
		}
		o.n++
	}
	if err := o.a.out.Failed(); err != nil {
		return fmt.Errorf("the output is gone: %w", err)
	}
	return nil
}

// failed leaves out what is told at the end of the tool: that stdout is gone.
func (o *suppressionOutput) failed(err error) error {
	if gone := o.a.out.Failed(); gone != nil && errors.Is(err, gone) {
		return nil
	}
	return err
}

func (o *suppressionOutput) summary() {
	text := terminal.Plural(o.n, "address", "addresses")
	if o.file != "" {
		text += " appended to " + o.file
	}
	o.cmd.PrintErrln(text)
}

// follow reads all, then the log, and all again from time to time, until interrupted. What
// fails is told and tried again, but for what cannot work.
func (o *suppressionOutput) follow(c *provider.Client, store events.CursorStore, every, whole time.Duration) error {
	ctx, cancel := context.WithCancelCause(o.cmd.Context())
	defer cancel(nil)
	if err := events.AllSuppressions(ctx, c, o.take); err != nil {
		return o.failed(err)
	}
	o.summary()
	last := time.Now()
	sink := events.Suppressing(o.take, func(_ context.Context, list []events.Event) error {
		for _, e := range list {
			o.cmd.PrintErrln("came back: " + e.Recipient + "; nobody is taken off here")
		}
		return nil
	})
	err := events.PollEvery(ctx, every, c, store, sink, events.WithRounds(func(r events.PollReport, err error) {
		before := o.n
		if err == nil && time.Since(last) >= whole {
			if err = events.AllSuppressions(ctx, c, o.take); err == nil {
				last = time.Now()
			}
		}
		if gone := o.a.out.Failed(); gone != nil || errors.Is(err, provider.ErrUnauthorized) {
			cancel(errors.Join(gone, err))
			return
		}
		if err != nil && ctx.Err() == nil {
			o.cmd.PrintErrln("postmux: " + err.Error())
		}
		for _, note := range r.Notes {
			o.cmd.PrintErrln("note: " + note)
		}
		if r.New > 0 || o.n > before {
			o.cmd.PrintErrln(fmt.Sprintf("%s: %s, %s in all", r.Account, terminal.Plural(r.New, "event", "events"), terminal.Plural(o.n, "address", "addresses")))
		}
	}))
	if o.cmd.Context().Err() != nil {
		return nil // interrupted, which is how it is meant to end
	}
	if cause := context.Cause(ctx); cause != nil {
		return o.failed(cause)
	}
	return err
}
