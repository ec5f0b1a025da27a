package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
)

// Digest tells one line of the input from another. It is a part of its SHA-256.
type Digest [8]byte

// DigestOf returns the digest of a line of the input.
func DigestOf(line []byte) Digest {
	sum := sha256.Sum256(line)
	return Digest(sum[:8])
}

// with returns the digest of d and a line behind it.
func (d Digest) with(line []byte) Digest {
	h := sha256.New()
	h.Write(d[:])
	h.Write(line)
	return Digest(h.Sum(nil)[:len(d)])
}

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes d in hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("expected %d hexadecimal digits, got %q", hex.EncodedLen(len(d)), text)
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// StateNotTried is the state of a message that no call was made for, because of an
// earlier one or of an interrupt.
const StateNotTried = "not_tried"

// ResultLine is what the result file says of a message.
type ResultLine struct {
	Index     int               `json:"index"`
	Digest    Digest            `json:"digest"`
	State     string            `json:"state"`
	MessageID string            `json:"message_id"`
	Outcome   provider.Outcome  `json:"outcome,omitempty"`
	Error     *provider.Error   `json:"error,omitempty"`
	Receipt   *provider.Receipt `json:"receipt,omitempty"`
}

// beginLine is written before a call.
type beginLine struct {
	Begun   []int     `json:"begun"`
	Digests []Digest  `json:"digests"`
	At      time.Time `json:"at"`
}

// NewResultLine is the line for the result of message index.
func NewResultLine(index int, d Digest, r provider.BatchResult) ResultLine {
	line := ResultLine{Index: index, Digest: d, Receipt: r.Receipt, State: string(provider.StateRefused)}
	if r.Err != nil {
		line.Error = exit.ProviderError(r.Err)
		line.Outcome = line.Error.Outcome
	}
	switch {
	case exit.NotTried(r.Err) && r.Receipt == nil:
		line.State = StateNotTried
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

// WriteBegin writes which messages a call may send, and waits until the disk has
// it: a message that was begun is never sent by a later run. A result, which is
// written without that wait, is lost by a crash of the machine at worst, and
// leaves its message begun, which is the safe side.
func WriteBegin(f *File, indexes []int, digests []Digest) error {
	line := beginLine{Begun: indexes, Digests: digests, At: time.Now().UTC().Truncate(time.Millisecond)}
	f.Write(line)
	return f.Sync()
}

// WriteWaits writes that messages which were begun wait again and nothing of them was sent,
// so that a later run sends them. A crash that loses it leaves them begun.
func WriteWaits(f *File, indexes []int, digests []Digest) {
	for i, index := range indexes {
		f.Write(ResultLine{Index: index, Digest: digests[i], State: StateNotTried})
	}
}
