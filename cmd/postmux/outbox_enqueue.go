package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/provider"
)

func newOutboxEnqueue(a *app) *cobra.Command {
	var m messageFlags
	var expires string
	cmd := &cobra.Command{
		Use:   "enqueue [FILE|-]",
		Short: "Store messages in the outbox",
		Long: `Store messages in the outbox: one by flags or as JSON, as "send" takes it, or many in
FILE or on stdin (-), one a line, as "batch" takes them. Exit code 0 means that all
are on the disk; each is a line on stdout with its id. They go out at their send_at,
or as soon as a worker has them.

A line that is no message, or that the account would refuse, does not stop the others:
the exit code is 3 then. With an idempotency key the same message is stored once, so a
command that was cut off may be repeated; its keys live in the namespace that the
configuration names: name.`,
		Example: `  postmux outbox enqueue message.json --idempotency-key order-4711
  postmux outbox enqueue batch.jsonl
  postmux --provider backup outbox enqueue --to anna@example.com --subject Hello --text Hi --expires +2h`,
		Args:        terminal.WantArgs("[FILE]"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := &outbox.EnqueueOpts{}
			if expires != "" {
				at, err := parseTime("--expires", expires, time.Local, time.Now())
				if err != nil {
					return err
				}
				o.Expires = at
			}
			e := &enqueuing{app: a, cmd: cmd, opts: o}
			lost := func(c *outbox.Config) {
				c.Hooks.OnLost = func(_ context.Context, ids []string) {
					cmd.PrintErrln("warning: another server took over as the database and lacks what was stored: " + strings.Join(ids, ", "))
				}
			}
			if len(args) == 0 || m.given() {
				msg, err := m.message(cmd, args)
				if err != nil {
					return err
				}
				return a.withBox(cmd, lost, func(b *outbox.Box) error { return e.one(b, msg) })
			}
			in, err := input.Open(cmd.Context(), cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			return a.withBox(cmd, lost, func(b *outbox.Box) error { return e.all(b, in) })
		},
	}
	m.register(cmd)
	cmd.Flags().StringVar(&expires, "expires", "", "give up at `TIME` what was not sent by then, like +2h (default give_up after it is due)")
	return cmd
}

// enqueuing is a command that stores messages.
type enqueuing struct {
	app   *app
	cmd   *cobra.Command
	opts  *outbox.EnqueueOpts
	tally exit.Tally
	part  []numbered
	bytes int
}

// numbered is a message of the input and where it stands.
type numbered struct {
	index, line int
	message     *provider.Message
}

// enqueued is a line of enqueue --json.
type enqueued struct {
	ID    string          `json:"id,omitempty"`
	State provider.State  `json:"state,omitempty"`
	Error *provider.Error `json:"error,omitempty"`
}

// one stores one message.
func (e *enqueuing) one(b *outbox.Box, m *provider.Message) error {
	id, err := b.Enqueue(e.cmd.Context(), m, e.opts)
	if err != nil {
		return err
	}
	e.tell(numbered{}, id, nil)
	return nil
}

// The messages that are stored together, at most.
const (
	enqueueMost  = 500
	enqueueBytes = 8 << 20
)

// all stores the messages of an input.
func (e *enqueuing) all(b *outbox.Box, in *input.Source) error {
	ctx := e.cmd.Context()
	lines := input.NewLines(in)
	for index := 0; ; index++ {
		text, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return e.stopped(input.InFile(in.Name, err))
		}
		if index == 0 && !json.Valid(text) && bytes.HasPrefix(text, []byte("{")) {
			return e.document(b, text, lines, in.Name)
		}
		n := numbered{index: index, line: lines.Number()}
		if n.message, err = provider.ParseMessage(text); err != nil {
			// Before it is told, so that the lines come in their order.
			if failed := e.flush(ctx, b); failed != nil {
				return e.stopped(failed)
			}
			e.tell(n, "", err)
			continue
		}
		e.part = append(e.part, n)
		if e.bytes += len(text); len(e.part) == enqueueMost || e.bytes > enqueueBytes {
			if err := e.flush(ctx, b); err != nil {
				return e.stopped(err)
			}
		}
	}
	if err := e.flush(ctx, b); err != nil {
		return e.stopped(err)
	}
	if e.tally.Items == 0 {
		return exit.UsageError("", "%s holds no message", in.Name)
	}
	return e.tally.Err("messages")
}

// document stores the one message of an input that is written over several lines.
func (e *enqueuing) document(b *outbox.Box, begin []byte, lines *input.Lines, name string) error {
	text := bytes.Clone(begin)
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return input.InFile(name, err)
		}
		if text = append(append(text, '\n'), line...); len(text) > input.MessageMost {
			return input.InFile(name, provider.Invalid("", "its first line is no message, and the whole is longer than one"))
		}
	}
	m, err := provider.ParseMessage(text)
	if err != nil {
		return input.InFile(name, err)
	}
	return e.one(b, m)
}

// stopped ends the command before its last message.
func (e *enqueuing) stopped(err error) error {
	what := terminal.Plural(e.tally.Items, "message", "messages")
	if exit.Code(err) == exit.Unknown {
		e.tally.Add(exit.Unknown) // of a commit without an answer
	}
	if e.tally.Items == 0 {
		return err
	}
	return e.tally.Stopped(what, err, false)
}

// flush stores the messages so far, together if all can be. The error is that of the
// database: the rest of the input would meet it too.
func (e *enqueuing) flush(ctx context.Context, b *outbox.Box) error {
	part := e.part
	e.part, e.bytes = nil, 0
	if len(part) == 0 {
		return nil
	}
	stored, err := b.EnqueueAll(ctx, func(yield func(*provider.Message, error) bool) {
		for _, n := range part {
			if !yield(n.message, nil) {
				return
			}
		}
	}, e.opts, func(i int, id string) error {
		e.tell(part[i], id, nil)
		return nil
	})
	if err == nil {
		return nil
	}
	if !ofMessage(err) {
		return err
	}
	for _, n := range part[stored:] { // one by one, to find which is refused
		id, err := b.Enqueue(ctx, n.message, e.opts)
		if err != nil && !ofMessage(err) {
			return err
		}
		e.tell(n, id, err)
	}
	return nil
}

// ofMessage reports whether an error is about a message, and others may still be stored.
func ofMessage(err error) bool {
	p, ok := errors.AsType[*provider.Error](err)
	return ok && (p.Kind == provider.ErrInvalid || p.Kind == provider.ErrUnsupported)
}

// tell tells what became of one message.
func (e *enqueuing) tell(n numbered, id string, err error) {
	e.tally.Add(exit.Code(err))
	a := e.app
	doc := enqueued{ID: id, State: outbox.StateEnqueued}
	where := ""
	if n.line > 0 {
		where = fmt.Sprintf("line %d  ", n.line)
	}
	if err != nil {
		doc = enqueued{State: provider.StateRefused, Error: exit.ProviderError(err)}
	}
	switch {
	case a.json && n.line > 0:
		a.out.Line(terminal.Lined(n.index, n.line, doc))
	case a.json:
		a.out.Line(doc)
	case err != nil:
		a.out.Say(where + "refused  " + err.Error())
	default:
		a.out.Say(where + "enqueued  " + id)
	}
}
