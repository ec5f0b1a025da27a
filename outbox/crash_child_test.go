package outbox

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postmux/postmux/provider"
)

// childEnv has what a process of the crash tests is to do, as JSON.
const childEnv = "POSTMUX_TEST_OUTBOX_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := child(text, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childSpec is what a process of the crash tests does and with which database.
type childSpec struct {
	Role     string // worker or enqueuer
	Driver   string // sqlite or pgx
	Database string
	Schema   string
	Vendor   string // address of the mailServer
	Lease    time.Duration
	Senders  int
	Clock    time.Duration // what the clock that the Store has is wrong by
	Mutation string        // a fault to be found
}

func (s childSpec) store() (*Store, error) {
	db, err := sql.Open(s.Driver, s.Database)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	make := SQLite
	if s.Driver == "pgx" {
		make = Postgres
	}
	store, err := make(db, StoreOptions{Schema: s.Schema})
	if err != nil {
		return nil, err
	}
	store.clock = func() time.Time { return time.Now().Add(s.Clock) }
	mutate(store, s.Mutation)
	return store, nil
}

// output writes lines that are not mixed. A line that a process wrote is read, also when
// the process is killed right after it.
type output struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *output) line(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = io.WriteString(o.w, fmt.Sprintf(format, args...)+"\n") // whoever reads it may have ended
}

// child is a process of the crash tests. It ends with its input: nothing is left behind when
// the test dies.
func child(text string, in io.Reader, w io.Writer) error {
	var spec childSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return err
	}
	store, err := spec.store()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out := &output{w: w}
	cfg := Config{
		Accounts: func(ctx context.Context, name string) (*provider.Client, error) {
			return openAt(ctx, spec.Vendor, name)
		},
		Batch: []string{"batch"}, Namespace: "crash", Lease: spec.Lease, Senders: spec.Senders,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Hooks: Hooks{
			OnState: func(_ context.Context, id string, to State) {
				out.line("state %s %s %d", id, to, time.Now().UnixNano())
			},
			OnSweep: func(_ context.Context, s Swept) { out.line("swept %d %d %d", s.Returned, s.Unknown, s.Dead) },
			OnLost: func(_ context.Context, ids []string) {
				for _, id := range ids {
					out.line("lost %s", id)
				}
			},
		},
	}
	box, err := openPatiently(ctx, store, cfg)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	switch spec.Role {
	case "worker":
		out.line("ready")
		go func() {
			for lines.Scan() {
				continue
			}
			stop()
		}()
		for {
			// A start needs the database once; it may be away.
			if err := box.Run(ctx); err == nil || ctx.Err() != nil {
				return err
			}
			pause(ctx, 50*time.Millisecond)
		}
	case "enqueuer":
		out.line("ready")
		for lines.Scan() {
			var work enqueueWork
			if err := json.Unmarshal(lines.Bytes(), &work); err != nil {
				return err
			}
			if err := work.do(ctx, box, out); err != nil {
				return err
			}
		}
		if err := box.Close(); err != nil {
			return err
		}
		return lines.Err()
	}
	return fmt.Errorf("no role %q", spec.Role)
}

func openPatiently(ctx context.Context, store *Store, cfg Config) (*Box, error) {
	for try := 0; ; try++ {
		box, err := Open(ctx, store, cfg)
		if err == nil || try == 200 {
			return box, err
		}
		pause(ctx, 50*time.Millisecond)
	}
}

// enqueueWork are numbers of mails that an enqueuer is to store. It repeats what has failed:
// a key makes that safe.
type enqueueWork struct {
	Mails []int
	How   string // one, all or tx
}

func (w enqueueWork) do(ctx context.Context, b *Box, out *output) error {
	for _, account := range crashAccounts {
		var mine []int
		for _, n := range w.Mails {
			if crashAccount(n) == account {
				mine = append(mine, n)
			}
		}
		o := &EnqueueOpts{Account: account}
		for try := 0; len(mine) > 0; try++ {
			stored, err := w.store(ctx, b, mine, o, out)
			mine = mine[stored:]
			if err != nil && (try > 400 || strings.Contains(err.Error(), "invalid")) {
				return err
			}
			if err != nil {
				pause(ctx, 25*time.Millisecond)
			}
		}
	}
	out.line("done")
	return nil
}

func (w enqueueWork) store(ctx context.Context, b *Box, mails []int, o *EnqueueOpts, out *output) (int, error) {
	confirm := func(n int, id string) { out.line("ok %d %s %d %s", n, id, time.Now().UnixNano(), w.How) }
	begin := func(n int) { out.line("try %d %d", n, time.Now().UnixNano()) }
	switch w.How {
	case "all":
		for _, n := range mails {
			begin(n)
		}
		messages := make([]*provider.Message, len(mails))
		for i, n := range mails {
			messages[i] = crashMail(n)
		}
		return b.EnqueueAll(ctx, each(messages), o, func(i int, id string) error {
			confirm(mails[i], id)
			return nil
		})
	case "tx":
		// Three in a transaction; every fifth transaction is rolled back and made again.
		part := mails[:min(3, len(mails))]
		for _, commit := range slices.Compact([]bool{part[0]%5 != 0, true}) {
			for _, n := range part {
				begin(n)
			}
			ids, err := w.transaction(ctx, b, part, o, commit)
			if err != nil {
				return 0, err
			}
			if commit {
				for i, n := range part {
					confirm(n, ids[i])
				}
			}
		}
		return len(part), nil
	}
	begin(mails[0])
	id, err := b.Enqueue(ctx, crashMail(mails[0]), o)
	if err != nil {
		return 0, err
	}
	confirm(mails[0], id)
	return 1, nil
}

func (w enqueueWork) transaction(ctx context.Context, b *Box, mails []int, o *EnqueueOpts, commit bool) ([]string, error) {
	tx, err := b.store.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	ids := make([]string, len(mails))
	for i, n := range mails {
		if ids[i], err = b.EnqueueTx(ctx, tx, crashMail(n), o); err != nil {
			return nil, err
		}
	}
	if !commit {
		return nil, tx.Rollback()
	}
	return ids, tx.Commit()
}
