// Package river sends the mail of an outbox as jobs of River (github.com/riverqueue/river): one
// job for each message, which calls Box.Process. The outbox keeps what River does not have: an
// intent before each request, and what became of it. So a job that runs twice, because its
// process died or its completion was lost, sends no mail twice.
//
//	workers := river.NewWorkers()
//	river.AddWorker(workers, outboxriver.Worker(box))
//	river.AddWorker(workers, outboxriver.CatchUp(box))
//	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
//		Queues:       map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 50}},
//		Workers:      workers,
//		PeriodicJobs: []*river.PeriodicJob{outboxriver.CatchUpEvery(time.Minute)},
//	})
//	…
//	id, err := outboxriver.EnqueueTx(ctx, box, client, tx, message, nil) // in the program's own transaction
//
// The tables of River and of the outbox are in one database. End the Client of River first, then
// the Box with Close. Workers of Box.Run may send beside River.
package river

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/outbox/pgxtx"
	"github.com/postmux/postmux/provider"
)

// Args are those of the job of a message.
type Args struct {
	ID string `json:"id"` // of the message in the outbox
}

// Kind implements river.JobArgs.
func (Args) Kind() string { return "postmux_outbox_send" }

// InsertOpts implements river.JobArgsWithInsertOpts: a message has one job that has not ended,
// and a job is not given up while its message is queued.
func (Args) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: math.MaxInt16, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: open}}
}

// open are the states of jobs that have not ended.
var open = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// EnqueueTx stores a message and its job in a transaction of the program: a pgx.Tx, or a *sql.Tx
// with River's driver for database/sql. Both are there when tx is committed. It returns the id
// of the message; see Box.EnqueueTx for keys and errors.
func EnqueueTx[TTx any](
	ctx context.Context, b *outbox.Box, client *river.Client[TTx], tx TTx, m *provider.Message, o *outbox.EnqueueOpts,
) (string, error) {
	var id string
	var err error
	switch tx := any(tx).(type) {
	case pgx.Tx:
		id, err = b.EnqueueIn(ctx, pgxtx.Of(tx), m, o)
	case *sql.Tx:
		id, err = b.EnqueueTx(ctx, tx, m, o)
	default:
		err = provider.Invalid("", "expected a pgx.Tx or a *sql.Tx, got %T", tx)
	}
	if err != nil {
		return "", err
	}
	if _, err := client.InsertTx(ctx, tx, Args{ID: id}, &river.InsertOpts{ScheduledAt: m.SendAt}); err != nil {
		return "", &provider.Error{
			Kind: provider.ErrUnavailable, Provider: "outbox", Outcome: provider.OutcomeNotSent,
			Message: "the job of the message was not stored; roll the transaction back: " + err.Error(), Err: err,
		}
	}
	return id, nil
}

// Worker returns the worker of the jobs that send. A job ends when its message has ended or its
// outcome is unknown: that is settled by a look-up or a person, and never sent again. While the
// message waits for its time, its account or another process, the job snoozes.
//
// River's JobTimeout is to be longer than the account's timeout: what takes longer is recorded as
// an error, and the job looks again at what became of the message. River gives the jobs of a
// process that died to others after RescueStuckJobsAfter, an hour by default; CatchUp sends their
// messages within a minute or two.
func Worker(b *outbox.Box) river.Worker[Args] { return &worker{box: b} }

type worker struct {
	river.WorkerDefaults[Args]
	box *outbox.Box
}

// Bounds of the time until a job looks again.
const (
	leastSnooze = time.Second
	mostSnooze  = time.Hour // a person may release, or send again, what waits
	busySnooze  = 10 * time.Second
)

// NextRetry implements river.Worker: an error is about the database, which may be back soon.
func (*worker) NextRetry(job *river.Job[Args]) time.Time {
	return time.Now().Add(min(time.Duration(1<<min(job.Attempt, 6))*time.Second, time.Minute))
}

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, job *river.Job[Args]) error {
	e, err := w.box.Process(ctx, job.Args.ID)
	switch {
	case errors.Is(err, provider.ErrNotFound), errors.Is(err, provider.ErrInvalid):
		return river.JobCancel(err) // it was purged, or is no message
	case err != nil:
		return fmt.Errorf("message %s: %w", job.Args.ID, err)
	}
	switch e.State {
	case outbox.Queued:
		return river.JobSnooze(min(max(time.Until(e.NextAt), leastSnooze), mostSnooze))
	case outbox.Leased, outbox.Sending: // another process has it, and may die
		return river.JobSnooze(busySnooze)
	}
	return nil
}

// CatchUpArgs are those of the job that looks for messages without one.
type CatchUpArgs struct{}

// Kind implements river.JobArgs.
func (CatchUpArgs) Kind() string { return "postmux_outbox_catch_up" }

// InsertOpts implements river.JobArgsWithInsertOpts. The jobs are not unique: one of a process
// that died would keep away the others.
func (CatchUpArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

// catchUpAfter is how long a message has been due that CatchUp sends.
const catchUpAfter = time.Minute

// catchUpMost bounds a job of CatchUp.
const catchUpMost = 200

// CatchUp returns the worker of the job that sends messages that have been due for a minute:
// those of processes that died, those that a person has sent again, and those that were
// enqueued without a job. CatchUpEvery inserts the job.
func CatchUp(b *outbox.Box) river.Worker[CatchUpArgs] { return &catchUp{box: b, after: catchUpAfter} }

// CatchUpEvery returns the periodic job of CatchUp. A minute is a good time.
func CatchUpEvery(d time.Duration) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(d), func() (river.JobArgs, *river.InsertOpts) {
		return CatchUpArgs{}, nil
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

type catchUp struct {
	river.WorkerDefaults[CatchUpArgs]
	box   *outbox.Box
	after time.Duration
}

// Work implements river.Worker.
func (c *catchUp) Work(ctx context.Context, _ *river.Job[CatchUpArgs]) error {
	if err := c.box.Start(ctx); err != nil {
		return err
	}
	ids, err := c.box.Store().Overdue(ctx, c.after, catchUpMost)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := c.box.Process(ctx, id); err != nil && !errors.Is(err, provider.ErrNotFound) {
			return err
		}
	}
	return nil
}
