package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/postmux/postmux/provider"
)

// digest tells one line of the input from another. It is a part of its SHA-256.
type digest [8]byte

func digestOf(line []byte) digest {
	sum := sha256.Sum256(line)
	return digest(sum[:8])
}

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes d in hexadecimal digits.
func (d digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil } //nolint:unparam // the interface wants it

// UnmarshalText reads what MarshalText wrote.
func (d *digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("expected %d hexadecimal digits, got %q", hex.EncodedLen(len(d)), text)
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// stateNotTried is the state of a message that no call was made for, because of an
// earlier one or of an interrupt.
const stateNotTried = "not_tried"

// resultLine is what the result file says of a message.
type resultLine struct {
	Index     int               `json:"index"`
	Digest    digest            `json:"digest"`
	State     string            `json:"state"`
	MessageID string            `json:"message_id"`
	Outcome   provider.Outcome  `json:"outcome,omitempty"`
	Error     *provider.Error   `json:"error,omitempty"`
	Receipt   *provider.Receipt `json:"receipt,omitempty"`
}

// beginLine is written before a call.
type beginLine struct {
	Begun   []int     `json:"begun"`
	Digests []digest  `json:"digests"`
	At      time.Time `json:"at"`
}

// newResultLine is the line for the result of message index.
func newResultLine(index int, d digest, r provider.BatchResult) resultLine {
	line := resultLine{Index: index, Digest: d, Receipt: r.Receipt, State: string(provider.StateRefused)}
	if r.Err != nil {
		line.Error = asProviderError(r.Err)
		line.Outcome = line.Error.Outcome
	}
	switch {
	case notTried(r.Err) && r.Receipt == nil:
		line.State = stateNotTried
	case line.Outcome == provider.OutcomeMaybeSent && (r.Receipt == nil || r.Receipt.State != provider.StatePartlyAccepted):
		line.State = string(provider.StateUnknown)
	case r.Receipt != nil && r.Receipt.State != "":
		line.State = string(r.Receipt.State)
	}
	if r.Receipt != nil {
		line.MessageID = r.Receipt.MessageID
	}
	if line.State == string(provider.StateRefused) && line.Outcome == "" {
		line.Outcome = provider.OutcomeNotSent
	}
	return line
}

// writeBegin writes which messages a call may send, and waits until the disk has
// it: a message that was begun is never sent by a later run. A result, which is
// written without that wait, is lost by a crash of the machine at worst, and
// leaves its message begun, which is the safe side.
func writeBegin(f *resultFile, indexes []int, digests []digest) error {
	line := beginLine{Begun: indexes, Digests: digests, At: time.Now().UTC().Truncate(time.Millisecond)}
	f.write(line)
	return f.sync()
}
