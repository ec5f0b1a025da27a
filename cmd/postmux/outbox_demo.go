package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/outbox/lite"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func newOutboxDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Kill a worker, lose no mail and send none twice",
		Long: `Start the sandbox in this process, store messages for two accounts in an outbox in a
temporary file, let two workers send them, kill one of them, and count what arrived.
No account and no network is needed; it takes a few seconds.`,
		Args: terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.configFile != "" || a.account != "" {
				return exit.UsageError("", "the demo has a configuration of its own; leave out --config and --provider")
			}
			d := &outboxDemo{app: a, cmd: cmd}
			defer d.end()
			return d.run()
		},
	}
}

// The demo's figures.
const (
	demoMessages = 200 // of each account
	demoSenders  = 8
	demoLease    = "2s"
	demoColumns  = 80
	// demoSlow is how long the sandbox holds an answer back, so that requests are under way
	// when the worker is killed.
	demoSlow = 300 * time.Millisecond
)

// demoAccounts are an account whose provider knows keys, and one whose provider does not.
var demoAccounts = []string{"brevo", "pakatv3"}

// outboxDemo is a run of the demo.
type outboxDemo struct {
	app     *app
	cmd     *cobra.Command
	sandbox *sandbox.Server
	dir     string
	config  string
	box     *outbox.Box
	workers []*exec.Cmd
}

// end takes everything away again.
func (d *outboxDemo) end() {
	for _, w := range d.workers {
		if w.ProcessState == nil {
			_ = w.Process.Kill()
			_ = w.Wait()
		}
	}
	if d.box != nil {
		_ = d.box.Close()
		_ = d.box.Store().DB().Close()
	}
	if d.sandbox != nil {
		_ = d.sandbox.Close()
	}
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}

// demoResult is what became of an account's messages.
type demoResult struct {
	Account  string `json:"account"`
	Keys     bool   `json:"keys"` // its provider knows idempotency keys
	Stored   int    `json:"stored"`
	Accepted int    `json:"accepted"`
	Unknown  int    `json:"unknown"`
	Received int    `json:"received"`
	Twice    int    `json:"twice"`
	Lost     int    `json:"lost"`
}

func (d *outboxDemo) run() error {
	if err := d.prepare(); err != nil {
		return err
	}
	ctx := d.cmd.Context()
	d.say(fmt.Sprintf("%d messages are stored in an outbox, half for brevo, which knows idempotency keys, half for pakatv3, which does not. "+
		"Two workers send them, with %d calls of each account at a time.", demoMessages*len(demoAccounts), demoSenders))
	for range 2 {
		if err := d.startWorker(ctx); err != nil {
			return err
		}
	}
	if err := d.until(ctx, midway); err != nil {
		return err
	}
	killed := d.workers[0]
	if err := killed.Process.Kill(); err != nil {
		return err
	}
	_ = killed.Wait() // it was killed
	stats, err := d.box.Store().Stats(ctx)
	if err != nil {
		return err
	}
	d.say(fmt.Sprintf("\nOne worker was killed (SIGKILL) after %d messages. The other one goes on. After the lease of %s it takes up what the dead one had.", stats.ByState[outbox.Accepted], demoLease))
	open := []outbox.State{outbox.Queued, outbox.Leased, outbox.Sending}
	if err := d.until(ctx, func(s *outbox.Stats) bool {
		return !slices.ContainsFunc(open, func(state outbox.State) bool { return s.ByState[state] > 0 })
	}); err != nil {
		return err
	}
	results, unknown, err := d.results(ctx)
	if err != nil {
		return err
	}
	return d.tell(results, unknown)
}

// midway reports whether it is time to kill: each worker has requests of each account under
// way, or it takes too long to come to that.
func midway(s *outbox.Stats) bool {
	done := s.ByState[outbox.Accepted]
	return done > demoMessages/2 && s.ByState[outbox.Sending] > 3*demoSenders || done > demoMessages
}

// prepare makes the sandbox, the configuration, the outbox and the messages in it.
func (d *outboxDemo) prepare() error {
	sb, cfg, err := startSandbox()
	if err != nil {
		return err
	}
	d.sandbox = sb
	for _, account := range demoAccounts {
		sb.Fail(account, sandbox.Fault{Delay: demoSlow, Times: 4 * demoMessages})
	}
	if d.dir, err = os.MkdirTemp("", "postmux-outbox"); err != nil {
		return err
	}
	file := filepath.Join(d.dir, "outbox.db")
	providers := make(map[string]map[string]any)
	for _, account := range demoAccounts {
		providers[account] = cfg.Providers[account]
	}
	text, err := json.Marshal(map[string]any{
		"name": "demo", "default": demoAccounts[0], "providers": providers,
		"outbox": map[string]any{"database": "file:" + file, "lease": demoLease, "senders": demoSenders},
	})
	if err != nil {
		return err
	}
	d.config = filepath.Join(d.dir, "postmux.json")
	if err := os.WriteFile(d.config, text, 0o600); err != nil {
		return err
	}
	parsed, err := configfile.Parse(d.config, text)
	if err != nil {
		return err
	}
	settings, err := outbox.ParseConfig(parsed.Outbox)
	if err != nil {
		return err
	}
	store, err := lite.FromSettings(settings)
	if err != nil {
		return err
	}
	ctx := d.cmd.Context()
	if err := store.Migrate(ctx); err != nil {
		_ = store.DB().Close()
		return err
	}
	c, err := settings.Config(store, parsed, d.app.registry)
	if err == nil {
		d.box, err = outbox.Open(ctx, store, c)
	}
	if err != nil {
		_ = store.DB().Close()
		return err
	}
	for _, account := range demoAccounts {
		_, err := d.box.EnqueueAll(ctx, func(yield func(*provider.Message, error) bool) {
			for i := range demoMessages {
				if !yield(demoMessage(i), nil) {
					return
				}
			}
		}, &outbox.EnqueueOpts{Account: account}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func demoMessage(i int) *provider.Message {
	return &provider.Message{
		To:      []provider.Address{{Email: fmt.Sprintf("reader%d@example.com", i)}},
		Subject: fmt.Sprintf("Message %d", i), HTML: "<p>Hello</p>", Text: "Hello",
	}
}

// startWorker starts this program as a worker.
func (d *outboxDemo) startWorker(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w := exec.CommandContext(ctx, self, "--config", d.config, "outbox", "run")
	var errOut bytes.Buffer
	w.Stderr = &errOut
	if err := w.Start(); err != nil {
		return err
	}
	d.workers = append(d.workers, w)
	return nil
}

// demoPatience is how long the demo waits for one step.
const demoPatience = 30 * time.Second

// until waits until the outbox is as it should be.
func (d *outboxDemo) until(ctx context.Context, done func(*outbox.Stats) bool) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		s, err := d.box.Store().Stats(ctx)
		if err != nil {
			return err
		}
		if done(s) {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the workers did not get there in %s: %v", demoPatience, s.ByState)
		}
	}
}

// results counts what became of the messages, beside what the sandbox received. unknown has
// the id of one that nobody knows about.
func (d *outboxDemo) results(ctx context.Context) (results []*demoResult, unknown string, err error) {
	for _, account := range demoAccounts {
		r := &demoResult{Account: account, Stored: demoMessages, Keys: account == "brevo"}
		received := make(map[string]int)
		for _, m := range d.sandbox.Messages(account) {
			received[m.To[0].Email]++
			r.Received++
		}
		for _, n := range received {
			if n > 1 {
				r.Twice++
			}
		}
		there := 0
		for e, err := range d.box.Store().List(ctx, outbox.Query{Account: account}) {
			if err != nil {
				return nil, "", err
			}
			switch e.State {
			case outbox.Accepted:
				r.Accepted++
				if received[e.Recipient] == 0 {
					r.Lost++
				}
			case outbox.Unknown:
				r.Unknown++
				unknown = e.ID
			}
			there++
		}
		r.Lost += demoMessages - there
		results = append(results, r)
	}
	return results, unknown, nil
}

func (d *outboxDemo) tell(results []*demoResult, unknown string) error {
	a := d.app
	var bad []string
	t := terminal.NewTable(a.out, "ACCOUNT", "STORED", "ACCEPTED", "UNKNOWN", "ARRIVED", "TWICE", "LOST")
	doubt := 0
	for _, r := range results {
		t.Row(r.Account, fmt.Sprint(r.Stored), fmt.Sprint(r.Accepted), fmt.Sprint(r.Unknown), fmt.Sprint(r.Received), fmt.Sprint(r.Twice), fmt.Sprint(r.Lost))
		doubt += r.Unknown
		switch {
		case r.Twice > 0 || r.Lost > 0:
			bad = append(bad, fmt.Sprintf("%s: %d twice, %d lost", r.Account, r.Twice, r.Lost))
		case r.Accepted+r.Unknown != r.Stored:
			bad = append(bad, fmt.Sprintf("%s: %d of %d messages ended", r.Account, r.Accepted+r.Unknown, r.Stored))
		case r.Unknown > demoSenders || r.Keys && r.Unknown > 0:
			bad = append(bad, fmt.Sprintf("%s: %d unknown", r.Account, r.Unknown))
		}
	}
	switch {
	case a.json:
		a.out.Document(map[string]any{"accounts": results})
	default:
		a.out.Text("\n")
		t.Flush()
		d.say("\n" + demoEnd(doubt))
		if unknown != "" {
			x, err := d.box.Store().Explain(d.cmd.Context(), unknown)
			if err != nil {
				return err
			}
			a.out.Text("\n\"postmux outbox show\" says of one of them:\n\n")
			a.printExplanation(x)
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("the outbox did not keep its promise: %s", strings.Join(bad, "; "))
	}
	return nil
}

func demoEnd(doubt int) string {
	text := "Nothing was sent twice and nothing was lost. Where the provider knows keys, what the dead worker had under way " +
		"was sent again under the same key, without a second mail. "
	if doubt == 0 {
		return text + "No request without a key was under way when the worker died."
	}
	return text + fmt.Sprintf("Where it does not, nobody can know what became of %s under way: no program sends it again, the provider is "+
		"asked, and a person decides about the rest.", terminal.Plural(doubt, "request that was", "requests that were"))
}

func (d *outboxDemo) say(text string) {
	if !d.app.json {
		d.app.out.Text(terminal.Wrap(text, demoColumns) + "\n")
	}
}
