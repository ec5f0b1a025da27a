package providertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// probe puts one feature into a mail and says how it is told on the wire. found
// gets the texts of all requests that sent the mail; seen reports whether one
// of them holds a text.
type probe struct {
	change func(h Harness, m *provider.Message)
	found  func(h Harness, seen func(string) bool) bool
	// policy is the action that lets the feature through where it is emulated,
	// by the name a user writes.
	policy provider.Policy
	field  string // of the note, when an emulation or a drop tells of it
}

// needleTime is tomorrow: one vendor schedules no further than three days ahead.
var needleTime = time.Now().Add(24 * time.Hour).UTC().Truncate(time.Minute)

const needleUUID = "0b9c2f0e-6c1d-4a5e-9a53-3f2a7d0c1e44"

func seesAll(needles ...string) func(Harness, func(string) bool) bool {
	return func(_ Harness, seen func(string) bool) bool {
		for _, n := range needles {
			if !seen(n) {
				return false
			}
		}
		return true
	}
}

func addresses(emails ...string) []provider.Address {
	out := make([]provider.Address, len(emails))
	for i, e := range emails {
		out[i] = provider.Address{Email: e}
	}
	return out
}

var probes = map[provider.Feature]probe{
	provider.FeatureToMany: {
		change: func(_ Harness, m *provider.Message) {
			m.To = addresses("needle-one@example.com", "needle-two@example.com")
		},
		found:  seesAll("needle-one@example.com", "needle-two@example.com"),
		policy: provider.Policy{"message.to": "fan_out"}, field: "to",
	},
	provider.FeatureCc: {
		change: func(_ Harness, m *provider.Message) { m.Cc = addresses("needle-cc@example.com") },
		found:  seesAll("needle-cc@example.com"),
		policy: provider.Policy{"message.cc": "drop"}, field: "cc",
	},
	provider.FeatureBcc: {
		change: func(_ Harness, m *provider.Message) { m.Bcc = addresses("needle-bcc@example.com") },
		found:  seesAll("needle-bcc@example.com"),
		policy: provider.Policy{"message.bcc": "drop"}, field: "bcc",
	},
	provider.FeatureReplyTo: {
		change: func(_ Harness, m *provider.Message) { m.ReplyTo = addresses("needle-reply@example.com") },
		found:  seesAll("needle-reply@example.com"),
		policy: provider.Policy{"message.reply_to": "drop"}, field: "reply_to",
	},
	provider.FeatureReplyToMany: {
		change: func(_ Harness, m *provider.Message) {
			m.ReplyTo = addresses("first@example.com", "needle-second@example.com")
		},
		found:  seesAll("needle-second@example.com"),
		policy: provider.Policy{"message.reply_to": "drop"}, field: "reply_to",
	},
	provider.FeatureHTML: {
		change: func(_ Harness, m *provider.Message) { m.HTML = `<p title="needle & نشان">x</p>` },
		found:  seesAll(`<p title="needle & نشان">x</p>`),
	},
	provider.FeatureText: {
		change: func(_ Harness, m *provider.Message) { m.Text = "needle متن" },
		found:  seesAll("needle متن"),
		policy: provider.Policy{"message.text": "drop"}, field: "text",
	},
	provider.FeatureTextOnly: {
		change: func(_ Harness, m *provider.Message) { m.HTML, m.Text = "", "needle متن" },
		found:  seesAll("needle متن"),
		policy: provider.Policy{"message.text": "emulate"}, field: "html",
	},
	provider.FeatureTemplate: {
		change: func(h Harness, m *provider.Message) { m.HTML, m.Template = "", h.Template },
		found:  func(h Harness, seen func(string) bool) bool { return seen(h.Template.ID) },
	},
	provider.FeatureVariables: {
		change: func(h Harness, m *provider.Message) {
			m.HTML, m.Template, m.Variables = "", h.Template, map[string]any{"needle_key": "needle مقدار"}
		},
		found: seesAll("needle_key", "needle مقدار"),
	},
	provider.FeatureAttachments: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "needle.txt", Content: []byte("needle content")}}
		},
		found:  seesAll("needle.txt", "needle content"),
		policy: provider.Policy{"message.attachments": "drop"}, field: "attachments",
	},
	provider.FeatureAttachmentMany: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "a.txt", Content: []byte("first")}, {Name: "needle.txt", Content: []byte("needle content")}}
		},
		found: seesAll("needle.txt", "needle content"),
	},
	provider.FeatureAttachmentURL: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "needle.pdf", URL: "https://files.example.com/needle.pdf"}}
		},
		found:  seesAll("https://files.example.com/needle.pdf"),
		policy: provider.Policy{"message.attachments.url": "drop"}, field: "attachments.url",
	},
	provider.FeatureAttachmentType: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "a.txt", Content: []byte("x"), ContentType: "application/x-needle"}}
		},
		found:  seesAll("application/x-needle"),
		policy: provider.Policy{"message.attachments.content_type": "drop"}, field: "attachments.content_type",
	},
	provider.FeatureInline: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "a.png", Content: []byte("x"), Inline: true, ContentID: "needle-cid"}}
		},
		found:  seesAll("needle-cid"),
		policy: provider.Policy{"message.attachments.inline": "drop"}, field: "attachments.inline",
	},
	provider.FeatureHeaders: {
		change: func(_ Harness, m *provider.Message) { m.Headers = map[string]string{"X-Needle": "needle-value"} },
		found:  seesAll("X-Needle", "needle-value"),
		policy: provider.Policy{"message.headers": "drop"}, field: "headers",
	},
	provider.FeatureTags: {
		change: func(_ Harness, m *provider.Message) { m.Tags = []string{"needle-tag"} },
		found:  seesAll("needle-tag"),
		policy: provider.Policy{"message.tags": "drop"}, field: "tags",
	},
	provider.FeatureMetadata: {
		change: func(_ Harness, m *provider.Message) {
			m.Metadata = map[string]string{"needle_key": "needle سفارش"}
		},
		found:  seesAll("needle_key", "needle سفارش"),
		policy: provider.Policy{"message.metadata": "drop"}, field: "metadata",
	},
	provider.FeatureSendAt: {
		change: func(_ Harness, m *provider.Message) { m.SendAt = needleTime },
		found: func(_ Harness, seen func(string) bool) bool {
			minsk := needleTime.In(time.FixedZone("", 3*3600))
			return seen(needleTime.Format("2006-01-02T15:04")) || seen(needleTime.Format("2006-01-02 15:04")) || seen(minsk.Format("2006-01-02 15:04"))
		},
		policy: provider.Policy{"message.send_at": "drop"}, field: "send_at",
	},
	provider.FeatureTrackOpens: {
		change: func(_ Harness, m *provider.Message) { m.TrackOpens = provider.Off },
		found:  seesAll("track_open"),
		policy: provider.Policy{"message.track_opens": "drop"}, field: "track_opens",
	},
	provider.FeatureTrackClicks: {
		change: func(_ Harness, m *provider.Message) { m.TrackClicks = provider.Off },
		found:  seesAll("track_click"),
		policy: provider.Policy{"message.track_clicks": "drop"}, field: "track_clicks",
	},
	provider.FeatureIdempotencyKey: {
		change: func(_ Harness, m *provider.Message) { m.IdempotencyKey = needleUUID },
		found:  seesAll(needleUUID),
		policy: provider.Policy{"message.idempotency_key": "drop"}, field: "idempotency_key",
	},
	provider.FeatureRecipients: {
		change: func(_ Harness, m *provider.Message) {
			m.To = nil
			m.Recipients = []provider.Recipient{
				{Email: "needle-one@example.com", HTML: "<p>needle first</p>", Subject: "needle subject"},
				{Email: "needle-two@example.com", Name: "Б", HTML: "<p>needle second</p>"},
			}
		},
		found:  seesAll("needle-one@example.com", "needle-two@example.com", "needle first", "needle second", "needle subject"),
		policy: provider.Policy{"message.recipients": "emulate"}, field: "recipients",
	},
}

// parents are what a probe uses besides its own feature. Where a parent is
// missing too, the parent is what the error names.
var parents = map[provider.Feature]provider.Feature{
	provider.FeatureReplyToMany:    provider.FeatureReplyTo,
	provider.FeatureVariables:      provider.FeatureTemplate,
	provider.FeatureAttachmentMany: provider.FeatureAttachments,
	provider.FeatureAttachmentType: provider.FeatureAttachments,
	provider.FeatureInline:         provider.FeatureAttachments,
}

func (h Harness) messageFeatures(t *testing.T) {
	caps := h.Driver.Capabilities(provider.Section{Settings: settings(h)})
	for _, f := range provider.Features() {
		if !strings.HasPrefix(string(f), "message.") || slices.Contains(ofSentMail, f) {
			continue
		}
		p, ok := probes[f]
		require.True(t, ok, "no probe for %s", f)
		_, listed := caps[f]
		assert.True(t, listed, "%s: the capability table has no cell", f)
		t.Run(string(f), func(t *testing.T) {
			if parent, ok := parents[f]; ok && caps.Level(f) == provider.LevelNone && caps.Level(parent) == provider.LevelNone {
				h.missingMessage(t, parent, p)
				return
			}
			switch caps.Level(f) {
			case provider.LevelNative, provider.LevelLimited:
				h.nativeMessage(t, f, p)
			case provider.LevelEmulated:
				h.missingMessage(t, f, p)
				h.allowedMessage(t, p, true)
			default:
				h.missingMessage(t, f, p)
				if p.policy != nil && p.policy[string(f)] == provider.ActionDrop {
					h.allowedMessage(t, p, false)
				}
			}
		})
	}
}

func settings(h Harness) map[string]provider.Value {
	out := make(map[string]provider.Value, len(h.Settings))
	for k, v := range h.Settings {
		out[k] = provider.NewValue(v)
	}
	return out
}

func (h Harness) nativeMessage(t *testing.T, f provider.Feature, p probe) {
	v := h.start(t)
	m := h.baseline()
	p.change(h, m)
	r, err := v.open(t, nil).Send(t.Context(), m)
	require.NoError(t, err)
	assert.NotEmpty(t, r.Recipients)
	assert.True(t, p.found(h, v.seen()), "not on the wire: %+v", v.sends())
	for _, n := range r.Notes {
		assert.False(t, n.Field == p.field && n.Action == "dropped", "%s is dropped: %s", f, n.Why)
	}
}

// seen reports whether a text was on the wire of any request that sent mail.
func (v *vendor) seen() func(string) bool {
	return func(needle string) bool {
		for _, r := range v.sends() {
			if onWire(r, needle) {
				return true
			}
		}
		return false
	}
}

func (h Harness) missingMessage(t *testing.T, f provider.Feature, p probe) {
	v := h.start(t)
	m := h.baseline()
	p.change(h, m)
	before := m.Clone()
	r, err := v.open(t, nil).Send(t.Context(), m)
	assert.Nil(t, r, "nothing left, so there is no receipt")
	v.unsupported(t, f, err)
	assert.Equal(t, before, m, "the caller's message was changed")
}

// allowedMessage sends the mail under the policy that allows it: what is
// emulated arrives, what is dropped does not, and a note tells either.
func (h Harness) allowedMessage(t *testing.T, p probe, arrives bool) {
	v := h.start(t)
	m := h.baseline()
	p.change(h, m)
	r, err := v.open(t, withPolicy(p.policy)).Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, arrives, p.found(h, v.seen()))
	var told bool
	for _, n := range r.Notes {
		told = told || n.Field == p.field && n.Why != ""
	}
	assert.True(t, told, "no note about %s in %+v", p.field, r.Notes)
}
