package journal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
)

// Mails are the messages of a result file with what is known of each. They take some bytes
// for each message.
type Mails struct {
	past *Past
	last []int // number of the last line about each message, from 1; 0: none
}

// OpenMails opens the result file of a batch, to look up what became of its mails and to
// write that behind.
func OpenMails(ctx context.Context, name string) (*Mails, *File, error) {
	m := &Mails{past: newPast(name)}
	f, err := openResults(ctx, name, true, m.add)
	return m, f, err
}

func (m *Mails) add(number int, data []byte) error {
	if err := m.past.add(number, data); err != nil || number == 1 && m.past.mailing != "" {
		return err
	}
	var line struct {
		Index int   `json:"index"`
		Begun []int `json:"begun"`
	}
	if err := json.Unmarshal(data, &line); err != nil {
		return err
	}
	for len(m.last) < len(m.past.messages) {
		m.last = append(m.last, 0)
	}
	if len(line.Begun) == 0 {
		m.last[line.Index] = number
	}
	for _, index := range line.Begun {
		m.last[index] = number
	}
	return nil
}

// Count is the number of messages that the file knows of.
func (m *Mails) Count() int { return len(m.last) }

// Each calls each with the last line about every message, in the order of the lines: one
// without a receipt, of the state unknown, for a message that was begun alone. An error of
// each ends it.
func (m *Mails) Each(each func(ResultLine) error) error {
	f, err := os.Open(m.past.name)
	if err != nil {
		return exit.UsageError("--results", "cannot read the file: %v", err)
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReaderSize(f, 256<<10)
	lines := 0
	for _, number := range m.last {
		lines = max(lines, number)
	}
	for number := 1; number <= lines; number++ { // what is behind is written meanwhile
		data, err := in.ReadBytes('\n')
		if err != nil && (!errors.Is(err, io.EOF) || len(data) == 0) {
			return exit.UsageError("--results", "cannot read the file: %v", err)
		}
		var line struct {
			ResultLine
			beginLine
		}
		if err := json.Unmarshal(bytes.TrimSpace(data), &line); err != nil {
			return exit.UsageError("--results", "%s: line %d: %v", m.past.name, number, err)
		}
		for i, index := range line.Begun {
			if m.last[index] != number {
				continue
			}
			if err := each(ResultLine{Index: index, Digest: line.Digests[i], State: string(provider.StateUnknown)}); err != nil {
				return err
			}
		}
		if len(line.Begun) == 0 && m.last[line.Index] == number {
			if err := each(line.ResultLine); err != nil {
				return err
			}
		}
	}
	return nil
}

// Found returns the line for what a look-up has found of the message of l: its receipt
// with the states of now.
func (l ResultLine) Found(found *provider.Receipt) ResultLine {
	r := l.Receipt.Clone()
	r.State, r.Notes = found.State, append(r.Notes, found.Notes...)
	for i, have := range r.Recipients {
		for _, p := range found.Recipients {
			if p.Email == have.Email || p.MessageID != "" && p.MessageID == have.MessageID {
				r.Recipients[i].State = p.State
			}
		}
		if len(found.Recipients) == 0 {
			r.Recipients[i].State = found.State
		}
	}
	return ResultLine{Index: l.Index, Digest: l.Digest, State: string(found.State), MessageID: l.MessageID, Receipt: r}
}

// Asked reports whether a look-up of l has ids to ask for.
func (l ResultLine) Asked() bool { return len(idsOf(l.Receipt)) > 0 }
