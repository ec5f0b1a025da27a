package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
)

// stateBefore is the state of a message that an earlier run has sent.
const stateBefore = "done before"

// messages are the messages that are left to send. A message that is settled
// already, a line that is none for example, goes through as nil: its result
// keeps its place then.
func (b *batchRun) messages() iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for {
			item, err := b.next()
			if errors.Is(err, io.EOF) {
				if err := b.items.end(b.read); err != nil {
					yield(nil, err)
				}
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			p := &pendingMessage{index: item.index, line: item.line, digest: item.digest}
			was, err := b.past.Was(p.index, p.digest, p.line)
			if err != nil {
				yield(nil, err)
				return
			}
			b.read++
			if was == journal.DidSend || was == journal.DidPart {
				b.skip(was)
				continue
			}
			m := b.message(item, was, p)
			switch {
			case p.settled != nil:
			case was == journal.DidBegin:
				b.doubt(p, m)
				m = nil
			default:
				if p.left, err = b.stopped(m); err != nil {
					yield(nil, err)
					return
				}
				if p.left != "" {
					m = nil
				}
			}
			b.mu.Lock()
			b.pending[b.given] = p
			b.given++
			b.mu.Unlock()
			if !yield(m, nil) {
				return
			}
		}
	}
}

// stopped is why a message is not to be sent, with --skip-stopped.
func (b *batchRun) stopped(m *provider.Message) (string, error) {
	if b.stops == nil {
		return "", nil
	}
	return b.stops.Next(b.stop, m)
}

// next reads an item, unless the batch is to end. At the end of the input nothing
// is left to stop for.
func (b *batchRun) next() (batchItem, error) {
	if stopped := b.stop.Err(); stopped != nil {
		return batchItem{}, stopped
	}
	item, err := b.items.next()
	if errors.Is(err, io.EOF) && b.stop.Err() == nil {
		return item, err
	}
	if ended := b.ended(); ended != nil {
		return item, ended
	}
	return item, err
}

// ended is why no further call begins: an interrupt, or an output that is gone.
func (b *batchRun) ended() error {
	switch {
	case b.stop.Err() != nil:
		return b.stop.Err()
	case b.app.out.Failed() != nil:
		return fmt.Errorf("cannot write the output: %w", b.app.out.Failed())
	}
	return b.file.Failed()
}

// message makes the message of an item. What is none is settled as refused.
func (b *batchRun) message(item batchItem, was journal.Did, p *pendingMessage) *provider.Message {
	m, notes, err := item.message(was)
	if err == nil {
		p.to = addressees(m)
		p.notes = append(notes, b.passed(m)...)
		if !b.warned {
			b.warned = true
			b.warnOfGaps(m)
		}
		return m
	}
	e := exit.ProviderError(err)
	bad := provider.Invalid(e.Field, "%s", e.Message)
	bad.Provider, bad.Account, bad.Op = b.client.Provider(), b.client.Account(), "send"
	p.settled = &provider.BatchResult{Err: bad}
	return nil
}

// warnOfGaps says which members of a route cannot take the first message, and why, before
// an outage shows it.
func (b *batchRun) warnOfGaps(m *provider.Message) {
	if b.client.Accepts(m) != nil {
		return // the error says more
	}
	for _, g := range route.Gaps(b.client, m) {
		b.cmd.PrintErrln("warning: the first message cannot go out by " + g.String())
	}
}

// passed takes out a time to send at that has passed since the first run of the result
// file began: the library compares with this run, and would refuse it.
func (b *batchRun) passed(m *provider.Message) []provider.Note {
	began := b.past.Began()
	if m.SendAt.IsZero() || began.IsZero() || m.SendAt.Before(began) || m.SendAt.After(time.Now()) {
		return nil
	}
	m.SendAt = time.Time{}
	return []provider.Note{{
		Field: "send_at", Action: provider.NoteConverted,
		Why: "the time has passed since the first run began: the mail goes out at once",
	}}
}

// addressees are the recipients of a message for one line of text.
func addressees(m *provider.Message) string {
	n := len(m.To) + len(m.Cc) + len(m.Bcc) + len(m.Recipients)
	first := ""
	switch {
	case len(m.To) > 0:
		first = m.To[0].Email
	case len(m.Recipients) > 0:
		first = m.Recipients[0].Email
	}
	if n > 1 {
		return fmt.Sprintf("%s +%d", first, n-1)
	}
	return first
}

// skip counts a message that an earlier run has sent.
func (b *batchRun) skip(was journal.Did) {
	b.states[stateBefore]++
	if was == journal.DidPart {
		b.codes.Add(exit.Partly)
	} else {
		b.codes.Add(exit.Done)
	}
	b.progress.Add(1)
}

// doubt settles a message that an earlier run has begun as unknown, with the
// receipt of that run, or one that a look-up can work with. With --settle it
// tries that look-up.
func (b *batchRun) doubt(p *pendingMessage, m *provider.Message) {
	err := &provider.Error{
		Kind: provider.ErrOutcomeUnknown, Provider: b.client.Provider(), Account: b.client.Account(), Op: "send", Outcome: provider.OutcomeMaybeSent,
		Message: "an earlier run began to send it and its outcome is unknown",
	}
	receipt := b.past.Receipt(p.index)
	p.before = receipt != nil
	if receipt == nil {
		receipt = b.past.Doubtful(p.index, m)
		receipt.Provider, receipt.Account = b.client.Provider(), b.client.Account()
	}
	p.settled = &provider.BatchResult{Receipt: receipt, Err: err}
	if !b.settle || len(receipt.Recipients) == 0 {
		return
	}
	if b.alike[p.index] {
		b.twins++
		p.sought = true
		return
	}
	got, failed := b.client.Settle(b.stop, receipt)
	if failed != nil {
		b.progress.Clear()
		b.cmd.PrintErrln(fmt.Sprintf("%s %d: %s", b.noun, p.line, terminal.Printable(failed.Error())))
	}
	p.sought = failed == nil
	if got != nil && unsettled(got) == 0 && !b.past.Taken(got) {
		b.past.Take(got)
		p.settled, p.before = &provider.BatchResult{Receipt: got}, false
	}
}

// begin writes down, when a call leaves, which messages it may send. It runs beside the
// reading of messages.
func (b *batchRun) begin(indexes []int) error {
	if err := b.ended(); err != nil {
		return err
	}
	begun, digests := b.inInput(indexes)
	return journal.WriteBegin(b.file, begun, digests)
}

// waits writes down that messages which were begun wait again, and nothing was sent.
func (b *batchRun) waits(indexes []int) {
	begun, digests := b.inInput(indexes)
	journal.WriteWaits(b.file, begun, digests)
}

// inInput returns the places in the input and the digests of messages of this run.
func (b *batchRun) inInput(indexes []int) ([]int, []journal.Digest) {
	at, digests := make([]int, len(indexes)), make([]journal.Digest, len(indexes))
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, index := range indexes {
		at[i], digests[i] = b.pending[index].index, b.pending[index].digest
	}
	return at, digests
}

// result tells what became of a message.
func (b *batchRun) result(r provider.BatchResult) {
	b.mu.Lock()
	p := b.pending[r.Index]
	delete(b.pending, r.Index)
	b.mu.Unlock()
	if p.left != "" {
		b.leave(p)
		return
	}
	if p.settled != nil {
		r.Receipt, r.Err = p.settled.Receipt, p.settled.Err
	}
	if r.Receipt != nil {
		r.Receipt.Notes = append(p.notes, r.Receipt.Notes...)
		if r.Receipt.State != provider.StateUnknown {
			b.past.Take(r.Receipt)
		}
	}
	line := journal.NewResultLine(p.index, p.digest, r)
	b.states[line.State]++
	if !exit.NotTried(r.Err) {
		b.codes.Add(exit.ReceiptCode(r.Receipt, r.Err))
		if r.Err != nil && p.settled == nil {
			b.reason = r.Err
		}
	}
	at := b.past.LineOf(p.index)
	if !p.before {
		at = b.file.Write(line)
		if at == 0 && b.results != "" && line.State != journal.StateNotTried {
			b.unkept++
		}
	}
	switch {
	case line.State != string(provider.StateUnknown):
	case p.sought:
		if !b.alike[p.index] {
			b.notFound++
		}
	case b.doubtful == 0:
		b.doubtful = at
	}
	b.tell(p, line)
	if b.app.out.Failed() != nil && at == 0 && line.State != journal.StateNotTried {
		b.cmd.PrintErrln(b.lineText(p, line)) // nothing else has it
	}
	b.progress.Add(1)
}

// stateLeftOut is the state of a message that is not sent because its recipient has said no.
const stateLeftOut = "left out"

// leave tells of a message that is left out. The result file does not have it: a later run
// looks again.
func (b *batchRun) leave(p *pendingMessage) {
	b.states[stateLeftOut]++
	b.codes.Add(exit.Done)
	if b.app.out.IsTerminal() {
		b.progress.Clear()
	}
	if b.app.json {
		b.app.out.Line(terminal.Lined(p.index, p.line, map[string]any{"left_out": p.left}))
	} else {
		b.app.out.Say(fmt.Sprintf("%s %d  %s  %s  %s", b.noun, p.line, terminal.Printable(p.to), stateLeftOut, terminal.Printable(p.left)))
	}
	b.progress.Add(1)
}

// tell prints one line for a message.
func (b *batchRun) tell(p *pendingMessage, line journal.ResultLine) {
	if b.app.out.IsTerminal() {
		b.progress.Clear()
	}
	if b.app.json {
		switch {
		case line.Error != nil:
			b.app.out.Line(terminal.Lined(p.index, p.line, map[string]any{"error": line.Error, "receipt": line.Receipt}))
		default:
			b.app.out.Line(terminal.Lined(p.index, p.line, line.Receipt))
		}
		return
	}
	b.app.out.Say(b.lineText(p, line))
}

// lineText says for people what became of a message.
func (b *batchRun) lineText(p *pendingMessage, line journal.ResultLine) string {
	parts := []string{fmt.Sprintf("%s %d", b.noun, p.line)}
	why := ""
	if line.Error != nil {
		why = line.Error.Error()
	}
	if line.Receipt != nil && line.Error == nil {
		if others := passedOver(line.Receipt); len(others) > 0 {
			why = "by " + line.Receipt.Account + ", not by " + strings.Join(others, "; ")
		}
	}
	for _, text := range []string{p.to, line.State, line.MessageID, why} {
		if text != "" {
			parts = append(parts, terminal.Printable(text))
		}
	}
	return strings.Join(parts, "  ")
}

// stateCounts are the states that there are, the good ones first; those that
// only a look-up finds come last.
func stateCounts(states map[string]int) string {
	order := []string{
		stateBefore, string(provider.StateAccepted), string(provider.StateScheduled), string(provider.StatePartlyAccepted),
		string(provider.StateRefused), stateLeftOut, string(provider.StateUnknown), journal.StateNotTried,
	}
	for _, s := range slices.Sorted(maps.Keys(states)) {
		if !slices.Contains(order, s) {
			order = append(order, s)
		}
	}
	var parts []string
	for _, s := range order {
		if n := states[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(s, "_", " ")))
		}
	}
	if len(parts) == 0 {
		return "nothing done"
	}
	return strings.Join(parts, ", ")
}
