package provider_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// many is a stub whose provider takes ten messages in one call, all from the
// same sender.
type many struct {
	stub
	mu    sync.Mutex
	calls [][]string // subjects, call by call
	fail  func(messages []*provider.Message) error
}

func (s *many) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	r, err := s.SendBatch(ctx, []*provider.Message{m})
	if err != nil {
		return nil, err
	}
	return r[0], nil
}

func (s *many) BatchLimits() provider.GroupLimits { return provider.GroupLimits{Items: 10} }

func (s *many) BatchKey(m *provider.Message) (string, bool) {
	return m.From.Email, m.Template.IsZero()
}

func (s *many) SendBatch(_ context.Context, messages []*provider.Message) ([]*provider.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var subjects []string
	for _, m := range messages {
		subjects = append(subjects, m.Subject)
	}
	s.calls = append(s.calls, subjects)
	if s.fail != nil {
		if err := s.fail(messages); err != nil {
			return nil, err
		}
	}
	var out []*provider.Receipt
	for _, m := range messages {
		out = append(out, m.Receipt("id of "+m.Subject, provider.StateAccepted))
	}
	return out, nil
}

// mails are n messages whose subjects are their indexes.
func mails(n int, change ...func(i int, m *provider.Message)) iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for i := range n {
			m := &provider.Message{
				From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: fmt.Sprintf("a%d@example.com", i)}},
				Subject: fmt.Sprint(i), HTML: "<p>hello</p>",
			}
			for _, f := range change {
				f(i, m)
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

func results(t *testing.T, batch iter.Seq2[provider.BatchResult, error]) ([]provider.BatchResult, error) {
	t.Helper()
	var out []provider.BatchResult
	for r, err := range batch {
		if err != nil {
			return out, err
		}
		require.Equal(t, len(out), r.Index, "out of order")
		out = append(out, r)
	}
	return out, nil
}

func TestSendBatchGroups(t *testing.T) {
	s := &many{}
	alone := func(i int, m *provider.Message) {
		switch i {
		case 3:
			m.HTML, m.Template = "", provider.Ref{ID: "1"}
		case 7:
			m.IdempotencyKey = "k"
		case 9:
			m.To[0].Email = "not an address"
		}
		if i%2 == 1 {
			m.From.Email = "news@example.com"
		}
	}
	out, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), mails(40, alone)))
	require.NoError(t, err)
	require.Len(t, out, 40)
	for i, r := range out {
		if i == 9 {
			assert.ErrorIs(t, r.Err, provider.ErrInvalid)
			assert.Nil(t, r.Receipt)
			continue
		}
		require.NoError(t, r.Err)
		assert.Equal(t, fmt.Sprint("id of ", i), r.Receipt.MessageID)
		assert.Equal(t, fmt.Sprintf("a%d@example.com", i), r.Receipt.Recipients[0].Email)
		assert.Equal(t, "main", r.Receipt.Account)
		assert.Len(t, r.Receipt.Accounts, 1)
	}
	assert.Len(t, s.calls, 2+2+2, "two senders of 20 and 17 messages by tens, and two that go alone")
	assert.Contains(t, s.calls, []string{"3"})
	assert.Contains(t, s.calls, []string{"7"})
}

// One bad message is found, and takes no other with it.
func TestSendBatchFindsTheRefused(t *testing.T) {
	s := &many{}
	s.fail = func(messages []*provider.Message) error {
		if slices.ContainsFunc(messages, func(m *provider.Message) bool { return m.Subject == "6" }) {
			return &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Status: 400, Message: "to is not valid in messageVersions"}
		}
		return nil
	}
	out, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), mails(30)))
	require.NoError(t, err)
	require.Len(t, out, 30)
	for i, r := range out {
		assert.Equal(t, i == 6, errors.Is(r.Err, provider.ErrInvalid), "message %d: %v", i, r.Err)
	}
	assert.Equal(t, provider.StateRefused, out[6].Receipt.State)
	assert.LessOrEqual(t, len(s.calls), 3+8)
}

// Where all are refused, the number of calls stays bounded and nobody is called sent.
func TestSendBatchAllRefused(t *testing.T) {
	const together = "any of which may be the reason"
	for said, want := range map[string]string{"sender is not valid": together + ": sender is not valid", "": together} {
		s := &many{}
		s.fail = func([]*provider.Message) error {
			return &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent, Status: 400, Message: said}
		}
		out, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), mails(10)))
		require.NoError(t, err)
		require.Len(t, out, 10)
		shared := 0
		for _, r := range out {
			assert.ErrorIs(t, r.Err, provider.ErrInvalid)
			var e *provider.Error
			require.ErrorAs(t, r.Err, &e)
			assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
			if strings.Contains(e.Message, "refused in one call with") {
				assert.True(t, strings.HasSuffix(e.Message, want), e.Message)
				shared++
			}
		}
		assert.LessOrEqual(t, len(s.calls), 1+4*3)
		assert.NotZero(t, shared)
	}
}

// An outcome that is unknown holds for every message of the call, and is never
// tried again.
func TestSendBatchUnknown(t *testing.T) {
	s := &many{}
	s.fail = func(messages []*provider.Message) error {
		if messages[0].Subject == "10" {
			return &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Message: "connection lost"}
		}
		return nil
	}
	out, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), mails(30)))
	require.NoError(t, err)
	for i, r := range out {
		unknown := i >= 10 && i < 20
		assert.Equal(t, unknown, errors.Is(r.Err, provider.ErrOutcomeUnknown), "message %d", i)
		if unknown {
			assert.Equal(t, provider.StateUnknown, r.Receipt.State)
			assert.Equal(t, fmt.Sprint(i), r.Receipt.Unsettled.Subject)
		}
	}
	assert.Len(t, s.calls, 3)
}

// A provider that swallows everything is not fed the whole list.
func TestSendBatchStopsAfterUnknownsInARow(t *testing.T) {
	s := &many{}
	s.fail = func([]*provider.Message) error {
		return &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent}
	}
	c := batchClient(t, s, provider.AccountSettings{Concurrency: 2}, provider.DriverEnv{})
	out, err := results(t, batchOf(t.Context(), c, mails(10_000)))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.LessOrEqual(t, len(s.calls), 6)
	assert.Less(t, len(out), 200)
	unknown := 0
	for _, r := range out { // which calls were made when the batch ended is chance
		if errors.Is(r.Err, provider.ErrOutcomeUnknown) {
			unknown++
			continue
		}
		assert.ErrorIs(t, r.Err, provider.ErrCanceled)
		assert.Nil(t, r.Receipt)
	}
	assert.Equal(t, len(s.calls)*10, unknown)
}

func TestSendBatchEnds(t *testing.T) {
	t.Run("at a bad key", func(t *testing.T) {
		s := &many{}
		s.fail = func([]*provider.Message) error {
			return &provider.Error{Kind: provider.ErrUnauthorized, Outcome: provider.OutcomeNotSent, Status: 401}
		}
		c := batchClient(t, s, provider.AccountSettings{Concurrency: 1}, provider.DriverEnv{})
		out, err := results(t, batchOf(t.Context(), c, mails(1000)))
		require.ErrorIs(t, err, provider.ErrUnauthorized)
		assert.Len(t, s.calls, 1)
		assert.Less(t, len(out), 100)
	})
	t.Run("at an error of the input", func(t *testing.T) {
		s := &many{}
		broken := errors.New("line 13 is no message")
		out, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), func(yield func(*provider.Message, error) bool) {
			for m, err := range mails(12) {
				if !yield(m, err) {
					return
				}
			}
			yield(nil, broken)
		}))
		require.Equal(t, broken, err)
		assert.Len(t, out, 12)
		assert.Len(t, s.calls, 2)
	})
	t.Run("before a call that cannot be written down", func(t *testing.T) {
		s := &many{}
		full := errors.New("disk full")
		var told []int
		before := provider.BeforeSending(func(indexes []int) error {
			if len(told) == 20 {
				return full
			}
			told = append(told, indexes...)
			return nil
		}, nil)
		_, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), mails(100), before))
		require.Equal(t, full, err)
		assert.Len(t, s.calls, 2)
		assert.Len(t, told, 20)
	})
}

// Without a batch of the provider's own every message is a call, several at a time.
func TestSendBatchOneByOne(t *testing.T) {
	s := &locked{}
	out, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), mails(50)))
	require.NoError(t, err)
	assert.Len(t, out, 50)
	assert.Len(t, s.sent, 50)
}

// locked is a stub for concurrent use.
type locked struct {
	stub
	mu sync.Mutex
}

func (s *locked) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stub.Send(ctx, m)
}

func batchClient(t *testing.T, a provider.Adapter, sec provider.AccountSettings, env provider.DriverEnv) *provider.Client {
	t.Helper()
	env.Account = "main"
	c, err := provider.NewClient(a, "stub", sec, env)
	require.NoError(t, err)
	return c
}

func (s *many) Capabilities() provider.Capabilities   { return everything(nil) }
func (s *locked) Capabilities() provider.Capabilities { return everything(nil) }

// While the provider's limit is used up a batch waits for the time it names, or for
// longer each time when it names none. It ends when that is more than five minutes.
func TestSendBatchWaitsForTheLimit(t *testing.T) {
	for _, row := range []struct {
		name           string
		after          time.Duration
		refusals       int
		least, most    time.Duration // of the whole batch
		calls, results int
		fails          bool
	}{
		{name: "a minute", after: time.Minute, refusals: 3, least: 3 * time.Minute, most: 3 * time.Minute, calls: 2 + 3, results: 20},
		{name: "an hour", after: time.Hour, refusals: 3, calls: 1, results: 10, fails: true},
		{name: "no time named", refusals: 1, least: 2 * time.Second, most: 5 * time.Second, calls: 2 + 1, results: 20},
		{name: "no time named, thrice", refusals: 3, least: 17 * time.Second, most: 35 * time.Second, calls: 2 + 3, results: 20},
		{name: "no time named, for ever", refusals: 100, least: 4 * time.Minute, most: 5 * time.Minute, calls: 7, results: 10, fails: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &many{}
				refusals := 0
				s.fail = func([]*provider.Message) error {
					if refusals++; refusals <= row.refusals {
						return &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Status: 429, RetryAfter: row.after}
					}
					return nil
				}
				start := time.Now()
				c := batchClient(t, s, provider.AccountSettings{Concurrency: 1}, provider.DriverEnv{})
				out, err := results(t, batchOf(t.Context(), c, mails(20)))
				took := time.Since(start)
				assert.GreaterOrEqual(t, took, row.least)
				assert.LessOrEqual(t, took, row.most)
				assert.GreaterOrEqual(t, len(s.calls), row.calls)
				assert.GreaterOrEqual(t, len(out), row.results) // a batch that ends reads no further
				if row.fails {
					assert.ErrorIs(t, err, provider.ErrRateLimited)
					return
				}
				require.NoError(t, err)
				assert.Len(t, s.calls, row.calls)
			})
		})
	}
}

// The waits of one call are bounded together.
func TestSendBatchWaitsNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &many{}
		s.fail = func([]*provider.Message) error {
			return &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Status: 429, RetryAfter: 2 * time.Minute}
		}
		c := batchClient(t, s, provider.AccountSettings{Concurrency: 1}, provider.DriverEnv{})
		start := time.Now()
		_, err := results(t, batchOf(t.Context(), c, mails(5)))
		assert.ErrorIs(t, err, provider.ErrRateLimited)
		assert.Equal(t, 4*time.Minute, time.Since(start))
	})
}
