package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

var (
	limitCalls = flag.Int("limit.calls", 100, "how many calls TestLimitOfProcesses counts for each number of processes")
	limitRuns  = flag.Int("limit.runs", 1, "how often it does; the median counts")
	limitUse   = flag.Float64("limit.use", 0.75, "the least use of the limit that it takes")
	limit429   = flag.Float64("limit.429", 0.02, "the largest share of answers 429 that it takes")
)

// sliding is a vendor that takes a number of calls in any second.
type sliding struct {
	mu      sync.Mutex
	most    int
	taken   []time.Time // of the last second
	from    time.Time   // what is counted begins here
	counted int
	refused int
	last    time.Time      // the latest call
	by      map[string]int // calls by process
	blocked time.Time      // until then all are refused
}

func (v *sliding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	for len(v.taken) > 0 && now.Sub(v.taken[0]) >= time.Second {
		v.taken = v.taken[1:]
	}
	v.last = now
	count := !v.from.IsZero() && !now.Before(v.from)
	if wait := v.blocked.Sub(now); wait > 0 || len(v.taken) >= v.most {
		if count {
			v.refused++
		}
		w.Header().Set("Retry-After", fmt.Sprint(max(wait.Seconds(), 0.1)))
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	v.taken = append(v.taken, now)
	if count {
		v.counted++
		v.by[r.URL.Query().Get("process")]++
	}
}

// reset begins to count.
func (v *sliding) reset(block time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.from, v.counted, v.refused, v.by = time.Now(), 0, 0, make(map[string]int)
	v.blocked = v.from.Add(block)
}

// limitJob is what a process of TestLimitOfProcesses does.
type limitJob struct {
	Database, Schema string // a file when Schema is empty
	Vendor           string
	Name             string
	Callers          int
	Slot             provider.Slot
	For              time.Duration // how long it calls; then it waits for the end
}

// sharing is 5 % below the limit of the vendor, burst and all.
var sharing = slot(95, 5)

// TestLimitProcess is a process of TestLimitOfProcesses.
func TestLimitProcess(t *testing.T) {
	text := os.Getenv("POSTMUX_TEST_LIMIT_JOB")
	if text == "" {
		t.Skip("it is a process of TestLimitOfProcesses")
	}
	var job limitJob
	require.NoError(t, json.Unmarshal([]byte(text), &job))
	s := storeOf(t, job.Database, job.Schema)
	l := s.Limiter(LimiterOptions{OnStoreDown: DownRefuse})
	ctx := t.Context()
	if job.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, job.For)
		defer cancel()
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: job.Callers}}
	var all sync.WaitGroup
	for range job.Callers {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := l.Acquire(ctx, job.Slot, 1); err != nil {
					if !isContextError(err) && provider.RetryAfter(err) == 0 {
						t.Error(err)
					}
					continue
				}
				if err := callVendor(client, l, job); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// callVendor makes one call, and pauses the limit when the vendor says that it is used up.
func callVendor(client *http.Client, l provider.Limiter, job limitJob) error {
	resp, err := client.Get(job.Vendor + "?process=" + job.Name)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	seconds, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
	if err != nil {
		return err
	}
	return l.Pause(context.Background(), job.Slot, seconds)
}

// startProcess runs this test binary for a job, until the test ends or stop is called.
func startProcess(t *testing.T, variable, test string, job any) (process *exec.Cmd, stop func()) {
	text, err := json.Marshal(job)
	require.NoError(t, err)
	process = exec.Command(os.Args[0], "-test.run", "^"+test+"$")
	process.Env = append(os.Environ(), variable+"="+string(text))
	process.Stdout, process.Stderr = os.Stderr, os.Stderr
	require.NoError(t, process.Start())
	stop = sync.OnceFunc(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	t.Cleanup(stop)
	return process, stop
}

// where says how another process opens the Store.
func (s *Store) where(t *testing.T) (database, schema string) {
	if s.d == postgres {
		return os.Getenv("POSTMUX_TEST_DATABASE_URL"), s.names.Schema
	}
	_, err := s.one(t.Context(), s.own(), "select file from pragma_database_list where name = 'main'", nil, &database)
	require.NoError(t, err)
	return database, ""
}

// storeOf opens a Store that another process has made: a schema, or a file when schema is
// empty.
func storeOf(t testing.TB, database, schema string) *Store {
	if schema == "" {
		return sqliteFile(t, database)
	}
	db, err := sql.Open("pgx", database)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := Postgres(db, StoreOptions{Schema: schema})
	require.NoError(t, err)
	return s
}

// Processes that share a limit use it whatever their number, and the vendor refuses nothing.
func TestLimitOfProcesses(t *testing.T) {
	notRaced(t)
	stores(t, func(t *testing.T, s *Store) {
		counts := []int{1, 4, 16}
		if *limitRuns == 1 {
			counts = []int{4} // each number of processes takes some seconds
		}
		for _, processes := range counts {
			t.Run(fmt.Sprint(processes), func(t *testing.T) {
				var uses, refusals []float64
				for range *limitRuns {
					used, refused := shareLimit(t, s, processes)
					uses, refusals = append(uses, used), append(refusals, refused)
				}
				slices.Sort(uses)
				slices.Sort(refusals)
				used, refused := uses[len(uses)/2], refusals[len(refusals)/2]
				t.Logf("%s, %d processes: %.1f %% of the limit used (all runs: %.3f), %.2f %% of the answers are 429 (%.4f)",
					s.d.name, processes, 100*used, uses, 100*refused, refusals)
				assert.GreaterOrEqual(t, used, *limitUse)
				assert.LessOrEqual(t, refused, *limit429)
			})
		}
	})
}

// shareLimit returns the share of a vendor's limit that a number of processes use, and of
// answers 429.
func shareLimit(t *testing.T, s *Store, processes int) (used, refused float64) {
	vendor := &sliding{most: 100, by: make(map[string]int)}
	server := httptest.NewServer(vendor)
	defer server.Close()
	database, schema := s.where(t)
	for i := range processes {
		_, stop := startProcess(t, "POSTMUX_TEST_LIMIT_JOB", "TestLimitProcess", limitJob{
			Database: database, Schema: schema, Vendor: server.URL, Name: fmt.Sprint(i), Callers: max(2, 32/processes), Slot: sharing,
		})
		defer stop()
	}
	vendor.reset(0)
	counted := func(n, by int) func() bool {
		return func() bool {
			vendor.mu.Lock()
			defer vendor.mu.Unlock()
			return vendor.counted >= n && len(vendor.by) == by
		}
	}
	require.Eventually(t, counted(100, processes), 30*time.Second, 10*time.Millisecond)
	vendor.reset(0)
	require.Eventually(t, counted(*limitCalls, processes), 10*time.Minute, time.Millisecond)
	vendor.mu.Lock()
	defer vendor.mu.Unlock()
	took := time.Since(vendor.from).Seconds()
	return float64(vendor.counted) / took / float64(vendor.most), float64(vendor.refused) / float64(max(1, vendor.counted+vendor.refused))
}

// A 429 to one process pauses all, and the limit is used again after it.
func TestPauseOfProcesses(t *testing.T) {
	t.Parallel() // it waits
	notRaced(t)
	stores(t, func(t *testing.T, s *Store) {
		const pause = 1500 * time.Millisecond
		vendor := &sliding{most: 1000, by: make(map[string]int)}
		server := httptest.NewServer(vendor)
		defer server.Close()
		database, schema := s.where(t)
		for i := range 3 {
			_, stop := startProcess(t, "POSTMUX_TEST_LIMIT_JOB", "TestLimitProcess", limitJob{
				Database: database, Schema: schema, Vendor: server.URL, Name: fmt.Sprint(i), Callers: 8, Slot: sharing,
			})
			defer stop()
		}
		calls := func() (int, int) { vendor.mu.Lock(); defer vendor.mu.Unlock(); return vendor.counted, vendor.refused }
		vendor.reset(0)
		require.Eventually(t, func() bool { vendor.mu.Lock(); defer vendor.mu.Unlock(); return len(vendor.by) == 3 },
			30*time.Second, 10*time.Millisecond)
		vendor.reset(pause)
		require.Eventually(t, func() bool { _, refused := calls(); return refused > 0 }, 10*time.Second, time.Millisecond)
		silent := func() bool {
			vendor.mu.Lock()
			defer vendor.mu.Unlock()
			return time.Since(vendor.last) > 400*time.Millisecond
		}
		require.Eventually(t, silent, pause, time.Millisecond, "those who have their turn call, then nobody does")
		_, before := calls()
		require.Eventually(t, func() bool { n, _ := calls(); return n > 10 }, 10*time.Second, 10*time.Millisecond)
		_, after := calls()
		assert.Equal(t, before, after, "none calls during the pause")
	})
}

// What a process does not use, another has.
func TestIdleProcess(t *testing.T) {
	t.Parallel() // it waits
	notRaced(t)
	stores(t, func(t *testing.T, s *Store) {
		vendor := &sliding{most: 1000, by: make(map[string]int)}
		server := httptest.NewServer(vendor)
		defer server.Close()
		database, schema := s.where(t)
		job := limitJob{Database: database, Schema: schema, Vendor: server.URL, Name: "busy", Callers: 16, Slot: sharing}
		_, stopBusy := startProcess(t, "POSTMUX_TEST_LIMIT_JOB", "TestLimitProcess", job)
		defer stopBusy()
		job.Name = "idle"
		_, stopIdle := startProcess(t, "POSTMUX_TEST_LIMIT_JOB", "TestLimitProcess", job)
		defer stopIdle()
		vendor.reset(0)
		by := func(name string) int { vendor.mu.Lock(); defer vendor.mu.Unlock(); return vendor.by[name] }
		require.Eventually(t, func() bool { return by("busy") > 20 && by("idle") > 20 }, 30*time.Second, 10*time.Millisecond)
		stopIdle()
		vendor.reset(0)
		start := time.Now()
		require.Eventually(t, func() bool { return by("busy") >= 200 }, time.Minute, time.Millisecond)
		assert.Less(t, time.Since(start), 3*time.Second, "at its full rate it takes 2.1 s")
	})
}
