package provider_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/provider/route"
)

// fansOut is a stub that has one recipient in a request.
type fansOut struct{ locked }

func (*fansOut) Capabilities() provider.Capabilities {
	caps := everything(nil)
	caps["message.to.many"] = provider.Support{Level: provider.LevelEmulated, Basis: "document"}
	return caps
}

// journal notes the order in which messages are begun and have results.
type journal struct {
	t      *testing.T
	inside bool // a function of the program runs
	begun  map[int]int
	done   map[int]bool
}

func (j *journal) enter() func() {
	assert.False(j.t, j.inside, "two functions at once")
	j.inside = true
	return func() { j.inside = false }
}

func (j *journal) begin(indexes []int) error {
	defer j.enter()()
	for _, i := range indexes {
		j.begun[i]++
		assert.False(j.t, j.done[i], "begun after its result")
	}
	return nil
}

func (j *journal) result(r provider.BatchResult) error {
	defer j.enter()()
	j.done[r.Index] = true
	require.NoError(j.t, r.Err)
	assert.Positive(j.t, j.begun[r.Index], "a result of what was not begun")
	return nil
}

// Whatever the client is, a message is begun once, before its first request, and no two
// functions of the program run at once.
func TestBeforeSending(t *testing.T) {
	account := provider.AccountSettings{Concurrency: 8, From: provider.Address{Email: "shop@example.com"}}
	members := func(n int) (out []*provider.Client) {
		for range n {
			c, err := memory.NewStore().Client(provider.WithFrom(account.From))
			require.NoError(t, err)
			out = append(out, c)
		}
		return out
	}
	for _, row := range []struct {
		name   string
		client func(t *testing.T) *provider.Client
		to     int
	}{
		{name: "one request each", client: func(t *testing.T) *provider.Client {
			return batchClient(t, &locked{}, account, provider.DriverEnv{})
		}},
		{name: "several in a request", client: func(t *testing.T) *provider.Client {
			return batchClient(t, &many{}, account, provider.DriverEnv{})
		}},
		{name: "several requests each", to: 3, client: func(t *testing.T) *provider.Client {
			s := account
			s.Policy = provider.Policy{"message.to.many": "fan_out"}
			return batchClient(t, &fansOut{}, s, provider.DriverEnv{})
		}},
		{name: "in memory", client: func(*testing.T) *provider.Client { return members(1)[0] }},
		{name: "route", client: func(t *testing.T) *provider.Client {
			c, err := route.RoundRobin(members(2)...)
			require.NoError(t, err)
			return c
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			j := &journal{t: t, begun: make(map[int]int), done: make(map[int]bool)}
			report, err := row.client(t).SendBatch(t.Context(), mails(40, func(i int, m *provider.Message) {
				for k := 1; k < row.to; k++ {
					m.To = append(m.To, provider.Address{Email: fmt.Sprintf("b%d-%d@example.com", i, k)})
				}
			}), j.result, provider.BeforeSending(j.begin, nil))
			require.NoError(t, err)
			assert.Equal(t, 40, report.Accepted)
			assert.Len(t, j.begun, 40)
			for i, n := range j.begun {
				assert.Equal(t, 1, n, "message %d", i)
			}
		})
	}
}

// An error of the function keeps the request back wherever it is asked, and every later
// one; what was kept back was not tried.
func TestBeforeSendingFails(t *testing.T) {
	full := errors.New("disk full")
	first, second := memory.NewStore(), memory.NewStore()
	a, err := first.Client()
	require.NoError(t, err)
	b, err := second.Client()
	require.NoError(t, err)
	c, err := route.Failover(a, b)
	require.NoError(t, err)
	var mu sync.Mutex
	asked := 0
	report, err := c.SendBatch(t.Context(), mails(100), func(r provider.BatchResult) error {
		if r.Err != nil {
			require.ErrorIs(t, r.Err, provider.ErrCanceled)
			assert.Nil(t, r.Receipt)
		}
		return nil
	}, provider.BeforeSending(func([]int) error {
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked > 5 {
			return full
		}
		return nil
	}, nil))
	require.Equal(t, full, err)
	assert.Equal(t, 6, asked)
	assert.Len(t, first.Messages(), 5)
	assert.Empty(t, second.Messages(), "no other member has it")
	assert.Equal(t, 5, report.Accepted)
	assert.Equal(t, report.Messages-5, report.NotTried)
}
