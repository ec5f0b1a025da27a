package outbox

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Explanation says in plain words why a message is where it is: what is certain, what
// happens next, and what a person can do. Times are by the clock of the database.
type Explanation struct {
	Message *Entry    `json:"message"`
	Now     time.Time `json:"now"`
	// Hold is that of the account; nil when messages of it are sent.
	Hold *Hold `json:"hold,omitempty"`
	// Worker has the message; nil when none has.
	Worker  *Worker  `json:"worker,omitempty"`
	Workers int      `json:"workers"` // that show a sign of life
	Certain string   `json:"certain"`
	Next    string   `json:"next"`
	Choices []Choice `json:"choices,omitempty"`
}

// Choice is what a person can do about a message.
type Choice struct {
	Command string `json:"command"` // of the tool
	Does    string `json:"does"`
}

// Explain explains the message with an id; ErrNotFound when there is none.
func (s *Store) Explain(ctx context.Context, id string) (*Explanation, error) {
	x := new(Explanation)
	err := s.in(ctx, func(tx Execer) (err error) {
		*x = Explanation{}
		if x.Message, err = s.get(ctx, tx, id); err != nil {
			return err
		}
		var now int64
		if _, err = s.one(ctx, tx, "select {now}, (select count(*) from {worker} w where w.expires > {now})", nil, &now, &x.Workers); err != nil {
			return err
		}
		x.Now = timeOf(now)
		if x.Worker, err = s.workerOf(ctx, tx, id); err != nil {
			return err
		}
		holds, err := s.holds(ctx, tx)
		for i, h := range holds {
			if h.Account == x.Message.Account {
				x.Hold = &holds[i]
			}
		}
		return err
	})
	if err != nil {
		return nil, s.storeError("explain", err)
	}
	x.explain()
	return x, nil
}

// workerOf returns the worker that has a message; nil when none has.
func (s *Store) workerOf(ctx context.Context, x Execer, id string) (*Worker, error) {
	var w Worker
	var started, seen int64
	var alive int
	found, err := s.one(ctx, x, `select cast(m.worker as text), coalesce(w.host, ''), coalesce(w.started, 0), coalesce(w.seen, 0),
			case when w.expires > {now} then 1 else 0 end
		from {message} m left join {worker} w on w.id = m.worker where m.id = {1} and m.worker is not null`, []any{id},
		&w.ID, &w.Host, &started, &seen, &alive)
	if err != nil || !found {
		return nil, err
	}
	w.Alive = alive == 1
	if started != 0 {
		w.Started, w.Seen = timeOf(started), timeOf(seen)
	}
	return &w, nil
}

const (
	noWorker = "nothing: no worker shows a sign of life; start one: postmux outbox run"
	forGood  = "nothing"
)

func (x *Explanation) explain() {
	e := x.Message
	switch e.State {
	case Queued:
		x.queued()
	case Leased:
		x.Certain = "a worker has it in memory; nothing was sent in this try"
		if e.Unclear {
			x.Certain = "a worker has it in memory; an earlier try may have sent it, under a key that the provider knows until " + clock(e.keyUntil)
		}
		x.Next = x.orWorker("it is sent when a call is free", "it is queued again")
	case Sending:
		x.Certain = fmt.Sprintf("a request left at %s, or was about to", clock(e.IntentAt))
		x.Next = x.orWorker("the answer of the provider, or its timeout", "it becomes unknown, because the provider knows no key of it")
		if e.keyUntil.After(x.Now) {
			x.Next = x.orWorker("the answer of the provider, or its timeout",
				"it is sent again under the same key, which the provider knows until "+clock(e.keyUntil))
		}
	case Accepted, Scheduled:
		x.Certain = "the provider has it, and gave no id"
		if e.MessageID != "" {
			x.Certain = "the provider has it as " + e.MessageID
			x.choose(fmt.Sprintf("postmux --provider %s status '%s'", cmp.Or(e.Member, e.Account), e.MessageID), "asks what became of it")
		}
		if e.Decided != "" {
			x.Certain = e.Decided + " decided that it was sent"
		}
		x.Next = forGood
	case Refused:
		x.Certain, x.Next = "the provider or this library said no to the message; nothing was sent", forGood
		x.choose("postmux outbox retry "+e.ID, "sends it again, after what was wrong is mended")
		x.choose("postmux outbox decide "+e.ID+" --drop --by NAME", "closes it")
	case Unknown:
		x.unknown()
	case Dead:
		x.Certain, x.Next = "it was not sent in time and given up; provably nothing was sent", forGood
		x.choose("postmux outbox retry "+e.ID, "queues it again")
		x.choose("postmux outbox decide "+e.ID+" --drop --by NAME", "closes it")
	case Canceled:
		x.Certain, x.Next = "it was taken back before anything was sent", forGood
	case Dropped:
		x.Certain, x.Next = e.Decided+" closed it; nothing more is done", forGood
	}
}

// queued explains a message that waits.
func (x *Explanation) queued() {
	e := x.Message
	switch {
	case e.Unclear:
		x.Certain = "a try at " + clock(e.FirstAt) + " may have sent it; the provider knows its key until " + clock(e.keyUntil) +
			", and a repeat until then sends nothing twice"
	case e.Attempt == 0:
		x.Certain = "nothing was sent; no worker has taken it yet"
	default:
		x.Certain = fmt.Sprintf("nothing was sent, of that each of the tries gave proof; %d in a row failed", e.Failures)
	}
	due := "when a call is free: it is due since " + clock(e.NextAt)
	if e.NextAt.After(x.Now) {
		due = "at " + clock(e.NextAt)
	}
	switch h := x.Hold; {
	case e.format > bodyFormat:
		x.Next = "a worker of a newer version sends it: this one does not know its form"
	case h != nil && h.Until.IsZero():
		x.Next = fmt.Sprintf("nothing, until a person releases the account %s", h.Account)
		x.choose("postmux outbox release "+h.Account, "lets the messages of the account go out")
	case x.Workers == 0:
		x.Next = noWorker
	case h != nil:
		x.Next = fmt.Sprintf("one message of the account %s is tried at %s; when that works, all go out", h.Account, clock(h.Until))
		x.choose("postmux outbox release "+h.Account, "lets the messages of the account go out at once")
	default:
		x.Next = "a worker sends it " + due
	}
	if !e.Expires.IsZero() && !e.Unclear {
		x.Next += "; it is given up at " + clock(e.Expires)
	}
	if !e.Unclear {
		x.choose("postmux outbox cancel "+e.ID, "takes it back")
	}
}

// unknown explains a message whose outcome nobody knows.
func (x *Explanation) unknown() {
	e := x.Message
	at := e.IntentAt
	if at.IsZero() {
		at = e.FirstAt
	}
	x.Certain = "it may have been sent, at " + clock(at) + ": nobody knows; no program sends it again"
	switch {
	case e.lookups >= len(lookUpTimes):
		x.Next = "nothing: the provider was asked, or has no look-up; a person decides"
	case x.Workers == 0:
		x.Next = "nothing: no worker shows a sign of life that could ask the provider; start one: postmux outbox run"
	default:
		x.Next = fmt.Sprintf("a worker asks the provider after %s, in look-up %d of %d", clock(e.NextAt), e.lookups+1, len(lookUpTimes))
	}
	x.choose("postmux outbox settle "+e.ID, "asks the provider now")
	for _, d := range []struct{ flag, does string }{
		{"--sent", "it went out"}, {"--again", "sends it again: it may arrive twice"}, {"--drop", "closes it"},
	} {
		x.choose("postmux outbox decide "+e.ID+" "+d.flag+" --by NAME", d.does)
	}
}

// orWorker says what happens when the worker of a message lives, and when it is dead.
func (x *Explanation) orWorker(lives, dead string) string {
	where := ""
	if w := x.Worker; w != nil && w.Host != "" {
		where = " on " + w.Host
	}
	switch {
	case x.Worker != nil && x.Worker.Alive:
		return lives + "; its worker" + where + " is alive"
	case x.Workers == 0:
		return "nothing: its worker" + where + " is dead, and no other shows a sign of life; start one: postmux outbox run. Then " + dead
	}
	return "its worker" + where + " is dead: another one takes care that " + dead + ", in a quarter of a lease"
}

func (x *Explanation) choose(command, does string) {
	x.Choices = append(x.Choices, Choice{command, does})
}

// clock is a time in an explanation.
func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }
