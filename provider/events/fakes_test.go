package events_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/sandbox"
)

var fakeLogs = flag.Int("events.fakes", 4, "random logs of each provider's fake for Poll")

var errCrash = errors.New("crash")

// fakeRun is a log of a provider's fake, read by its adapter while mail goes out and events
// happen, also between two pages.
type fakeRun struct {
	*sandbox.Server
	t      *testing.T
	name   string
	rng    *rand.Rand
	client *provider.Client
	mails  int
	had    map[string]bool // what has happened, of what happens once
	ahead  time.Duration
	calm   bool // nothing more happens
}

const (
	fakeHours = 60
	fakeLate  = 6*time.Hour - time.Second
)

func newFakeRun(t *testing.T, name string, seed uint64) *fakeRun {
	r := &fakeRun{Server: sandbox.New(t), t: t, name: name, rng: rand.New(rand.NewPCG(seed, 2)), had: map[string]bool{}}
	// It ends before the present, beyond which no adapter asks.
	r.pass(-(fakeHours + 24) * time.Hour)
	r.SetLogs(sandbox.Logs{Late: fakeLate, Page: 2 + r.rng.IntN(12), Reverse: seed%2 == 1})
	hooks := provider.Hooks{OnTry: func(context.Context, provider.TryEvent) { r.live(r.rng.IntN(3)) }}
	c, err := all.OpenAccount(t.Context(), r.Config(), name, provider.WithHooks(hooks))
	require.NoError(t, err)
	r.client = c
	return r
}

func (r *fakeRun) pass(d time.Duration) {
	r.ahead += d
	r.Advance(d)
}

func (r *fakeRun) now() time.Time { return time.Now().Add(r.ahead) }

// live lets some minutes pass in which n things happen: to a new address or to one of before,
// to single mail or to a campaign.
func (r *fakeRun) live(n int) {
	if r.calm {
		return
	}
	kinds := sandbox.Kinds()
	for range n {
		r.pass(time.Duration(r.rng.IntN(100)) * time.Second)
		fresh, email := true, fmt.Sprintf("p%d@example.com", r.mails)
		if r.mails > 0 && r.rng.IntN(2) == 0 {
			fresh, email = false, fmt.Sprintf("p%d@example.com", r.rng.IntN(r.mails))
		} else {
			r.mails++
		}
		happen, way, kind := r.Trigger, "single", kinds[r.rng.IntN(len(kinds))]
		if r.rng.IntN(2) == 0 {
			happen, way = r.TriggerCampaign, "campaign"
		}
		if !r.may(way+email, kind, fresh) {
			continue
		}
		require.NoError(r.t, happen(r.name, kind, email))
	}
}

// may reports whether a kind can happen to a mail, and notes it: it is blocked before all else
// or not, a server has one last word, and all but opens and clicks happens once.
func (r *fakeRun) may(mail, kind string, fresh bool) bool {
	once := mail + kind
	switch kind {
	case "delivered", "bounced":
		once = mail + "last"
	case "opened", "loaded", "clicked":
		return !r.had[mail+"blocked"]
	}
	if r.had[once] || r.had[mail+"blocked"] || kind == "blocked" && !fresh || kind == "invalid" ||
		r.had[mail+"last"] && (kind == "soft" || kind == "deferred") {
		return false
	}
	r.had[once] = true
	return true
}

// memoryCursor is a store that fails at times, with a part written.
type memoryCursor struct {
	data  []byte
	rng   *rand.Rand
	crash float64
}

func (s *memoryCursor) Load(context.Context, string) ([]byte, error) {
	return bytes.Clone(s.data), nil
}

func (s *memoryCursor) Append(_ context.Context, _ string, data []byte) error {
	if s.rng.Float64() < s.crash {
		s.data = append(s.data, data[:s.rng.IntN(len(data)+1)]...)
		return errCrash
	}
	s.data = append(s.data, data...)
	return nil
}

func (s *memoryCursor) Replace(_ context.Context, _ string, data []byte) error {
	if s.rng.Float64() < s.crash {
		return errCrash
	}
	s.data = bytes.Clone(data)
	return nil
}

// The model of TestPollModel with the logs of the providers' fakes, read by the adapters: late
// entries, pages that shift, both orders, crashes. What the whole log holds in the end has
// come, and without crashes nothing came twice.
func TestPollFakes(t *testing.T) {
	logs := *fakeLogs
	if raceEnabled {
		logs = 1
	}
	for _, name := range []string{"brevo", "pakatv3", "pakat", "sendpulse"} {
		for _, crash := range []float64{0, 0.1} {
			t.Run(fmt.Sprint(name, " ", crash), func(t *testing.T) {
				t.Parallel()
				held, lost, twice, rounds, failed := 0, 0, 0, 0, 0
				for seed := range logs {
					r := newFakeRun(t, name, uint64(seed))
					store := &memoryCursor{rng: r.rng, crash: crash}
					got := map[string]int{}
					sink := func(_ context.Context, list []events.Event) error {
						if r.rng.Float64() < store.crash {
							return errCrash
						}
						for _, e := range list {
							if got[e.ID]++; got[e.ID] > 1 && crash == 0 {
								t.Logf("seed %d: again %s of %s, %v", seed, e.Kind, e.Recipient, e.At)
							}
						}
						if r.rng.Float64() < store.crash {
							return errCrash
						}
						return nil
					}
					begin := r.now()
					poll := func() error {
						_, err := events.Poll(t.Context(), r.client, store, sink, events.PollNow(r.now))
						return err
					}
					for end := begin.Add(fakeHours * time.Hour); r.now().Before(end); rounds++ {
						if err := poll(); err != nil {
							failed++
							if crash == 0 {
								require.ErrorIs(t, err, provider.ErrBadResponse, "pages that shift by their own length look alike")
							}
						}
						r.live(1 + r.rng.IntN(4))
						r.pass(time.Duration(r.rng.IntN(4*3600)) * time.Second)
					}
					store.crash, r.calm = 0, true
					// Nothing more happens, and all that has happened is listed.
					require.NoError(t, poll())
					r.SetLogs(sandbox.Logs{})
					require.NoError(t, poll())
					for e, err := range events.AllEvents(t.Context(), r.client, events.Query{Since: begin.Add(-time.Hour)}) {
						require.NoError(t, err)
						held++
						if got[e.ID] == 0 {
							lost++
							t.Logf("seed %d: lost %s of %s, %v", seed, e.Kind, e.Recipient, e.At)
						}
					}
					for _, n := range got {
						twice += n - 1
					}
				}
				t.Logf("%d logs, %d events, %d rounds, %d of them ended early: %d lost, %d twice", logs, held, rounds, failed, lost, twice)
				assert.Zero(t, lost)
				assert.Greater(t, held, 25*logs)
				if crash == 0 {
					assert.Zero(t, twice)
				} else {
					assert.NotZero(t, twice, "the crashes do something")
				}
			})
		}
	}
}
