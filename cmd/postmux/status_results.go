package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// lookUps are look-ups of all mails of a batch.
type lookUps struct {
	app     *app
	cmd     *cobra.Command
	cfg     provider.Config
	clients map[string]*provider.Client // by account
	file    *journal.File
	resume  bool

	states   map[string]int
	codes    exit.Tally
	without  int   // accepted, and there is no id to look up
	reason   error // of the last look-up that failed
	table    *terminal.Table
	progress *terminal.Progress
}

// Look-ups at the same time, and the longest that one waits for a limit of the provider
// before it is made again. Brevo allows 300 an hour.
const (
	lookUpsAtOnce = 4
	lookUpPause   = 10 * time.Second
)

// statusResults looks up what became of every mail of a batch.
func (a *app) statusResults(cmd *cobra.Command, name string, resume bool) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	mails, file, err := journal.OpenMails(cmd.Context(), name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // Sync below has told of errors
	l := &lookUps{
		app: a, cmd: cmd, cfg: cfg, clients: map[string]*provider.Client{}, file: file, resume: resume, states: map[string]int{},
		table:    terminal.NewTable(a.out, "MESSAGE", "RECIPIENT", "STATE"),
		progress: terminal.NewProgress(cmd.ErrOrStderr(), mails.Count(), "mails"),
	}
	stopped := l.run(mails)
	if err := file.Sync(); err != nil && stopped == nil {
		stopped = err
	}
	l.table.Flush()
	l.progress.Clear()
	a.tellSummary(cmd, fmt.Sprintf("%s: %s", terminal.Plural(mails.Count(), "message", "messages"), stateCounts(l.states)))
	if l.without > 0 {
		cmd.PrintErrln(fmt.Sprintf("%d of them cannot be looked up: the provider returned no id", l.without))
	}
	if n := l.states[string(provider.StateUnknown)]; n > 0 {
		cmd.PrintErrln(fmt.Sprintf("the outcome of %d is unknown; next: postmux batch INPUT --results %s --resume --settle", n, terminal.Printable(name)))
	}
	if stopped != nil {
		return l.codes.Stopped(terminal.Plural(l.codes.Items, "look-up", "look-ups")+"; the same command with --resume goes on", stopped, false)
	}
	return l.codes.Err("look-ups")
}

// lookUp is the look-up of one mail.
type lookUp struct {
	line  journal.ResultLine
	found *provider.Receipt
	err   error
	done  chan struct{}
}

// run makes the look-ups, some at a time, and tells of them in order. The error is why it
// ended before the last.
func (l *lookUps) run(mails *journal.Mails) error {
	ctx, cancel := context.WithCancel(l.cmd.Context())
	defer cancel()
	queue := make(chan *lookUp, lookUpsAtOnce-1)
	var read error
	go func() {
		defer close(queue)
		read = mails.Each(func(line journal.ResultLine) error {
			one := &lookUp{line: line, done: make(chan struct{})}
			select {
			case queue <- one:
			case <-ctx.Done():
				return ctx.Err()
			}
			var c *provider.Client
			if l.asks(line) {
				c, one.err = l.client(line.Receipt.Account)
			}
			if c == nil {
				close(one.done)
				return nil
			}
			go func() {
				defer close(one.done)
				one.found, one.err = patiently(ctx, c, line.Receipt)
			}()
			return nil
		})
	}()
	var stopped error
	for one := range queue {
		<-one.done
		if stopped != nil {
			continue // the others end, and say nothing
		}
		if stopped = l.result(one); stopped != nil {
			cancel()
		}
	}
	if stopped == nil {
		stopped = read
	}
	return stopped
}

// asks reports whether a mail is looked up: it has an id, and with --resume no earlier
// look-up has found its end.
func (l *lookUps) asks(line journal.ResultLine) bool {
	if s := provider.State(line.State); l.resume && s.Over(provider.StateDeferred) && s != provider.StateRefused {
		return false
	}
	return line.Asked()
}

// client opens the account that has sent a mail, or the one of --provider.
func (l *lookUps) client(account string) (*provider.Client, error) {
	if l.app.account != "" {
		account = l.app.account
	}
	if c := l.clients[account]; c != nil {
		return c, nil
	}
	c, err := l.app.openAccount(l.cmd, l.cfg, account)
	if err == nil {
		l.clients[account] = c
	}
	return c, err
}

// patiently looks a mail up, and waits as long as a limit keeps it from that.
func patiently(ctx context.Context, c *provider.Client, r *provider.Receipt) (*provider.Receipt, error) {
	ask := r.Clone()
	ask.Account = c.Account()
	for {
		found, err := c.Status(ctx, ask)
		if !errors.Is(err, provider.ErrRateLimited) {
			return found, err
		}
		pause := time.NewTimer(max(provider.RetryAfter(err), lookUpPause))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		}
	}
}

// result keeps and tells what a look-up has found. The error ends all look-ups.
func (l *lookUps) result(one *lookUp) error {
	line := one.line
	switch kind, _ := errors.AsType[provider.Kind](one.err); {
	case one.err == nil && one.found != nil:
		line = line.Found(one.found)
		l.file.Write(line)
		l.codes.Add(exit.Done)
	case kind == provider.ErrNotFound || kind == provider.ErrInvalid || kind == provider.ErrUnsupported: // of this mail, or its account
		l.codes.Add(exit.Code(one.err))
		l.reason = one.err
	case one.err != nil:
		return one.err
	case line.State == string(provider.StateUnknown):
		l.codes.Add(exit.Unknown)
	case !line.Asked() && line.Receipt != nil && provider.State(line.State).Over(provider.StateUnknown) && line.State != string(provider.StateRefused):
		l.without++
	}
	l.states[line.State]++
	l.tell(line, one.err)
	l.progress.Add(1)
	if err := l.app.out.Failed(); err != nil {
		return fmt.Errorf("cannot write the output: %w", err)
	}
	return l.file.Failed()
}

// tell prints a line for each recipient of a mail, or one for the mail.
func (l *lookUps) tell(line journal.ResultLine, err error) {
	if l.app.out.IsTerminal() {
		l.progress.Clear()
	}
	if l.app.json {
		row := map[string]any{"state": line.State, "receipt": line.Receipt}
		if err != nil {
			row["error"] = exit.ProviderError(err)
		}
		l.app.out.Line(terminal.Indexed(line.Index, row))
		return
	}
	number := strconv.Itoa(line.Index)
	why := func(state string) string {
		if err != nil {
			return state + "; " + err.Error()
		}
		return state
	}
	if line.Receipt == nil || len(line.Receipt.Recipients) == 0 {
		l.table.Row(number, "", why(line.State))
		return
	}
	for _, p := range line.Receipt.Recipients {
		l.table.Row(number, p.Email, why(string(p.State)))
	}
}
