package journal

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// Did is what earlier runs did with a message.
type Did byte

// What earlier runs may have done.
const (
	didNothing Did = iota // nothing, or it was refused: it may be sent
	DidBegin              // began to send it, outcome unknown: it must not be sent
	DidSend               // sent it
	DidPart               // sent it to some of its recipients
)

// Past is what the result file of earlier runs says. It takes some bytes
// for each message.
type Past struct {
	name     string
	messages []pastMessage
	begun    map[int]time.Time     // of messages without a result
	unknown  map[int]pastUncertain // results whose outcome is unknown
	ids      map[Digest]bool       // of messages that were sent; nil when they are not wanted
	first    time.Time             // when the first call of all runs began
	mailing  string                // the name of the mailing; "" of a batch
	byDigest map[Digest]int        // of a mailing, the indexes of its messages
}

type pastMessage struct {
	digest Digest
	known  bool
	did    Did
	asked  bool // this run has asked for it
}

type pastUncertain struct {
	receipt *provider.Receipt
	line    int
}

// OpenPast opens the result file called name and reads what earlier runs did;
// without resume it makes sure that there was none. With settle it keeps the ids of
// messages that were sent, for Taken.
func OpenPast(ctx context.Context, name string, resume, settle bool) (*Past, *File, error) {
	p := newPast(name)
	if settle {
		p.ids = make(map[Digest]bool)
	}
	f, err := openResults(ctx, name, resume, p.add)
	return p, f, err
}

func newPast(name string) *Past {
	return &Past{name: name, begun: make(map[int]time.Time), unknown: make(map[int]pastUncertain)}
}

// add takes one line. A later line about a message counts more than an earlier one.
func (p *Past) add(number int, data []byte) error {
	var line struct {
		ResultLine
		beginLine
		mailingLine
	}
	if err := json.Unmarshal(data, &line); err == nil && line.Mailing != "" && number == 1 {
		p.mailing = line.Mailing
		return nil
	} else if err != nil || len(line.Begun) != len(line.Digests) || len(line.Begun) == 0 && line.State == "" {
		return errors.New("not of a batch")
	}
	if len(line.Begun) > 0 {
		for i, index := range line.Begun {
			if err := p.set(index, line.Digests[i], DidBegin); err != nil {
				return err
			}
			delete(p.unknown, index)
			p.begun[index] = line.At
		}
		if p.first.IsZero() || line.At.Before(p.first) {
			p.first = line.At
		}
		return nil
	}
	p.Take(line.Receipt)
	delete(p.begun, line.Index)
	delete(p.unknown, line.Index)
	d := line.did()
	if d == DidBegin {
		p.unknown[line.Index] = pastUncertain{line.Receipt, number}
	}
	return p.set(line.Index, line.Digest, d)
}

// did is what the line means for a later run. Only what provably was not sent
// may be sent.
func (l ResultLine) did() Did {
	switch provider.State(l.State) {
	case StateNotTried:
		return didNothing
	case provider.StateRefused:
		if l.Outcome == provider.OutcomeNotSent {
			return didNothing
		}
		return DidBegin
	case "", provider.StateUnknown:
		return DidBegin
	case provider.StatePartlyAccepted:
		if l.Outcome == provider.OutcomeMaybeSent {
			return DidBegin
		}
		return DidPart
	}
	return DidSend // accepted, scheduled, enqueued in an outbox, or what a look-up found
}

// aheadMost is how far a message may be behind those of the lines before: more than a
// batch reads ahead. What is farther is not of a batch, and would cost memory.
const aheadMost = 1 << 20

func (p *Past) set(index int, d Digest, what Did) error {
	if index < 0 || index-len(p.messages) > aheadMost {
		return errors.New("not of a batch: no message has this index")
	}
	for len(p.messages) <= index {
		p.messages = append(p.messages, pastMessage{})
	}
	m := &p.messages[index]
	if m.known && m.digest != d {
		return errors.New("two different messages have the same index")
	}
	*m = pastMessage{digest: d, known: true, did: what}
	return nil
}

// Was returns what earlier runs did with a message. Another message in its place
// is an error.
func (p *Past) Was(index int, d Digest, line int) (Did, error) {
	if index >= len(p.messages) || !p.messages[index].known {
		return didNothing, nil
	}
	if p.messages[index].digest != d {
		return didNothing, exit.UsageError("--resume", "the input has changed: line %d (message %d) is not the message that %s is of", line, index, p.name)
	}
	p.messages[index].asked = true
	return p.messages[index].did, nil
}

// End reports an input that ends after read messages and so is shorter than before.
func (p *Past) End(read int) error {
	if read < len(p.messages) {
		return exit.UsageError("--resume", "the input has changed: it ends after %s, and %s is of %d or more", terminal.Plural(read, "message", "messages"), p.name, len(p.messages))
	}
	return nil
}

// Check reads the input for its digests, and counts its messages.
func (p *Past) Check(in *input.Source) (int, error) {
	l := input.NewLines(in)
	for n := 0; ; n++ {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			return n, p.End(n)
		}
		if err != nil {
			return n, input.InFile(in.Name, err)
		}
		if _, err := p.Was(n, DigestOf(line), l.Number()); err != nil {
			return n, err
		}
	}
}

// Began returns when the first run of the result file began to send; zero when none has.
func (p *Past) Began() time.Time { return p.first }

// Take keeps the ids of a message that was sent, so that no other message is given them.
func (p *Past) Take(r *provider.Receipt) {
	for _, id := range idsOf(r) {
		if p.ids != nil {
			p.ids[DigestOf([]byte(id))] = true
		}
	}
}

// Taken reports whether an id of r is known to be that of another message.
func (p *Past) Taken(r *provider.Receipt) bool {
	return slices.ContainsFunc(idsOf(r), func(id string) bool { return p.ids[DigestOf([]byte(id))] })
}

func idsOf(r *provider.Receipt) []string {
	if r == nil {
		return nil
	}
	ids := []string{r.MessageID}
	for _, x := range r.Recipients {
		ids = append(ids, x.MessageID)
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "" })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Receipt returns the receipt of a message whose outcome the result file calls unknown; nil
// when there is none.
func (p *Past) Receipt(index int) *provider.Receipt { return p.unknown[index].receipt }

// LineOf returns the line of the result file, from 1, that calls the outcome of a message
// unknown; 0 when none does.
func (p *Past) LineOf(index int) int { return p.unknown[index].line }

// begunLasts is how long after its mark a call may have reached the provider: a
// wait for the provider's limit, then the call with its repeats.
const begunLasts = 10 * time.Minute

// Doubtful makes the receipt of a message that was begun when the tool ended:
// what a look-up needs to find it.
func (p *Past) Doubtful(index int, m *provider.Message) *provider.Receipt {
	at := p.begun[index]
	until := at.Add(begunLasts)
	if now := time.Now().UTC(); now.Before(until) {
		until = now
	}
	r := m.Receipt("", provider.StateUnknown)
	r.Notes = []provider.Note{{Field: "state", Action: provider.NoteWarning, Why: "the tool ended while it was being sent"}}
	r.Unsettled = m.Trace(at, until)
	return r
}
