package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/mailing"
)

// batchFlags are the flags of a batch.
type batchFlags struct {
	dry     bool
	results string
	resume  bool
	settle  bool
	stopped bool
}

func newBatch(a *app) *cobra.Command {
	var f batchFlags
	cmd := &cobra.Command{
		Use:   "batch FILE.jsonl|-",
		Short: "Send many messages from a file",
		Long: `Send the messages of a file, or of stdin (-): one message in JSON a line, as "send"
takes it. They go out in as few calls as the provider allows, several at a time; each
is checked and reported by itself. A line that is no message, or a message that is
refused, does not stop the others. An error that every further message would meet
ends the batch: a key that is not accepted, no credit, an outage.

Each message is one line on stdout: its line in the file, the recipient, the state
and the id. With --json it is what "--json send" writes, with the index, counted from
0, and the line before it. A summary comes last; the exit code is 3 when only a part
went out, and 7 when the outcome of any message is unknown.

--results keeps in FILE which messages were begun, and their results, safe against a
crash. A message that only waits for a limit is not begun. A FILE of which a line was
changed or removed is refused. With --resume the batch goes on from there:
messages that were accepted or scheduled are not sent again. Nor are those whose
outcome is unknown, or that were begun when the tool died: they are reported as
unknown. --settle looks them up in the provider's list of sent mail, and what it
finds counts as accepted from then on. All others are sent. A line of FILE is also a
receipt for "status" and "cancel".

--skip-stopped leaves out every message of which a recipient has said no, as far as
the provider shows that, and reads it again before each thousand. Without it the
provider decides, and some accept such a mail and drop it.

The first interrupt lets the calls under way come to their end, writes their
results and stops; the second ends the calls too. --dry-run shows the first call.`,
		Example: `  postmux batch messages.jsonl --results sent.jsonl
  postmux batch messages.jsonl --results sent.jsonl --resume
  postmux batch messages.jsonl --results sent.jsonl --resume --settle`,
		Args:        terminal.WantArgs("FILE"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.resume && f.results == "" {
				return exit.UsageError("--resume", "expected --results FILE of the batch to go on with")
			}
			if f.settle && !f.resume {
				return exit.UsageError("--settle", "expected --resume: it looks up what an earlier run left unknown")
			}
			return a.batchFile(cmd, args[0], &f)
		},
	}
	s := cmd.Flags()
	s.StringVar(&f.results, "results", "", "keep in `FILE` what was begun and what became of each message")
	s.BoolVar(&f.resume, "resume", false, "go on with the batch of --results")
	s.BoolVar(&f.settle, "settle", false, "with --resume, look up the messages whose outcome is unknown")
	s.BoolVar(&f.stopped, "skip-stopped", false, "leave out messages to people who have said no, as far as the provider shows them")
	s.BoolVar(&f.dry, "dry-run", false, "show the first call, credentials redacted, and send nothing")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "results")
	return cmd
}

func (a *app) batchFile(cmd *cobra.Command, name string, f *batchFlags) error {
	stop := cmd.Context()
	in, err := input.Open(stop, cmd.InOrStdin(), name)
	if err != nil {
		return err
	}
	defer in.Close()
	if f.dry {
		return a.dryBatch(cmd, in)
	}
	c, err := a.open(cmd)
	if err != nil {
		return err
	}
	past, results, err := journal.OpenPast(stop, f.results, f.resume, f.settle)
	if err != nil {
		return err
	}
	defer func() { _ = results.Close() }() // what matters is on the disk
	total := -1
	if in.Regular && (f.resume || terminal.IsTerminal(cmd.ErrOrStderr())) {
		// The input is checked against the result file before anything is sent.
		if total, err = past.Check(in); err != nil {
			return err
		}
		if err := in.Rewind(); err != nil {
			return err
		}
	}
	var alike map[int]bool
	if f.settle {
		if !in.Regular {
			return exit.UsageError("--settle", "expected a FILE with the messages: it compares them all before it looks one up, and %s is read once", in.Name)
		}
		if alike, err = past.Alike(in); err != nil {
			return err
		}
		if err := in.Rewind(); err != nil {
			return err
		}
	}
	b := &batchRun{
		alike: alike, app: a, cmd: cmd, client: c, settle: f.settle, stop: stop, past: past, file: results, results: f.results,
		items: &lineItems{in: in, lines: input.NewLines(in), past: past}, noun: "line", again: "--resume --settle",
	}
	if f.stopped {
		b.stops = mailing.NewStops(c, "")
		if b.stops.Blind() {
			return exit.UsageError("--skip-stopped", "%s shows nobody who has said no", c.Provider())
		}
	}
	return b.run(total)
}

// batchRun is a batch under way.
type batchRun struct {
	app     *app
	cmd     *cobra.Command
	client  *provider.Client
	results string          // name of the file with results
	settle  bool            // look up what an earlier run left unknown
	stop    context.Context // ends at the first interrupt
	items   batchItems
	noun    string         // what an item is in the input
	again   string         // the flags that look up what is unknown
	stops   *mailing.Stops // who is left out; nil: nobody
	past    *journal.Past  // what an earlier run did
	alike   map[int]bool   // unknown messages that a look-up cannot tell from others
	file    *journal.File

	warned  bool // what members of a route cannot take
	read    int  // messages of the input
	given   int  // messages given to the library
	mu      sync.Mutex
	pending map[int]*pendingMessage // those without a result, by the library's index; guarded by mu
	unkept  int                     // results that the result file does not have

	progress *terminal.Progress
	codes    exit.Tally
	states   map[string]int
	reason   error // of the last message that was tried and failed
	doubtful int   // line of the result file with the first unknown message that nobody has looked for
	notFound int   // unknown messages that were looked for
	twins    int   // unknown messages that cannot be told from others
}

// pendingMessage is a message on its way.
type pendingMessage struct {
	index   int // in the input, from 0
	line    int // at which it stands, from 1
	digest  journal.Digest
	to      string
	settled *provider.BatchResult // there is nothing to send
	left    string                // why it is left out
	before  bool                  // the result file has this result already
	sought  bool                  // it was looked up
	notes   []provider.Note       // to be put into its receipt
}

// run sends the messages that are left and tells the result of each.
func (b *batchRun) run(total int) error {
	if err := b.stop.Err(); err != nil {
		return err
	}
	calls, release := terminal.Unhurried(b.stop)
	defer release()
	b.pending, b.states = make(map[int]*pendingMessage), make(map[string]int)
	b.progress = terminal.NewProgress(b.cmd.ErrOrStderr(), total, "messages")
	_, ended := b.client.SendBatch(calls, b.messages(), func(r provider.BatchResult) error {
		b.result(r)
		return nil
	}, provider.BeforeSending(b.begin, b.waits))
	b.progress.Clear()
	if err := b.file.Sync(); err != nil && ended == nil {
		ended = err
	}
	if ended != nil && b.codes.Items == 0 && len(b.states) == 0 {
		return ended
	}
	b.summary()
	if ended != nil {
		told := exit.Same(b.reason, ended)
		return b.codes.Stopped(terminal.Plural(b.codes.Items, "message", "messages"), ended, told)
	}
	return b.codes.Err("messages")
}

// summary counts the messages by what became of them.
func (b *batchRun) summary() {
	text := terminal.Plural(b.read, "message", "messages") + ": " + stateCounts(b.states)
	b.app.tellSummary(b.cmd, text)
	if b.unkept > 0 {
		b.cmd.PrintErrln(fmt.Sprintf("%s of %s could not be written: a later run calls those unknown that it finds begun", terminal.Plural(b.unkept, "result", "results"), b.results))
	}
	unknown := b.states[string(provider.StateUnknown)]
	if unknown == 0 {
		return
	}
	b.cmd.PrintErrln(terminal.Plural(unknown, "message", "messages") + " may have been sent and will not be sent again: the outcome is unknown")
	if b.notFound > 0 {
		b.cmd.PrintErrln(fmt.Sprintf("--settle did not find %d of them, which proves nothing: whether to send these again is for a person to decide", b.notFound))
	}
	if b.twins > 0 {
		b.cmd.PrintErrln(fmt.Sprintf("--settle left out %d of them: another message of the input has the same recipient and subject, so a mail that is found may be that one's", b.twins))
	}
	if b.doubtful > 0 {
		b.cmd.PrintErrln(fmt.Sprintf("%s looks it up, or: sed -n %dp %s | postmux status --receipt - --settle", b.again, b.doubtful, b.results))
	}
}
