package providertest

import (
	"fmt"
	"iter"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// batches checks that each message of a batch arrives exactly once, in one request
// where the table says so, and that a message with an error does not affect the
// others.
func batches(t *testing.T, h Harness, v *vendor, c *provider.Client) error {
	const n = 5
	messages := h.numbered(n, func(i int, m *provider.Message) {
		if i == 3 {
			m.To[0].Email = "no address"
		}
	})
	ids := make(map[string]bool)
	index := 0
	begun := make(map[int]int)
	begin := provider.BeforeSending(func(indexes []int) error {
		for _, i := range indexes {
			begun[i]++
			for _, mail := range v.Messages(v.name) {
				assert.NotEqual(t, fmt.Sprint(i), mail.Subject, "begun after it was sent")
			}
		}
		return nil
	}, nil)
	report, err := c.SendBatch(t.Context(), messages, func(r provider.BatchResult) error {
		require.Equal(t, index, r.Index, "out of order")
		if index++; r.Index == 3 {
			assert.ErrorIs(t, r.Err, provider.ErrInvalid)
			return nil
		}
		require.NoError(t, r.Err)
		require.Len(t, r.Receipt.Recipients, 1)
		assert.Equal(t, fmt.Sprintf("a%d@example.com", r.Index), r.Receipt.Recipients[0].Email)
		assert.Equal(t, provider.StateAccepted, r.Receipt.State)
		assert.NotEmpty(t, r.Receipt.MessageID, "the fake or the adapter leaves the id out")
		assert.False(t, ids[r.Receipt.MessageID], "an id twice")
		ids[r.Receipt.MessageID] = true
		return nil
	}, begin)
	require.NoError(t, err)
	assert.Equal(t, map[int]int{0: 1, 1: 1, 2: 1, 4: 1}, begun, "each message is begun once")
	assert.Equal(t, provider.BatchReport{Messages: n, Accepted: n - 1, Refused: 1}, report)
	if c.Has(feature.MessageStatus) {
		for id := range ids {
			status, err := c.Status(t.Context(), provider.ReceiptFor("", id))
			require.NoError(t, err, "an id of a batch cannot be looked up")
			assert.Len(t, status.Recipients, 1, "a status names the recipients of the mail")
		}
	}
	assert.Equal(t, n, index, "a message without a result")
	subjects := make(map[string]string)
	for _, mail := range v.Messages() {
		require.Len(t, mail.To, 1, "recipients of a batch see each other")
		subjects[mail.To[0].Email] = mail.Subject
	}
	assert.Equal(
		t,
		map[string]string{
			"a0@example.com": "0", "a1@example.com": "1", "a2@example.com": "2",
			"a4@example.com": "4",
		},
		subjects,
	)
	calls := n - 1
	if c.Capabilities().Level(feature.MessageBatch) != provider.LevelEmulated {
		calls = 1
	}
	assert.Len(t, v.sends(), calls)
	return nil
}

// firewall checks that a page of a firewall which refuses one request does not stop the
// other messages: it is no statement about the key.
func (h Harness) firewall(t *testing.T) {
	const n = 3
	v := h.start(t)
	v.Fail(v.name, sandbox.Fault{
		Operation: h.SendOperation, Status: http.StatusForbidden, Body: "<html><title>Blocked</title></html>",
		Header: http.Header{"Content-Type": {"text/html"}},
	})
	report, err := v.open(t, nil).SendBatch(t.Context(), h.numbered(n, func(int, *provider.Message) {}), nil)
	require.NoError(t, err)
	assert.Equal(t, n, report.Messages)
	assert.GreaterOrEqual(t, report.Accepted, n-1)
	assert.Zero(t, report.NotTried+report.Unknown)
	assert.Len(t, v.Messages(v.name), report.Accepted)
}

// numbered returns n messages to different addresses; the subject is the index.
func (h Harness) numbered(
	n int, change func(i int, m *provider.Message),
) iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for i := range n {
			m := h.baseline()
			m.Subject = fmt.Sprint(i)
			m.To = []provider.Address{{Email: fmt.Sprintf("a%d@example.com", i)}}
			change(i, m)
			if !yield(m, nil) {
				return
			}
		}
	}
}

// batchFields checks that two messages of a batch which differ in one field keep
// their own values: the provider gets both texts, in one request or in two. The
// fields are found by their types, so a new field is covered.
func (h Harness) batchFields(t *testing.T) {
	caps := h.capabilities()
	for _, f := range provider.Features() {
		first, ok := derivedProbe(f, "first")
		second, _ := derivedProbe(f, "second")
		if _, special := specialProbes[f]; special || !ok || !caps.Can(f) {
			continue
		}
		t.Run(string(f), func(t *testing.T) {
			v := h.start(t)
			messages := h.numbered(
				2, func(i int, m *provider.Message) { []probe{first, second}[i].change(h, m) },
			)
			report, err := v.open(t, nil).SendBatch(t.Context(), messages, nil)
			require.NoError(t, err)
			assert.Equal(t, 2, report.Accepted)
			assert.True(t, first.found(h, v.seen()), "the first message's is lost: %+v", v.sends())
			assert.True(
				t, second.found(h, v.seen()), "the second message's is lost: %+v", v.sends(),
			)
			for _, mail := range v.Messages(v.name) {
				assert.Len(t, mail.To, 1)
			}
		})
	}
}
