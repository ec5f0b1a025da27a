package provider_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// What a provider lacks is left out or done otherwise, or the message is refused: by
// default, by the feature's own name, and by a part of it.
func TestWhatAProviderLacks(t *testing.T) {
	const none, emulated = provider.LevelNone, provider.LevelEmulated
	copies := func(m *provider.Message) { m.Cc = []provider.Address{{Email: "cc@example.com"}} }
	tags := func(m *provider.Message) { m.Tags = []string{"a"} }
	metadata := func(m *provider.Message) { m.Metadata = map[string]string{"a": "b"} }
	untracked := func(m *provider.Message) { m.TrackOpens = provider.ToggleOff }
	leave := func(m *provider.Message) {
		m.Headers = map[string]string{"List-Unsubscribe": "<https://example.com/leave>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
	}
	many := func(n int) func(*provider.Message) {
		return func(m *provider.Message) {
			m.To = nil
			for i := range n {
				m.Recipients = append(m.Recipients, provider.Recipient{Email: fmt.Sprintf("r%d@example.com", i)})
			}
		}
	}
	later := func(m *provider.Message) { m.SendAt = time.Now().Add(time.Hour) }
	file := func(m *provider.Message) {
		m.Attachments = []provider.Attachment{{Name: "a.bin", Content: []byte("x"), ContentType: "text/x-own"}}
	}
	for _, tc := range []struct {
		name    string
		feature provider.Feature
		level   provider.Level
		change  func(*provider.Message)
		policy  provider.Policy
		calls   int    // 1 when it is 0
		note    string // "field: action"
		refused string // a part of the error
	}{
		{name: "tags are left out", feature: feature.MessageTags, level: none, change: tags, note: "tags: dropped"},
		{name: "tags, by name", feature: feature.MessageTags, level: none, change: tags, policy: provider.Policy{"message.tags": "drop"}, note: "tags: dropped"},
		{name: "tags, by a part", feature: feature.MessageTags, level: none, change: tags, policy: provider.Policy{"message": "drop"}, note: "tags: dropped"},
		{
			name: "tags, refused", feature: feature.MessageTags, level: none, change: tags, policy: provider.Policy{"message.tags": "error"},
			refused: "message.tags is not supported: stub has no such feature; the policy refuses to do without message.tags",
		},
		{name: "tags, refused by a part", feature: feature.MessageTags, level: none, change: tags, policy: provider.Policy{"message": "error"}, refused: "refuses to do without"},
		{name: "tags, the longer name counts", feature: feature.MessageTags, level: none, change: tags, policy: provider.Policy{"message": "error", "message.tags": "drop"}, note: "tags: dropped"},
		{name: "metadata", feature: feature.MessageMetadata, level: none, change: metadata, refused: `"message.metadata: drop"`},
		{name: "metadata, by a part", feature: feature.MessageMetadata, level: none, change: metadata, policy: provider.Policy{"message": "drop"}, note: "metadata: dropped"},
		{name: "tracking of the whole account", feature: feature.MessageTrackOpens, level: provider.LevelAccountWide, change: untracked, refused: "stub sets this for the whole account"},
		{name: "tracking, by a part", feature: feature.MessageTrackOpens, level: provider.LevelAccountWide, change: untracked, policy: provider.Policy{"message": "drop"}, note: "track_opens: dropped"},
		{name: "content type", feature: feature.MessageAttachmentsContentType, level: none, change: file, note: "attachments.content_type: dropped"},
		{name: "text beside HTML", feature: feature.MessageText, level: none, change: func(m *provider.Message) { m.Text = "x" }, note: "text: dropped"},

		{name: "copies", feature: feature.MessageCc, level: none, change: copies, refused: `a policy allows to do without: "message.cc: drop"`},
		{name: "copies, by name", feature: feature.MessageCc, level: none, change: copies, policy: provider.Policy{"message.cc": "drop"}, note: "cc: dropped"},
		{name: "copies, not by a part", feature: feature.MessageCc, level: none, change: copies, policy: provider.Policy{"message": "drop"}, refused: "message.cc is not supported"},
		{
			name: "headers, not by a part", feature: feature.MessageHeaders, level: none, policy: provider.Policy{"message": "drop"}, refused: "message.headers is not supported",
			change: func(m *provider.Message) { m.Headers = map[string]string{"X-A": "b"} },
		},
		{
			name: "a key, not by a part", feature: feature.MessageIdempotencyKey, level: none, policy: provider.Policy{"message": "drop"}, refused: "message.idempotency_key is not supported",
			change: func(m *provider.Message) { m.IdempotencyKey = "k" },
		},
		{
			name: "a file, not by a part", feature: feature.MessageAttachments, level: none, policy: provider.Policy{"message": "drop"}, refused: "message.attachments is not supported",
			change: func(m *provider.Message) {
				m.Attachments = []provider.Attachment{{Name: "a.pdf", Content: []byte("x")}}
			},
		},

		{name: "a time", feature: feature.MessageSendAt, level: none, change: later, refused: `"message.send_at: send_now"`},
		{name: "a time, not by a part", feature: feature.MessageSendAt, level: none, change: later, policy: provider.Policy{"message": "drop"}, refused: "message.send_at is not supported"},
		{name: "a time, at once", feature: feature.MessageSendAt, level: none, change: later, policy: provider.Policy{"message.send_at": "send_now"}, note: "send_at: dropped"},

		{name: "recipients", feature: feature.MessageRecipients, level: emulated, change: many(50), calls: 50, note: "recipients: emulated"},
		{name: "too many recipients", feature: feature.MessageRecipients, level: emulated, change: many(51), refused: "stub needs one call for each of 51 recipients, and one message may become 50 calls at most; send them with Client.SendBatch"},
		{name: "recipients, by name", feature: feature.MessageRecipients, level: emulated, change: many(51), policy: provider.Policy{"message.recipients": "emulate"}, calls: 51, note: "recipients: emulated"},
		{name: "recipients, refused", feature: feature.MessageRecipients, level: emulated, change: many(2), policy: provider.Policy{"message.recipients": "error"}, refused: "refuses to do without"},

		{name: "several see each other", feature: feature.MessageToMany, level: emulated, change: func(m *provider.Message) { m.To = append(m.To, provider.Address{Email: "b@example.com"}) }, refused: `"message.to.many: fan_out"`},
		{
			name: "several, by name", feature: feature.MessageToMany, level: emulated, policy: provider.Policy{"message.to.many": "fan_out"}, calls: 2, note: "to: emulated",
			change: func(m *provider.Message) { m.To = append(m.To, provider.Address{Email: "b@example.com"}) },
		},

		{name: "a way to unsubscribe", feature: feature.MessageHeadersListUnsubscribe, level: emulated, change: leave, note: "headers.list_unsubscribe: emulated"},
		{name: "a way, refused", feature: feature.MessageHeadersListUnsubscribe, level: emulated, change: leave, policy: provider.Policy{"message.headers": "error"}, refused: "refuses to do without"},
		{name: "a way, dropped by name", feature: feature.MessageHeadersListUnsubscribe, level: emulated, change: leave, policy: provider.Policy{"message.headers.list_unsubscribe": "drop"}, note: "headers.list_unsubscribe: dropped"},
		{name: "a way, not dropped by a part", feature: feature.MessageHeadersListUnsubscribe, level: emulated, change: leave, policy: provider.Policy{"message.headers": "drop"}, note: "headers.list_unsubscribe: emulated"},
		{
			name: "a way, with the provider's template", feature: feature.MessageHeadersListUnsubscribe, level: emulated, refused: `a policy allows to do without: "message.headers.list_unsubscribe: drop"`,
			change: func(m *provider.Message) { leave(m); m.HTML, m.Template = "", provider.Ref{ID: "7"} },
		},
		{
			name: "a way that nobody can follow", feature: feature.MessageHeadersListUnsubscribe, level: emulated, refused: "message.headers.list_unsubscribe is not supported",
			change: func(m *provider.Message) { m.Headers = map[string]string{"list-unsubscribe": "ask us"} },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &stub{caps: everything(provider.Capabilities{tc.feature: adapterkit.Cell(tc.level)})}
			m := order()
			tc.change(m)
			before := m.Clone()
			r, err := client(t, s, provider.AccountSettings{Policy: tc.policy}, provider.DriverEnv{}).Send(t.Context(), m)
			assert.Equal(t, before, m, "the caller's message was changed")
			if tc.refused != "" {
				require.ErrorIs(t, err, errors.ErrUnsupported)
				assert.ErrorContains(t, err, tc.refused)
				assert.Empty(t, s.sent)
				return
			}
			require.NoError(t, err)
			assert.Len(t, s.sent, max(tc.calls, 1))
			require.Len(t, r.Notes, 1)
			assert.Equal(t, tc.note, r.Notes[0].Field+": "+string(r.Notes[0].Action))
		})
	}
}

// The link stands in every body that a mail has, in the caller's order of the parts.
func TestALinkInsteadOfAHeader(t *testing.T) {
	s := &stub{caps: everything(provider.Capabilities{
		feature.MessageHeadersListUnsubscribe: adapterkit.Cell(provider.LevelEmulated),
		feature.MessageTextOnly:               adapterkit.Cell(provider.LevelEmulated),
	})}
	m := order()
	m.HTML, m.Text = "", "Заказ"
	m.Headers = map[string]string{"List-Unsubscribe": "<mailto:leave@example.com>, <https://example.com/leave?t=1>", "X-Other": "kept"}
	r, err := client(t, s, provider.AccountSettings{}, provider.DriverEnv{}).Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, "<div dir=\"auto\">Заказ</div><p dir=\"auto\"><a href=\"https://example.com/leave?t=1\">Отписаться</a></p>", s.sent[0].HTML)
	assert.Equal(t, "Заказ\n\nОтписаться: https://example.com/leave?t=1\n", s.sent[0].Text)
	assert.Equal(t, map[string]string{"X-Other": "kept"}, s.sent[0].Headers)
	assert.Len(t, r.Notes, 2)
}

func TestBatchesByOneCallEachMayBeRefused(t *testing.T) {
	s := &stub{caps: everything(provider.Capabilities{feature.MessageBatch: adapterkit.Cell(provider.LevelEmulated)})}
	report, err := client(t, s, provider.AccountSettings{Policy: provider.Policy{"message.batch": "error"}}, provider.DriverEnv{}).
		SendBatch(t.Context(), func(yield func(*provider.Message, error) bool) { yield(order(), nil) }, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "the policy refuses to do without message.batch")
	assert.Zero(t, report)
	assert.Empty(t, s.sent)
}
