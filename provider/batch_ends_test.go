package provider_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/guard"
)

// A message that cannot even be written down is refused by itself: looking for it
// costs no call of the provider.
func TestSendBatchFindsTheUnwritable(t *testing.T) {
	s := &many{}
	bad := []string{"1", "4", "6", "7", "8", "9"}
	s.fail = func(messages []*provider.Message) error {
		if slices.ContainsFunc(messages, func(m *provider.Message) bool { return slices.Contains(bad, m.Subject) }) {
			return provider.Invalid("body", "cannot be encoded")
		}
		return nil
	}
	out, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), mails(10)))
	require.NoError(t, err)
	require.Len(t, out, 10)
	for i, r := range out {
		wrong := slices.Contains(bad, fmt.Sprint(i))
		assert.Equal(t, wrong, errors.Is(r.Err, provider.ErrInvalid), "message %d: %v", i, r.Err)
		assert.Equal(t, wrong, r.Receipt == nil, "message %d: a request has left or not", i)
	}
}

// swallower answers no mail; kept are those that it does.
type swallower struct {
	locked
	answers func(m *provider.Message) error
}

func (s *swallower) Send(ctx context.Context, m *provider.Message) (*provider.Receipt, error) {
	if _, err := s.locked.Send(ctx, m); err != nil {
		return nil, err
	}
	if err := s.answers(m); err != nil {
		return nil, err
	}
	return m.Receipt("id", provider.StateAccepted), nil
}

func (s *swallower) Capabilities() provider.Capabilities {
	return everything(provider.Capabilities{feature.MessageIdempotencyKey: adapterkit.Cell(provider.LevelNone)})
}

func (s *swallower) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

func noAnswer(*provider.Message) error {
	return &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent, Message: "no answer"}
}

// What is refused on this side says nothing about the provider: it does not break
// a row of unknown outcomes.
func TestSendBatchStopsAlthoughSomeAreRefusedHere(t *testing.T) {
	s := &swallower{answers: noAnswer}
	c := batchClient(t, s, provider.AccountSettings{Concurrency: 1}, provider.DriverEnv{})
	_, err := results(t, batchOf(t.Context(), c, mails(200, func(i int, m *provider.Message) {
		if i%3 == 2 {
			m.To[0].Email = "no address"
		}
	})))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Equal(t, 5, s.count())
}

// A mail that the guard keeps back for what became of it in an earlier run is no
// sign that the provider swallows mail now.
func TestSendBatchGoesOnPastKeptBackMail(t *testing.T) {
	s := &swallower{answers: noAnswer}
	sec := provider.AccountSettings{Concurrency: 1}
	store := guard.NewMemory(0, 0)
	keyed := func(i int, m *provider.Message) { m.IdempotencyKey = fmt.Sprint("k", i) }
	for range 2 { // nine of them are in doubt, then
		_, err := results(t, batchOf(t.Context(), batchClient(t, s, sec, provider.DriverEnv{Guard: store, Namespace: "shop"}), mails(20, keyed)))
		require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	}
	s.answers = func(*provider.Message) error { return nil }
	before := s.count()
	out, err := results(t, batchOf(t.Context(), batchClient(t, s, sec, provider.DriverEnv{Guard: store, Namespace: "shop"}), mails(20, keyed)))
	require.NoError(t, err)
	require.Len(t, out, 20)
	doubtful := 0
	for _, r := range out {
		if errors.Is(r.Err, provider.ErrOutcomeUnknown) {
			doubtful++
		}
	}
	assert.Equal(t, before, doubtful)
	assert.Equal(t, 20, s.count(), "each goes out once")
}

// A redirect is about the address of the provider, so every message meets it.
func TestSendBatchEndsAtARedirect(t *testing.T) {
	s := &many{}
	s.fail = func([]*provider.Message) error {
		return &provider.Error{Kind: provider.ErrBadResponse, Outcome: provider.OutcomeNotSent, Status: 302}
	}
	c := batchClient(t, s, provider.AccountSettings{Concurrency: 1}, provider.DriverEnv{})
	_, err := results(t, batchOf(t.Context(), c, mails(1000)))
	require.ErrorIs(t, err, provider.ErrBadResponse)
	assert.Len(t, s.calls, 1)
}

// A context that ends while a batch waits for the limit is why the batch ends.
func TestSendBatchCanceledWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &many{}
		s.fail = func([]*provider.Message) error {
			return &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Status: 429, RetryAfter: time.Minute}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		c := batchClient(t, s, provider.AccountSettings{Concurrency: 1}, provider.DriverEnv{})
		start := time.Now()
		out, err := results(t, batchOf(ctx, c, mails(20)))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 90*time.Second, time.Since(start))
		require.Len(t, out, 20)
		assert.ErrorIs(t, out[0].Err, provider.ErrRateLimited, "what became of its messages is told as it was")
		assert.ErrorIs(t, out[19].Err, context.DeadlineExceeded)
	})
}

// A caller's panic or Goexit in the loop's body leaves no call behind, and the
// client can be used on.
func TestSendBatchBodyPanics(t *testing.T) {
	s := &many{}
	c := batchClient(t, s, provider.AccountSettings{Concurrency: 2}, provider.DriverEnv{})
	assert.PanicsWithValue(t, "mine", func() {
		for _, err := range batchOf(t.Context(), c, mails(1000)) {
			require.NoError(t, err)
			panic("mine")
		}
	})
	s.mu.Lock()
	calls := len(s.calls)
	s.mu.Unlock()
	assert.Less(t, calls, 10)
	inner, outer := 0, 0
	for r, err := range batchOf(t.Context(), c, mails(30)) {
		require.NoError(t, err)
		require.NoError(t, r.Err)
		outer++
		for _, err := range batchOf(t.Context(), c, mails(3)) { // a batch inside a batch
			require.NoError(t, err)
			inner++
		}
	}
	assert.Equal(t, []int{30, 90}, []int{outer, inner})
}

// A text or a file that all messages have is kept once, also when each came with a
// copy of its own: it does not make the calls smaller, while others do.
func TestSendBatchSharedContent(t *testing.T) {
	page, file := strings.Repeat("x", 3<<20), make([]byte, 3<<20)
	for name, tc := range map[string]struct {
		change func(i int, m *provider.Message)
		full   bool
	}{
		"same html":          {func(_ int, m *provider.Message) { m.HTML = page }, true},
		"same file":          {func(_ int, m *provider.Message) { m.Attachments = []provider.Attachment{{Name: "a", Content: file}} }, true},
		"copies of one html": {func(_ int, m *provider.Message) { m.HTML = strings.Clone(page) }, true},
		"copies of one file": {func(_ int, m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "a", Content: slices.Clone(file)}}
		}, true},
		"own html": {func(i int, m *provider.Message) { m.HTML = page + fmt.Sprint(i) }, false},
		"own file": {func(i int, m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "a", Content: append(slices.Clone(file), byte(i))}}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &many{}
			out, err := results(t, batchOf(t.Context(), batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{}), mails(40, func(i int, m *provider.Message) { tc.change(i, m) })))
			require.NoError(t, err)
			assert.Len(t, out, 40)
			assert.Equal(t, tc.full, len(s.calls) == 4, "%d calls", len(s.calls))
		})
	}
}
