package river

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
)

var (
	drainMails  = flag.Int("drain", 0, "TestDrain: how many mails each way of sending has; 0 skips it")
	drainRounds = flag.Int("drain.rounds", 3, "TestDrain: how often each way is measured; the median counts")
)

// The ways to send.
const (
	ownWorker  = "the outbox's own worker"
	withRiver  = "River calling Process"
	plainRiver = "River, an intent in a table of the program"
)

const drainSenders = 64

// drainJob is what a process of TestDrain does.
type drainJob struct {
	Way, Schema, Vendor string
	Mails               int
}

// drained is what it measured.
type drained struct {
	Seconds float64
	RSS     int // the most memory that it had, in MB
}

// bigMail has 2 kB of HTML.
func bigMail(i int) *provider.Message {
	m := mail(i)
	m.Text, m.HTML = "", "<p>"+strings.Repeat("Hello, Anna. ", 160)+"</p>"
	return m
}

// brevoBox opens a Box whose account is Brevo's, at a fake on loopback, and the account.
func (s *system) brevoBox(t testing.TB, vendor string, hooks outbox.Hooks) (*outbox.Box, *provider.Client) {
	client, err := all.Open(t.Context(), provider.Config{Default: "main", Providers: map[string]provider.AccountConfig{
		"main": {"provider": "brevo", "api_key": "key", "base_url": vendor},
	}})
	require.NoError(t, err)
	b, err := outbox.Open(t.Context(), s.store, outbox.Config{
		Default: "main", Senders: drainSenders, Hooks: hooks,
		Accounts: func(context.Context, string) (*provider.Client, error) { return client, nil },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b, client
}

// TestDrain measures how fast mail goes out when many wait, with an intent on disk before each
// call: by the outbox's own worker and through River, in turn, each in a process of its own; and
// how fast it is enqueued.
func TestDrain(t *testing.T) {
	if *drainMails == 0 {
		t.Skip("it measures: -drain 10000")
	}
	var calls atomic.Int64
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"messageId":"<%d@example.com>"}`, calls.Add(1))
	}))
	defer vendor.Close()
	var one, many []float64
	speed, most := make(map[string][]float64), make(map[string]int)
	ways := []string{ownWorker, withRiver, plainRiver}
	for range *drainRounds {
		a, b := enqueueSpeeds(t, vendor.URL)
		one, many = append(one, a), append(many, b)
		for _, way := range ways {
			before := calls.Load()
			got := drain(t, drainJob{Way: way, Vendor: vendor.URL, Mails: *drainMails})
			assert.EqualValues(t, *drainMails, calls.Load()-before, "each mail once")
			speed[way] = append(speed[way], float64(*drainMails)/got.Seconds)
			most[way] = max(most[way], got.RSS)
		}
	}
	for _, way := range ways {
		t.Logf("drain, %s: %.0f mails a second (median of %.0f), at most %d MB", way, median(speed[way]), speed[way], most[way])
	}
	t.Logf("own worker / River with the same intents: %.2f", median(speed[ownWorker])/median(speed[withRiver]))
	t.Logf("own worker / River with an intent of the program: %.2f", median(speed[ownWorker])/median(speed[plainRiver]))
	t.Logf("enqueue, 16 at a time: %.0f a second; in hundreds: %.0f a second; %.1f times", median(one), median(many), median(many)/median(one))
}

func median(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }

// enqueueSpeeds returns how many mails a second are enqueued one by one, and in hundreds.
func enqueueSpeeds(t *testing.T, vendor string) (one, many float64) {
	s := newSystem(t)
	b, _ := s.brevoBox(t, vendor, outbox.Hooks{})
	n := *drainMails / 4
	start := time.Now()
	var next atomic.Int64
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				_, err := b.Enqueue(t.Context(), bigMail(i), nil)
				assert.NoError(t, err)
			}
		})
	}
	callers.Wait()
	one = float64(n) / time.Since(start).Seconds()
	start = time.Now()
	stored, err := b.EnqueueAll(t.Context(), bigMails(*drainMails), nil, nil)
	require.NoError(t, err)
	return one, float64(stored) / time.Since(start).Seconds()
}

func bigMails(n int) iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for i := range n {
			if !yield(bigMail(i), nil) {
				return
			}
		}
	}
}

// drain stores mails, and returns how long a process takes to send them.
func drain(t *testing.T, job drainJob) (got drained) {
	s := newSystem(t)
	job.Schema = s.schema
	b, _ := s.brevoBox(t, job.Vendor, outbox.Hooks{})
	client, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{Schema: s.schema, Logger: quiet})
	require.NoError(t, err)
	var jobs []river.InsertManyParams
	if job.Way == plainRiver {
		_, err := s.pool.Exec(t.Context(), "create table "+s.schema+".intent (id bigint primary key, at timestamptz not null)")
		require.NoError(t, err)
		for i := range job.Mails {
			jobs = append(jobs, river.InsertManyParams{Args: plainArgs{Message: bigMail(i)}})
		}
	} else {
		_, err := b.EnqueueAll(t.Context(), bigMails(job.Mails), nil, func(_ int, id string) error {
			jobs = append(jobs, river.InsertManyParams{Args: Args{ID: id}})
			return nil
		})
		require.NoError(t, err)
	}
	if job.Way != ownWorker {
		for part := range slices.Chunk(jobs, 500) {
			_, err := client.InsertManyFast(t.Context(), part)
			require.NoError(t, err)
		}
	}
	_, err = s.pool.Exec(t.Context(), "vacuum analyze")
	require.NoError(t, err)
	text, err := json.Marshal(job)
	require.NoError(t, err)
	p := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestDrainProcess$")
	p.Env = append(os.Environ(), "POSTMUX_TEST_DRAIN_JOB="+string(text))
	p.Stderr = os.Stderr
	out, err := p.Output()
	require.NoError(t, err, string(out))
	line, _, _ := strings.Cut(string(out), "\n")
	require.NoError(t, json.Unmarshal([]byte(line), &got), string(out))
	return got
}

// plainArgs is a job of a program that has no outbox: the mail itself.
type plainArgs struct {
	Message *provider.Message `json:"message"`
}

func (plainArgs) Kind() string { return "plain" }

type plainWorker struct {
	river.WorkerDefaults[plainArgs]
	system *system
	client *provider.Client
	done   func()
}

func (w *plainWorker) Work(ctx context.Context, job *river.Job[plainArgs]) error {
	tag, err := w.system.pool.Exec(ctx, "insert into "+w.system.schema+".intent (id, at) values ($1, now()) on conflict do nothing", job.ID)
	if err != nil || tag.RowsAffected() == 0 {
		return cmp.Or(err, river.JobCancel(fmt.Errorf("it may have been sent")))
	}
	if _, err := w.client.Send(ctx, job.Args.Message); err != nil {
		return err
	}
	w.done()
	return nil
}

// TestDrainProcess is a process of TestDrain.
func TestDrainProcess(t *testing.T) {
	text := os.Getenv("POSTMUX_TEST_DRAIN_JOB")
	if text == "" {
		t.Skip("it is a process of TestDrain")
	}
	var job drainJob
	require.NoError(t, json.Unmarshal([]byte(text), &job))
	s := openSystem(t, os.Getenv("POSTMUX_TEST_DATABASE_URL"), job.Schema)
	all := make(chan struct{})
	var count atomic.Int64
	done := func() {
		if count.Add(1) == int64(job.Mails) {
			close(all)
		}
	}
	b, account := s.brevoBox(t, job.Vendor, outbox.Hooks{OnState: func(_ context.Context, _ string, to outbox.State) {
		if to == outbox.Accepted {
			done()
		}
	}})
	start := time.Now()
	if job.Way == ownWorker {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		<-all
		defer func() { stop(); require.NoError(t, <-ended) }()
	} else {
		workers := river.NewWorkers()
		river.AddWorker(workers, Worker(b))
		river.AddWorker(workers, &plainWorker{system: s, client: account, done: done})
		c, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{
			Schema: s.schema, Workers: workers, Logger: quiet, FetchCooldown: time.Millisecond,
			Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: drainSenders}},
		})
		require.NoError(t, err)
		require.NoError(t, c.Start(context.Background()))
		<-all
		defer func() { require.NoError(t, c.Stop(context.Background())) }()
	}
	out, err := json.Marshal(drained{Seconds: time.Since(start).Seconds(), RSS: mostMemory(t)})
	require.NoError(t, err)
	_, err = fmt.Fprintln(os.Stdout, string(out))
	require.NoError(t, err)
}

// mostMemory is the most memory that this process had, in MB; 0 where the system does not say.
func mostMemory(t *testing.T) int {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	words := strings.Fields(rest)
	require.NotEmpty(t, words)
	kB, err := strconv.Atoi(words[0])
	require.NoError(t, err)
	return kB >> 10
}
