package provider_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
)

// world is the truth that no client sees: what the provider took over.
type world struct {
	*stub
	rnd      *rand.Rand
	requests map[string]int      // by key and recipient: requests that may have been taken over
	taken    map[string][]string // by recipient and subject: ids
	key      string              // of the send that runs
	double   string              // what went wrong
}

// answer takes a mail over, or not, and tells the truth or nothing.
func (w *world) answer(m *provider.Message) (*provider.Receipt, error) {
	to := m.To[0].Email
	id := fmt.Sprintf("%s/%s", w.key, to)
	if w.requests[id] > 0 {
		w.double = id
	}
	fate := w.rnd.IntN(10)
	if fate >= 4 {
		w.requests[id]++
	}
	took := func() {
		w.taken[to+m.Subject] = append(w.taken[to+m.Subject], id)
	}
	switch fate {
	case 0:
		return nil, &provider.Error{Kind: provider.ErrUnavailable, Outcome: provider.OutcomeNotSent, Elsewhere: true}
	case 1:
		return nil, &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Status: 400}
	case 2:
		return nil, provider.Unsupported(feature.MessageTags, "too many")
	case 3:
		return nil, context.Canceled // before anything left
	case 4:
		took()
		return nil, lost
	case 5:
		return nil, lost
	case 6:
		return nil, errors.New("a bug") // nothing is known
	case 7:
		took()
		return nil, &provider.Error{Kind: provider.ErrBadResponse, Outcome: provider.OutcomeSent, Status: 200}
	case 8:
		took()
		panic("a bug")
	}
	took()
	return m.Receipt(id, provider.StateAccepted), nil
}

func (w *world) FindSent(_ context.Context, recipient string, trace provider.Trace) ([]provider.SentMail, error) {
	if w.rnd.IntN(4) == 0 {
		return nil, nil // listed with a delay
	}
	var out []provider.SentMail
	for _, id := range w.taken[recipient+trace.Subject] {
		out = append(out, provider.SentMail{MessageID: id, Recipient: recipient, Subject: trace.Subject, At: time.Now(), State: provider.StateAccepted})
	}
	return out, nil
}

// The promise of the guard, over random histories of sends, failures, crashes
// and look-ups: of requests under one key to one recipient, all but the last
// were provably without effect, and what Settle finds is really there.
func TestGuardModel(t *testing.T) {
	const runs = 10_000
	var sent, repeats, settled int
	for seed := range uint64(runs) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		w := &world{stub: &stub{}, rnd: rnd, requests: map[string]int{}, taken: map[string][]string{}}
		w.reply = w.answer
		store := &mapStore{entries: map[string][]byte{}}
		var kept provider.GuardStore = store
		if seed%4 != 0 {
			kept = guard.NewMemory(0, 0)
		}
		c := guardedWorld(t, w, kept)
		receipts := map[string]*provider.Receipt{}
		for range 8 {
			key := []string{"k1", "k2"}[rnd.IntN(2)]
			if r := receipts[key]; r != nil && r.State == provider.StateUnknown && rnd.IntN(4) == 0 {
				got, err := c.Settle(t.Context(), r)
				require.NoError(t, err, "seed %d", seed)
				for i, p := range got.Recipients {
					if r.Recipients[i].State == provider.StateUnknown && p.State == provider.StateAccepted {
						settled++
						require.Contains(t, w.taken[p.Email+subjects[key]], p.MessageID, "seed %d: settled by guessing", seed)
					}
				}
				continue
			}
			m := keyed(key)
			m.Subject = subjects[key]
			if seed%3 == 0 {
				m.To = append(m.To, provider.Address{Email: "b@example.com"}, provider.Address{Email: "c@example.com"})
			}
			if rnd.IntN(8) == 0 {
				m.Text = "another payload"
			}
			store.dies = rnd.IntN(6) == 0
			before := len(w.sent)
			w.key = key
			func() {
				defer func() { _ = recover() }() // the adapter's bug; the program goes on
				r, _ := c.Send(t.Context(), m)
				if r != nil {
					receipts[key] = r
				}
			}()
			if len(w.sent) == before {
				repeats++
			} else {
				sent++
			}
			require.Empty(t, w.double, "seed %d: requested twice", seed)
		}
	}
	t.Logf("%d sends, %d answered without a request, %d recipients settled", sent, repeats, settled)
	require.True(t, slices.Min([]int{sent, repeats, settled}) > runs/10, "the histories are too tame")
}

var subjects = map[string]string{"k1": "first", "k2": "second"}

// guardedWorld is keyless for a world, whose own Send the client calls.
func guardedWorld(t *testing.T, w *world, store provider.GuardStore) *provider.Client {
	t.Helper()
	w.caps = keylessCaps
	c, err := provider.NewClient(w, "stub", provider.AccountSettings{Policy: provider.Policy{"message.to.many": "fan_out"}}, provider.DriverEnv{Account: "main", Guard: store, Namespace: "shop"})
	require.NoError(t, err)
	return c
}

var keylessCaps = everything(provider.Capabilities{
	feature.MessageIdempotencyKey: adapterkit.Cell(provider.LevelNone),
	feature.MessageToMany:         adapterkit.Cell(provider.LevelEmulated),
})
