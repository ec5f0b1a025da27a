package providertest

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// probe puts one feature into a mail and finds it on the wire. found gets the texts
// of all requests that sent the mail; seen reports whether one of them contains a
// text.
type probe struct {
	change func(h Harness, m *provider.Message)
	found  func(h Harness, seen func(string) bool) bool
	// field is the Field of the note about an emulation or a drop; empty means the
	// feature's own.
	field string
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

// probeOf returns the probe of a feature of messages: one of specialProbes, or one
// that is derived from the field of Message with the feature's name.
func probeOf(t *testing.T, f provider.Feature) probe {
	t.Helper()
	p, ok := specialProbes[f]
	if !ok {
		p, ok = derivedProbe(f, "needle")
	}
	require.True(
		t, ok,
		"no probe for %s: its field cannot be filled by its type alone; add a row to specialProbes",
		f,
	)
	if p.field == "" {
		p.field = strings.TrimPrefix(strings.TrimSuffix(string(f), ".many"), "message.")
	}
	return p
}

// derivedProbe fills the field of Message that the feature is named after with
// texts that contain mark and can be found on the wire. ok is false for other types
// of fields.
func derivedProbe(f provider.Feature, mark string) (p probe, ok bool) {
	typ := reflect.TypeFor[provider.Message]()
	for i := range typ.NumField() {
		name := jsonName(typ.Field(i))
		if provider.Feature("message."+name) != f {
			continue
		}
		var value any
		var needles []string
		switch reflect.Zero(typ.Field(i).Type).Interface().(type) {
		case string:
			text := `<p title="` + mark + ` & نشان">` + name + `</p>`
			value, needles = text, []string{text}
		case []provider.Address:
			value, needles = addresses(mark+"-"+name+"@example.com"), []string{mark + "-" + name + "@example.com"}
		case []string:
			value, needles = []string{mark + "-" + name}, []string{mark + "-" + name}
		case map[string]string:
			value, needles = map[string]string{"X-Needle": mark + "-" + name}, []string{"X-Needle", mark + "-" + name}
		default:
			return p, false
		}
		return probe{
			change: func(_ Harness, m *provider.Message) {
				reflect.ValueOf(m).Elem().Field(i).Set(reflect.ValueOf(value))
			},
			found: seesAll(needles...),
		}, true
	}
	return p, false
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// specialProbes are the probes of features that are more than a field with a text.
var specialProbes = map[provider.Feature]probe{
	feature.MessageToMany: {
		change: func(_ Harness, m *provider.Message) {
			m.To = addresses("needle-one@example.com", "needle-two@example.com")
		},
		found: seesAll("needle-one@example.com", "needle-two@example.com"),
	},
	feature.MessageReplyToMany: {
		change: func(_ Harness, m *provider.Message) {
			m.ReplyTo = addresses("first@example.com", "needle-second@example.com")
		},
		found: seesAll("needle-second@example.com"),
	},
	feature.MessageTextOnly: {
		change: func(_ Harness, m *provider.Message) { m.HTML, m.Text = "", "needle متن" },
		found:  seesAll("needle متن"),
		field:  "html",
	},
	feature.MessageHeadersListUnsubscribe: {
		change: func(_ Harness, m *provider.Message) {
			m.Headers = map[string]string{"List-Unsubscribe": "<https://example.com/needle?t=1>"}
		},
		found: seesAll("https://example.com/needle?t=1"),
	},
	feature.MessageTemplate: {
		change: func(h Harness, m *provider.Message) { m.HTML, m.Template = "", h.Template },
		found:  func(h Harness, seen func(string) bool) bool { return seen(h.Template.ID) },
	},
	feature.MessageVariables: {
		change: func(h Harness, m *provider.Message) {
			m.HTML, m.Template, m.Variables = "", h.Template, map[string]any{"needle_key": "needle مقدار"}
		},
		found: seesAll("needle_key", "needle مقدار"),
	},
	feature.MessageAttachments: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{{Name: "needle.txt", Content: []byte("needle content")}}
		},
		found: seesAll("needle.txt", "needle content"),
	},
	feature.MessageAttachmentsMany: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{
				{Name: "a.txt", Content: []byte("first")},
				{Name: "needle.txt", Content: []byte("needle content")},
			}
		},
		found: seesAll("needle.txt", "needle content"),
	},
	feature.MessageAttachmentsURL: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{
				{Name: "needle.pdf", URL: "https://files.example.com/needle.pdf"},
			}
		},
		found: seesAll("https://files.example.com/needle.pdf"),
	},
	feature.MessageAttachmentsContentType: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{
				{Name: "a.txt", Content: []byte("x"), ContentType: "application/x-needle"},
			}
		},
		found: seesAll("application/x-needle"),
	},
	feature.MessageAttachmentsInline: {
		change: func(_ Harness, m *provider.Message) {
			m.Attachments = []provider.Attachment{
				{Name: "a.png", Content: []byte("x"), Inline: true, ContentID: "needle-cid"},
			}
		},
		found: seesAll("needle-cid"),
	},
	feature.MessageSendAt: {
		change: func(_ Harness, m *provider.Message) { m.SendAt = needleTime },
		found: func(_ Harness, seen func(string) bool) bool {
			minsk := needleTime.In(time.FixedZone("", 3*3600))
			return seen(needleTime.Format("2006-01-02T15:04")) || seen(needleTime.Format("2006-01-02 15:04")) || seen(minsk.Format("2006-01-02 15:04"))
		},
	},
	feature.MessageTrackOpens: {
		change: func(_ Harness, m *provider.Message) { m.TrackOpens = provider.ToggleOff },
		found:  seesAll("track_open"),
	},
	feature.MessageTrackClicks: {
		change: func(_ Harness, m *provider.Message) { m.TrackClicks = provider.ToggleOff },
		found:  seesAll("track_click"),
	},
	feature.MessageIdempotencyKey: {
		change: func(_ Harness, m *provider.Message) { m.IdempotencyKey = needleUUID },
		found:  seesAll(needleUUID),
	},
	feature.MessageRecipients: {
		change: func(_ Harness, m *provider.Message) {
			m.To = nil
			m.Recipients = []provider.Recipient{
				{
					Email: "needle-one@example.com", HTML: "<p>needle first</p>",
					Subject: "needle subject",
				},
				{Email: "needle-two@example.com", Name: "Б", HTML: "<p>needle second</p>"},
			}
		},
		found: seesAll(
			"needle-one@example.com", "needle-two@example.com", "needle first", "needle second",
			"needle subject",
		),
	},
}
