package journal

import (
	"context"
	"iter"
	"os"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
)

// mailingLine is the first line of the result file of a mailing. Its messages are told apart by
// the digests of their keys, and numbered as they come: another run may find other people, in
// another order.
type mailingLine struct {
	Mailing string `json:"mailing,omitempty"`
}

// OpenMailing opens the result file of a mailing, or begins it. It goes on with what is there:
// whoever got the mailing does not get it again.
func OpenMailing(ctx context.Context, name, mailing string, settle bool) (*Past, *File, error) {
	info, err := os.Stat(name)
	p, f, err := OpenPast(ctx, name, err == nil && info.Size() > 0, settle)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case p.mailing == mailing:
	case p.mailing != "" || len(p.messages) > 0:
		_ = f.Close()
		return nil, nil, exit.UsageError("--results", "%s is not of the mailing %q; each mailing has a file of its own", name, mailing)
	default:
		f.Write(mailingLine{mailing})
		if err := f.Sync(); err != nil {
			_ = f.Close()
			return nil, nil, err
		}
	}
	p.index()
	return p, f, nil
}

// PastOf reads the result file of a mailing without a lock and without writing to it, for a
// preview. One that is not there, or not of the mailing, is as an empty one: a run says so.
func PastOf(ctx context.Context, name, mailing string) *Past {
	p := newPast(name)
	p.byDigest = make(map[Digest]int)
	f, err := os.Open(name)
	if err != nil {
		return p
	}
	defer func() { _ = f.Close() }()
	read := newPast(name)
	if _, err := (&File{name: name}).read(f, read.add); err != nil || read.mailing != mailing || ctx.Err() != nil {
		return p
	}
	read.index()
	return read
}

// index makes the keys of the messages known.
func (p *Past) index() {
	p.byDigest = make(map[Digest]int, len(p.messages))
	for i, m := range p.messages {
		if m.known {
			p.byDigest[m.digest] = i
		}
	}
}

// Did returns what earlier runs of a mailing did with the message of a key.
func (p *Past) Did(key Digest) Did {
	if i, ok := p.byDigest[key]; ok {
		return p.messages[i].did
	}
	return didNothing
}

// IndexOf returns the index of a key of a mailing, a new one when no run had it.
func (p *Past) IndexOf(key Digest) int {
	i, ok := p.byDigest[key]
	if !ok {
		i = len(p.messages)
		p.messages = append(p.messages, pastMessage{digest: key})
		p.byDigest[key] = i
	}
	return i
}

// Rest are the messages that earlier runs of a mailing have begun or sent and for which this one has not asked with Was:
// their people are not to be mailed any more.
func (p *Past) Rest() iter.Seq2[int, Digest] {
	return func(yield func(int, Digest) bool) {
		for i, m := range p.messages {
			if m.did != didNothing && !m.asked && !yield(i, m.digest) {
				return
			}
		}
	}
}
