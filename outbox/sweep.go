package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/postmux/postmux/provider"
)

// Swept is what a sweep found: messages of workers that show no sign of life, and messages
// whose time is over.
type Swept struct {
	Returned int64 // of dead workers, not begun or with a key that is known yet: queued again
	Unknown  int64 // of dead workers, whose request may have left; and those whose key is over
	Dead     int64 // expired; provably nothing was sent
}

// sweepError is the error of a message that the sweep made unknown.
func sweepError(why string) string {
	text, err := jsonOf(&provider.Error{
		Kind: provider.ErrOutcomeUnknown, Provider: driverName, Op: "send", Outcome: provider.OutcomeMaybeSent, Message: why,
	})
	if err != nil {
		panic(err) // it is made of constants
	}
	return *text
}

var (
	workerDied = sweepError("the worker died while a request was under way")
	keyOver    = sweepError("the provider no longer knows the key of the tries so far")
	expired    = sweepError("it was not sent in time")
)

// deadWorker is a condition on a message m: its worker shows no sign of life.
const deadWorker = `not exists (select 1 from {worker} w where w.id = m.worker and w.expires > {now})`

// The statements of a sweep, each complete by itself. A request may have left of whatever is
// sending; of what is leased none has. SQLite uses an index on some states only for the same
// words in the statement.
const (
	sweepLeased = `update {message} as m set state = 'queued', worker = null, changed = {now}
		where m.state in ('leased', 'sending') and m.state = 'leased' and ` + deadWorker
	sweepKeyed = `update {message} as m set state = 'queued', worker = null, changed = {now}, unclear = true
		where m.state in ('leased', 'sending') and m.state = 'sending' and m.key_until > {now} and ` + deadWorker
	sweepSending = `update {message} as m set state = 'unknown', worker = null, changed = {now}, unclear = true,
			error = {1}, run_at = {now} + {2}
		where m.state in ('leased', 'sending') and m.state = 'sending' and (m.key_until is null or m.key_until <= {now}) and ` + deadWorker
	sweepKeys = `update {message} as m set state = 'unknown', changed = {now}, error = {1}, run_at = {now} + {2}
		where m.state = 'queued' and m.unclear and (m.key_until is null or m.key_until <= {now})`
	sweepExpired = `update {message} as m set state = 'dead', changed = {now}, error = coalesce(m.error, {1})
		where m.state = 'queued' and m.expires <= {now} and not m.unclear`
	sweepWorkers = `delete from {worker} where expires < {now} - {1} and not exists (
		select 1 from {message} m where m.worker = {worker}.id and m.state in ('leased', 'sending'))`
)

// sweep takes up what dead workers left.
func (s *Store) sweep(ctx context.Context) (Swept, error) {
	var out Swept
	look := lookUpAfter(0).Microseconds()
	for _, step := range []struct {
		text  string
		args  []any
		count *int64
	}{
		{sweepLeased, nil, &out.Returned},
		{sweepKeyed, nil, &out.Returned},
		{sweepSending, []any{workerDied, look}, &out.Unknown},
		{sweepKeys, []any{keyOver, look}, &out.Unknown},
		{sweepExpired, []any{expired}, &out.Dead},
		{sweepWorkers, []any{time.Hour.Microseconds()}, new(int64)},
	} {
		n, err := s.exec(ctx, s.own(), step.text, step.args...)
		if err != nil {
			return out, fmt.Errorf("sweep: %w", err)
		}
		*step.count += n
	}
	return out, nil
}

// sweep looks whether another server took over, and takes up what dead workers left.
func (b *Box) sweep(ctx context.Context) error {
	if err := b.followTimeline(ctx, true, false); err != nil {
		return err
	}
	found, err := b.store.sweep(ctx)
	if found == (Swept{}) {
		return err
	}
	b.cfg.Log.InfoContext(ctx, "outbox: messages of dead workers or past their time were taken up",
		"returned", found.Returned, "unknown", found.Unknown, "dead", found.Dead)
	if b.cfg.Hooks.OnSweep != nil {
		b.cfg.Hooks.OnSweep(ctx, found)
	}
	return err
}
