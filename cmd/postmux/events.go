package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

func newEvents(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Hear what became of mail",
		Long: `Hear what became of mail: delivered, bounced, complained, unsubscribed, opened,
clicked. Every event of every provider has one form, one line of JSON, and an id
that is the same however often and by whichever way it comes.`,
		Args: terminal.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEventsListen(a), newEventsPoll(a), newEventsDecode(a), newEventsReplay(a), newEventsWatch(a))
	return cmd
}

// eventOutput is where events go: a file, a program, or stdout.
type eventOutput struct {
	file, forward, secret string
	kinds                 []string

	a  *app
	mu sync.Mutex
	n  int
}

func (o *eventOutput) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.file, "out", "", "append the events to `FILE`, which is on the disk before the provider is answered")
	f.StringVar(&o.forward, "forward-to", "", "post each event to the `URL` of a program, signed as Standard Webhooks; it is taken when the program answers 2xx")
	f.StringVar(&o.secret, "forward-secret", "POSTMUX_FORWARD_SECRET", "environment `VARIABLE` with the secret that signs what is forwarded")
	f.StringSliceVar(&o.kinds, "kinds", nil, "only events of these `KINDS`, such as bounced,complained")
}

// sink returns what takes the events.
func (o *eventOutput) sink(a *app, cmd *cobra.Command) (events.Sink, error) {
	o.a = a
	var next events.Sink
	switch {
	case o.file != "" && o.forward != "":
		return nil, exit.UsageError("--out", "expected either --out or --forward-to, got both")
	case o.forward != "":
		secret := os.Getenv(o.secret)
		if secret == "" {
			return nil, exit.UsageError("--forward-secret", "the environment variable %s is not set or empty: it holds the secret that signs what is forwarded", o.secret)
		}
		sink, err := events.Forward(o.forward, provider.NewSecret(secret), nil)
		if err != nil {
			return nil, exit.UsageError("--forward-to", "%s", strings.TrimPrefix(err.Error(), "events: "))
		}
		next = sink
	case o.file != "":
		next = func(_ context.Context, list []events.Event) error { return appendLines(cmd.Context(), o.file, list) }
	default:
		next = func(context.Context, []events.Event) error { return nil }
	}
	return func(ctx context.Context, list []events.Event) error {
		if len(o.kinds) > 0 {
			list = slices.DeleteFunc(slices.Clone(list), func(e events.Event) bool { return !slices.Contains(o.kinds, string(e.Kind)) })
		}
		if err := next(ctx, list); err != nil {
			return err
		}
		if o.file == "" && o.forward == "" || !a.json {
			return o.print(list)
		}
		return nil
	}, nil
}

// print writes events on stdout: a short line each, with --json the whole.
func (o *eventOutput) print(list []events.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range list {
		if o.a.json {
			o.a.out.Line(terminal.Indexed(o.n, e))
		} else {
			o.a.out.Say(eventText(&e))
		}
		o.n++
	}
	if err := o.a.out.Failed(); err != nil {
		return fmt.Errorf("the output is gone: %w", err)
	}
	return nil
}

func eventText(e *events.Event) string {
	parts := []string{timeText(e.At), e.Account, string(e.Kind)}
	if e.Bounce != "" {
		parts = append(parts, string(e.Bounce))
	}
	if e.Automated == events.Yes {
		parts = append(parts, "by a machine")
	}
	for _, part := range []string{e.Recipient, e.MessageID, e.CampaignID, e.URL, e.Diagnostic} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Kind == events.KindUnknown {
		parts = append(parts, e.VendorEvent)
	}
	return strings.Join(parts, "  ")
}

// appendLines appends a line of JSON for each item to a file and waits until the disk has
// them.
func appendLines[T any](ctx context.Context, name string, list []T) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	disk := journal.DiskOf(ctx, file)
	var lines []byte
	for _, item := range list {
		line, err := terminal.Marshal(item)
		if err != nil {
			return errors.Join(err, disk.Close())
		}
		lines = append(append(lines, strings.TrimSpace(string(line))...), '\n')
	}
	_, err = disk.Write(lines)
	if err == nil {
		err = disk.Sync()
	}
	return errors.Join(err, disk.Close())
}

func newEventsDecode(a *app) *cobra.Command {
	var driver, part string
	cmd := &cobra.Command{
		Use:   "decode [FILE]",
		Short: "Show what the body of a webhook becomes",
		Long: `Show which events the body of a webhook becomes, from FILE or stdin. It needs no
configuration and makes no request.`,
		Example: `  postmux events decode --driver brevo body.json
  postmux events decode --driver sendpulse --stream smtp < body.json`,
		Args:        terminal.WantArgs("[FILE]"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			parse, err := a.parseOf(driver, part)
			if err != nil {
				return err
			}
			body, err := readBody(cmd, args)
			if err != nil {
				return err
			}
			list, err := parse(body)
			if err != nil {
				return exit.UsageError("FILE", "%s", strings.ReplaceAll(err.Error(), "events: ", ""))
			}
			o := eventOutput{a: a}
			return o.print(list)
		},
	}
	cmd.Flags().StringVar(&driver, "driver", "brevo", "`NAME` of the provider whose body it is")
	cmd.Flags().StringVar(&part, "stream", "", "`STREAM` of the webhook: bulk or smtp at sendpulse")
	return cmd
}

// parseOf is the reader of a provider's bodies.
func (a *app) parseOf(driver, part string) (events.Parse, error) {
	d, ok := a.registry.Driver(driver)
	if !ok {
		return nil, exit.UsageError("--driver", "no provider is called %q", driver)
	}
	made, err := provider.Registry{d}.Receivers(provider.Config{Providers: map[string]provider.AccountConfig{"x": {"provider": driver}}})
	if err != nil {
		return nil, err
	}
	r, ok := made["x"].(events.Receiver)
	if !ok {
		return nil, exit.UsageError("--driver", "%s calls no webhooks", driver)
	}
	parse, ok := r.Streams[part]
	if !ok {
		var known []string
		for name := range r.Streams {
			known = append(known, name)
		}
		slices.Sort(known)
		if len(known) == 1 {
			return nil, exit.UsageError("--stream", "%s has one kind of webhooks, without a name", driver)
		}
		return nil, exit.UsageError("--stream", "expected %s", strings.Join(known, " or "))
	}
	return parse, nil
}

func newEventsReplay(a *app) *cobra.Command {
	o := &eventOutput{}
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Hand on events that were kept",
		Long: `Hand on the events of FILE, one JSON object a line, as --out or --json wrote them:
to a program that was down, or to another file. Each has the id that it had, so a
program that keeps ids notices what it had.

FILE may also hold bodies, which "events listen --journal" wrote: they are read again.
Of a body that cannot be read stderr tells, and it is left out.`,
		Example:     `  postmux events replay --forward-to http://127.0.0.1:9000/events events.jsonl`,
		Args:        terminal.WantArgs("FILE"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			sink, err := o.sink(a, cmd)
			if err != nil {
				return err
			}
			return a.replayFile(cmd, args[0], sink)
		},
	}
	o.flags(cmd)
	return cmd
}

// mostEventLine is the size of a line of kept events at most.
const mostEventLine = 16 << 20

func (a *app) replayFile(cmd *cobra.Command, name string, sink events.Sink) error {
	file, err := os.Open(name)
	if err != nil {
		return exit.UsageError("FILE", "cannot be read: %v", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, mostEventLine)
	done, useless := 0, 0
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		list, err := a.parseLine(lines.Bytes())
		if bad := (*badBody)(nil); errors.As(err, &bad) {
			useless++
			cmd.PrintErrln(fmt.Sprintf("%s, line %d: %v", name, n, bad))
			continue
		}
		if err != nil {
			return exit.UsageError("FILE", "line %d: %v; %s", n, err, handedOn(done))
		}
		if len(list) == 0 {
			continue // a provider tried the address
		}
		if err := sink(cmd.Context(), list); err != nil {
			return notTaken(fmt.Errorf("%s, line %d: %s; %s", name, n, strings.TrimPrefix(err.Error(), "events: "), handedOn(done)))
		}
		done += len(list)
	}
	if err := lines.Err(); err != nil {
		return exit.UsageError("FILE", "cannot be read: %v", err)
	}
	cmd.PrintErrln(terminal.Plural(done, "event was", "events were") + " handed on")
	if useless > 0 {
		err := fmt.Errorf("%s could not be read", terminal.Plural(useless, "body", "bodies"))
		return &exit.Result{Err: err, Code: exit.Partly}
	}
	return nil
}

// badBody is the error of a body in a journal that is of no use.
type badBody struct{ error }

// parseLine reads a line of a file of events, or of one of bodies.
func (a *app) parseLine(line []byte) ([]events.Event, error) {
	var k struct {
		keptBody
		Body *string `json:"body"`
	}
	if json.Unmarshal(line, &k) == nil && k.Body != nil {
		k.keptBody.Body = *k.Body
		list, err := k.events(a)
		if err != nil {
			return nil, &badBody{errors.New(strings.ReplaceAll(err.Error(), "events: ", ""))}
		}
		return list, nil
	}
	e, err := parseEvent(line)
	return []events.Event{e}, err
}

// parseEvent reads a kept event. A member index, of --json, is passed over.
func parseEvent(line []byte) (e events.Event, err error) {
	if err := json.Unmarshal(line, &e); err != nil {
		return e, errors.New("expected an event as JSON")
	}
	if e.ID == "" || e.Kind == "" {
		return e, errors.New("expected an event, with id and kind")
	}
	return e, nil
}

// handedOn tells how many events there were before one that was not taken.
func handedOn(n int) string {
	return terminal.Plural(n, "event before it was", "events before it were") + " handed on"
}

// notTaken is the error of an output that did not take an event, with exit code 6.
func notTaken(err error) error { return &exit.Result{Err: err, Code: exit.Later} }
