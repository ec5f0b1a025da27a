package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/loose"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/sandbox"
)

// EventGoldens reads each NAME.json of a folder by parse and compares the events with those
// of NAME.event.json. Another case is two more files; POSTMUX_UPDATE=1 writes the second.
func EventGoldens(t *testing.T, folder string, parse events.Parse) {
	bodies, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	cases := 0
	for _, path := range bodies {
		if strings.HasSuffix(path, ".event.json") {
			continue
		}
		cases++
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(path)
			require.NoError(t, err)
			got, err := parse(body)
			require.NoError(t, err)
			rows, err := events.Rows(body)
			require.NoError(t, err)
			require.Len(t, got, len(rows), "rows in, events out")
			for i := range got {
				assert.JSONEq(t, string(rows[i]), string(got[i].Raw))
				got[i].Raw = nil
			}
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			require.NoError(t, enc.Encode(got))
			golden := strings.TrimSuffix(path, ".json") + ".event.json"
			if os.Getenv("POSTMUX_UPDATE") != "" {
				require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), out.String())
		})
	}
	assert.NotZero(t, cases, "no bodies in %s", folder)
}

// EventShape is a body of a webhook as the tests of others have it, with values of our own,
// and what is to be read from it.
type EventShape struct {
	Name string // its source, and what is odd about it
	Body string
	Want []events.Event // ID, Provider, Source and Raw may be left out
}

// EventShapes reads each body by parse and compares the events with those wanted.
func EventShapes(t *testing.T, parse events.Parse, shapes []EventShape) {
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			got, err := parse([]byte(shape.Body))
			require.NoError(t, err)
			require.Len(t, got, len(shape.Want))
			for i := range got {
				assert.NotEmpty(t, got[i].ID)
				assert.NotEmpty(t, got[i].Raw)
				assert.Equal(t, events.SourceWebhook, got[i].Source)
				got[i].ID, got[i].Raw, got[i].Provider, got[i].Source = "", nil, "", ""
			}
			assert.Equal(t, shape.Want, got)
		})
	}
}

// FuzzEvents gives parse any body, beginning with those of a folder: it never panics, rows
// in are events out, each has an ID, which is the same the second time, and a raw record
// that is JSON, and all of it can be written and read again. path is where a record has the
// vendor's word.
func FuzzEvents(f *testing.F, folder string, parse events.Parse, path ...string) {
	bodies, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(f, err)
	for _, file := range bodies {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		if !strings.HasSuffix(file, ".event.json") {
			f.Add(body)
		}
	}
	for _, body := range []string{"", "{}", "[]", "null", `"x"`, "{", "<html>", "[[", `[{"event":"delivered",}]`, `{"event":{"event":[]}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, wrong := events.Rows(body)
		list, err := parse(body)
		if (wrong == nil) != (err == nil) || len(rows) != len(list) {
			t.Fatalf("%d rows, %d events, %v, %v", len(rows), len(list), wrong, err)
		}
		twice, _ := parse(body)
		for i, e := range list {
			// A slow reader finds the same word: that of just these letters, the last of several.
			record := json.RawMessage(rows[i])
			for _, name := range path {
				var members map[string]json.RawMessage
				if json.Unmarshal(record, &members) != nil {
					record = nil
					break
				}
				record = members[name]
			}
			if len(record) > 0 && record[0] == '"' && utf8.Valid(rows[i]) && loose.Text(record) != e.VendorEvent {
				t.Fatalf("event %q, expected %s", e.VendorEvent, record)
			}
			if e.ID == "" || e.ID != twice[i].ID || e.Kind == "" || e.Provider == "" || e.AtBasis == "" || !json.Valid(e.Raw) {
				t.Fatalf("%+v", e)
			}
			if e.At.IsZero() != (e.AtBasis == events.AtReceived) {
				t.Fatalf("time %v, basis %s", e.At, e.AtBasis)
			}
			e.State()
			e.Suppression()
			data, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var back events.Event
			if err := json.Unmarshal(data, &back); err != nil || back.ID != e.ID || back.Kind != e.Kind {
				t.Fatalf("%v: %s", err, data)
			}
		}
	})
}

// BenchmarkEvents reads a batch of 500 of the event in a file, and decodes the same without
// types, by turns: what else the machine does hits both. It fails when the events are not
// the faster of the two, or need more than 40 allocations each.
func BenchmarkEvents(b *testing.B, path string, parse events.Parse) {
	const batch, most = 500, 40
	data, err := os.ReadFile(path)
	require.NoError(b, err)
	row := bytes.TrimSpace(data)
	if row[0] == '[' {
		row = bytes.TrimSpace(row[1 : len(row)-1])
	}
	body := append([]byte("["), bytes.Repeat(append(row, ','), batch)...)
	body[len(body)-1] = ']'
	read := func() {
		if list, err := parse(body); err != nil || len(list) != batch {
			b.Fatal(len(list), err)
		}
	}
	var took, untyped, ratios []float64
	for b.Loop() {
		start := time.Now()
		read()
		middle := time.Now()
		var list []map[string]any
		if err := json.Unmarshal(body, &list); err != nil {
			b.Fatal(err)
		}
		took = append(took, middle.Sub(start).Seconds())
		untyped = append(untyped, time.Since(middle).Seconds())
		ratios = append(ratios, untyped[len(untyped)-1]/took[len(took)-1])
	}
	ratio, allocs := median(ratios), testing.AllocsPerRun(10, read)/batch
	b.ReportMetric(0, "ns/op") // of both together
	b.ReportMetric(batch/median(took), "events/s")
	b.ReportMetric(batch/median(untyped), "untyped/s")
	b.ReportMetric(ratio, "times")
	b.ReportMetric(allocs, "allocs/event")
	if len(ratios) > 1 && ratio <= 1 {
		b.Errorf("an event takes %.2f times as long as without types", 1/ratio)
	}
	if allocs > most {
		b.Errorf("%.1f allocations an event, expected at most %d", allocs, most)
	}
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

const hookSecret = "secret-of-the-webhooks"

// inbox is a sink that keeps events by account and ID.
type inbox struct {
	mu   sync.Mutex
	kept map[string]events.Event
	fail bool
}

func (b *inbox) sink(_ context.Context, list []events.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail {
		return errors.New("the database is down")
	}
	if b.kept == nil {
		b.kept = map[string]events.Event{}
	}
	for _, e := range list {
		b.kept[e.Account+"/"+e.ID] = e
	}
	return nil
}

// of returns the events of one kind for an address.
func (b *inbox) of(kind events.Kind, email string) []events.Event {
	var out []events.Event
	for _, e := range b.kept {
		if e.Kind == kind && e.Recipient == email {
			out = append(out, e)
		}
	}
	return out
}

// streamOf is the first stream of a receiver that has a name; empty when none has.
func streamOf(r events.Receiver) string {
	names := slices.Sorted(maps.Keys(r.Streams))
	return names[len(names)-1]
}

// receive starts the handler of the account, and registers its webhooks at the fake as a
// person would.
func (v *vendor) receive(t *testing.T, sink events.Sink) *httptest.Server {
	t.Helper()
	cfg := v.config(func(a provider.AccountConfig) { a["webhook_secret"] = hookSecret })
	accounts, err := events.FromConfig(provider.Registry{v.h.Driver}, cfg)
	require.NoError(t, err)
	h, err := events.Handler(sink, accounts)
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	stream := ""
	if v.name == "sendpulse" {
		stream = "/smtp"
	}
	require.NoError(t, v.AddWebhook(v.name, strings.TrimPrefix(stream, "/"), server.URL+"/account"+stream+"/"+hookSecret))
	return server
}

func (v *vendor) deliver(t *testing.T) {
	t.Helper()
	_, err := v.DeliverEvents(t.Context())
	require.NoError(t, err)
}

// fatesOfEvents are addresses of the fakes and the kind that the last event of their mail has.
var fatesOfEvents = map[string]events.Kind{
	"anna@example.com": events.KindDelivered, "bounce@example.com": events.KindBounced, "complain@example.com": events.KindComplained,
	"unsub@example.com": events.KindUnsubscribed, "click@example.com": events.KindClicked, "open@example.com": events.KindOpened,
}

// events checks the cells about events.
func (h Harness) events(t *testing.T) {
	caps := h.capabilities()
	t.Run("webhook", func(t *testing.T) { h.webhookEvents(t, caps) })
	t.Run("register", func(t *testing.T) { h.registerWebhooks(t, caps) })
	t.Run("list", func(t *testing.T) { h.listEvents(t, caps) })
	t.Run("watch", func(t *testing.T) { h.watchEvents(t, caps) })
	t.Run("lost", func(t *testing.T) { h.lostEvents(t, caps) })
	t.Run("marketing", func(t *testing.T) { h.marketingEvents(t, caps) })
	t.Run("accounts", func(t *testing.T) { h.twoAccounts(t, caps) })
	for _, f := range provider.Features() {
		if strings.HasPrefix(string(f), "events.") {
			assert.Contains(t, caps, f, "the capability table has no cell")
		}
	}
}

func (h Harness) webhookEvents(t *testing.T, caps provider.Capabilities) {
	v := h.start(t)
	made, err := provider.Registry{h.Driver}.Receivers(v.config(nil))
	require.NoError(t, err)
	if !caps.Can(feature.EventsWebhook) {
		assert.Empty(t, made, "a driver without webhooks has no receiver")
		return
	}
	receiver, ok := made["account"].(events.Receiver)
	require.True(t, ok)
	assert.Equal(t, caps.Can(feature.EventsWebhookHeader), receiver.Bearer)
	box := &inbox{}
	server := v.receive(t, box.sink)
	c := v.open(t, nil)
	if caps.Level(feature.EventsWebhook) == provider.LevelLimited { // campaigns alone
		for _, kind := range []string{"opened", "clicked"} {
			require.NoError(t, v.Trigger(v.name, kind, "anna@example.com"))
		}
		v.deliver(t)
		assert.Len(t, box.of(events.KindOpened, "anna@example.com"), 1)
		assert.Len(t, box.of(events.KindClicked, "anna@example.com"), 1)
	} else {
		h.pushedEvents(t, caps, v, c, box)
	}
	before := len(box.kept)
	for name, path := range map[string]string{"wrong": "/account/another-secret-0123", "none": "/account", "another account": "/other/" + hookSecret} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(`{"event":"delivered"}`))
		require.NoError(t, err)
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, name)
	}
	assert.Len(t, box.kept, before, "the sink was called")
}

// pushedEvents sends mail and compares what webhooks tell of it: nothing is lost while the
// sink fails, nothing counts twice, whatever the order.
func (h Harness) pushedEvents(t *testing.T, caps provider.Capabilities, v *vendor, c *provider.Client, box *inbox) {
	v.SetHooks(sandbox.Hooks{Duplicate: 1, Shuffle: true})
	ids := map[string]string{}
	for email := range fatesOfEvents {
		m := h.baseline()
		m.To = []provider.Address{{Email: email, Name: "A"}}
		if caps.Can(feature.EventsMetadata) && caps.Can(feature.MessageMetadata) {
			m.Metadata = map[string]string{"order": "4711"}
		}
		r, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		ids[email] = r.MessageID
	}
	box.fail = true
	v.deliver(t)
	require.Empty(t, box.kept)
	require.NotZero(t, v.Undelivered(), "what was not taken comes again")
	box.fail = false
	v.Advance(time.Hour)
	v.deliver(t)
	require.Zero(t, v.Undelivered())
	for email, kind := range fatesOfEvents {
		found := box.of(kind, email)
		require.Len(t, found, 1, "%s: %s", email, kind)
		e := found[0]
		assert.Equal(t, v.name, e.Provider)
		assert.Equal(t, events.SourceWebhook, e.Source)
		assert.False(t, e.ReceivedAt.IsZero())
		if caps.Level(feature.EventsMessageID) == provider.LevelNative {
			assert.Equal(t, ids[email], e.MessageID)
		}
		if caps.Can(feature.EventsMetadata) {
			assert.Equal(t, map[string]string{"order": "4711"}, e.Metadata)
		} else {
			assert.Empty(t, e.Metadata)
		}
		_, stops := e.Suppression()
		assert.Equal(t, kind == events.KindBounced || kind == events.KindComplained || kind == events.KindUnsubscribed, stops)
	}
	if !caps.Can(feature.EventsOpenedAutomated) {
		assert.Equal(t, events.Unknown, box.of(events.KindOpened, "open@example.com")[0].Automated, "nobody told whether a person opened it")
		return
	}
	m := h.baseline()
	m.To = []provider.Address{{Email: "proxyopen@example.com", Name: "A"}}
	_, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	v.deliver(t)
	found := box.of(events.KindOpened, "proxyopen@example.com")
	require.Len(t, found, 1)
	assert.Equal(t, events.Yes, found[0].Automated)
	state, _ := found[0].State()
	assert.Equal(t, provider.StateDelivered, state)
	assert.Equal(t, events.No, box.of(events.KindOpened, "open@example.com")[0].Automated)
}

// registerWebhooks makes the webhooks of a handler, makes nothing the second time, changes
// the secret, and leaves those of others alone.
func (h Harness) registerWebhooks(t *testing.T, caps provider.Capabilities) {
	v := h.start(t)
	c := v.open(t, nil)
	if !caps.Can(feature.EventsWebhookRegister) {
		_, err := events.ListWebhooks(t.Context(), c)
		assert.ErrorIs(t, err, provider.ErrUnsupported)
		v.noRequests(t)
		return
	}
	box := &inbox{}
	receiverOf := func(secret string) events.Receiver {
		cfg := v.config(func(a provider.AccountConfig) { a["webhook_secret"] = secret })
		made, err := provider.Registry{h.Driver}.Receivers(cfg)
		require.NoError(t, err)
		return made["account"].(events.Receiver)
	}
	receiver := receiverOf(hookSecret)
	handler, err := events.Handler(box.sink, events.At("/account", receiver))
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	plan := func(r events.Receiver) events.WebhookPlan {
		p, err := events.PlanWebhooks(t.Context(), c, r, server.URL)
		require.NoError(t, err)
		assert.NotContains(t, fmt.Sprintf("%v %+v", p, p), hookSecret)
		return p
	}
	first := plan(receiver)
	require.NotEmpty(t, first.Create)
	_, err = events.CreateWebhook(t.Context(), c, events.Webhook{
		Stream: first.Create[0].Stream, Address: provider.NewSecret("http://127.0.0.1:9/of-another-program"), Kinds: []events.Kind{events.KindDelivered},
	})
	require.NoError(t, err)
	require.NoError(t, first.Run(t.Context(), c))
	second := plan(receiver)
	assert.True(t, second.Nothing(), "the second time: %+v", second)
	assert.NotEmpty(t, second.Keep)
	assert.Len(t, second.Other, 1)
	for _, w := range first.Create {
		address := w.Address.Reveal()
		assert.Equal(t, caps.Can(feature.EventsWebhookHeader), !strings.Contains(address, hookSecret), "the secret is in the URL only where it must be")
	}
	_, err = c.Send(t.Context(), h.baseline())
	require.NoError(t, err)
	require.NoError(t, v.TriggerCampaign(v.name, "clicked", "anna@example.com"))
	v.deliver(t)
	want := 1
	if caps.Level(feature.EventsWebhookRegister) == provider.LevelLimited {
		want = 0 // campaigns alone
	}
	assert.Len(t, box.of(events.KindDelivered, "anna@example.com"), want, "what was registered is told")
	assert.Len(t, box.of(events.KindClicked, "anna@example.com"), 1, "what was registered of campaigns is told")
	changed := plan(receiverOf("another-secret-0123456789"))
	require.NotEmpty(t, changed.Delete)
	require.NoError(t, changed.Run(t.Context(), c))
	assert.True(t, plan(receiverOf("another-secret-0123456789")).Nothing())
	_, err = events.CreateWebhook(t.Context(), c, events.Webhook{Stream: first.Create[0].Stream, Address: first.Create[0].Address, Kinds: []events.Kind{"levitated"}})
	assert.ErrorIs(t, err, provider.ErrInvalid)
	assert.Error(t, events.DeleteWebhook(t.Context(), c, "x"))
}

// listEvents compares the log with webhooks: what happens once has one ID in both, and a poll
// after lost webhooks closes the gap.
func (h Harness) listEvents(t *testing.T, caps provider.Capabilities) {
	v := h.start(t)
	c := v.open(t, nil)
	if !caps.Can(feature.EventsList) {
		_, err := events.ListEvents(t.Context(), c, events.Query{})
		assert.ErrorIs(t, err, provider.ErrUnsupported)
		v.noRequests(t)
		return
	}
	pushed := &inbox{}
	if caps.Level(feature.EventsWebhook) == provider.LevelNative {
		v.receive(t, pushed.sink)
	}
	ids := map[string]string{}
	for email := range fatesOfEvents {
		m := h.baseline()
		m.To = []provider.Address{{Email: email, Name: "A"}}
		r, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		ids[email] = r.MessageID
	}
	v.Advance(time.Minute)
	v.deliver(t)
	polled := &inbox{}
	store := events.FileCursor(t.TempDir())
	report, err := events.Poll(t.Context(), c, store, polled.sink)
	require.NoError(t, err)
	assert.Equal(t, len(polled.kept), report.New)
	assert.NotEmpty(t, polled.kept)
	again, err := events.Poll(t.Context(), c, store, polled.sink)
	require.NoError(t, err)
	assert.Zero(t, again.New, "the second round")
	once, joined := 0, 0
	for key, e := range polled.kept {
		assert.Equal(t, events.SourceLog, e.Source)
		assert.Equal(t, "account", e.Account)
		if e.MessageID != "" {
			joined++
			assert.Equal(t, ids[e.Recipient], e.MessageID)
		}
		if e.MessageID != "" && caps.Level(feature.EventsMessageID) == provider.LevelNative && e.Kind != events.KindOpened && e.Kind != events.KindClicked {
			once++
			assert.Contains(t, pushed.kept, key, "%s of %s has another ID in the webhook", e.Kind, e.Recipient)
		}
	}
	assert.Equal(t, caps.Level(feature.EventsMessageID) == provider.LevelNative, once > 0)
	assert.Equal(t, caps.Can(feature.EventsMessageID), joined > 0, "the id of the receipt")
	n := 0
	for e, err := range events.AllEvents(t.Context(), c, events.Query{Since: report.Since, Recipient: "anna@example.com"}) {
		require.NoError(t, err)
		assert.Equal(t, "anna@example.com", e.Recipient)
		n++
	}
	assert.NotZero(t, n)
	_, err = events.ListEvents(t.Context(), c, events.Query{Recipient: "no address"})
	assert.ErrorIs(t, err, provider.ErrInvalid)
	_, err = events.ListEvents(t.Context(), c, events.Query{Cursor: "no cursor"})
	assert.Error(t, err)
}

// lostEvents loses all webhooks for good, and finds in the log what they had told: each
// event that has one ID in both.
func (h Harness) lostEvents(t *testing.T, caps provider.Capabilities) {
	if caps.Level(feature.EventsMessageID) != provider.LevelNative || !caps.Can(feature.EventsList) {
		t.Skip("nothing joins webhooks and log")
	}
	v := h.start(t)
	c := v.open(t, nil)
	told := &inbox{}
	v.receive(t, told.sink)
	lost := 0
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		lost++
		w.WriteHeader(http.StatusBadGateway) // which is final
	}))
	t.Cleanup(down.Close)
	require.NoError(t, v.AddWebhook(v.name, "", down.URL))
	for email := range fatesOfEvents {
		m := h.baseline()
		m.To = []provider.Address{{Email: email, Name: "A"}}
		_, err := c.Send(t.Context(), m)
		require.NoError(t, err)
	}
	v.Advance(time.Minute)
	v.deliver(t)
	require.Zero(t, v.Undelivered(), "they do not come again")
	require.Equal(t, lost, len(told.kept))
	polled := &inbox{}
	_, err := events.Poll(t.Context(), c, events.FileCursor(t.TempDir()), polled.sink)
	require.NoError(t, err)
	for key, e := range told.kept {
		if e.Kind != events.KindOpened && e.Kind != events.KindClicked {
			assert.Contains(t, polled.kept, key, "%s of %s is not in the log", e.Kind, e.Recipient)
		}
		assert.NotEmpty(t, polled.of(e.Kind, e.Recipient))
	}
}

// marketingEvents lets events happen to mail of a campaign: they come by webhook or from the
// log, whatever the cell says, with the campaign and no message id.
func (h Harness) marketingEvents(t *testing.T, caps provider.Capabilities) {
	v := h.start(t)
	c := v.open(t, nil)
	if !caps.Can(feature.EventsMarketing) {
		assert.False(t, caps.Can(feature.EventsWebhook) || caps.Can(feature.EventsList))
		_, err := events.ListEvents(t.Context(), c, events.Query{CampaignID: "1"})
		require.ErrorIs(t, err, provider.ErrUnsupported)
		v.noRequests(t)
		return
	}
	box := &inbox{}
	if caps.Level(feature.EventsWebhook) == provider.LevelNative {
		cfg := v.config(func(a provider.AccountConfig) { a["webhook_secret"] = hookSecret })
		made, err := provider.Registry{h.Driver}.Receivers(cfg)
		require.NoError(t, err)
		receiver := made["account"].(events.Receiver)
		handler, err := events.Handler(box.sink, events.At("/account", receiver))
		require.NoError(t, err)
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		plan, err := events.PlanWebhooks(t.Context(), c, receiver, server.URL)
		require.NoError(t, err)
		require.NoError(t, plan.Run(t.Context(), c))
	}
	kinds := map[string]events.Kind{
		"delivered": events.KindDelivered, "bounced": events.KindBounced, "soft": events.KindBounced, "complained": events.KindComplained,
		"opened": events.KindOpened, "clicked": events.KindClicked, "unsubscribed": events.KindUnsubscribed,
	}
	if caps.Level(feature.EventsWebhook) == provider.LevelLimited {
		maps.DeleteFunc(kinds, func(word string, _ events.Kind) bool { // no log has them
			return word == "opened" || word == "clicked" || word == "complained"
		})
	}
	for word := range kinds {
		require.NoError(t, v.TriggerCampaign(v.name, word, word+"@example.com"))
	}
	if caps.Level(feature.EventsWebhook) == provider.LevelNative {
		v.deliver(t)
	} else {
		_, err := events.Poll(t.Context(), c, events.FileCursor(t.TempDir()), box.sink)
		require.NoError(t, err)
	}
	for word, kind := range kinds {
		found := box.of(kind, word+"@example.com")
		require.Len(t, found, 1, "%s of %s", kind, word)
		e := found[0]
		assert.Equal(t, provider.ScopeMarketing, e.Scope, word)
		assert.NotEmpty(t, e.CampaignID, word)
		assert.Empty(t, e.MessageID, word)
		stop, stops := e.Suppression()
		assert.Equal(t, slices.Contains([]string{"bounced", "complained", "unsubscribed"}, word), stops, word)
		if kind == events.KindUnsubscribed {
			assert.Equal(t, provider.ScopeMarketing, stop.Scope)
		}
		switch word {
		case "bounced":
			assert.Equal(t, events.BounceHard, e.Bounce)
		case "soft":
			assert.Equal(t, events.BounceSoft, e.Bounce)
		}
	}
}

// twoAccounts gives two accounts of a provider one handler: each has its own secret, path and
// name.
func (h Harness) twoAccounts(t *testing.T, caps provider.Capabilities) {
	if !caps.Can(feature.EventsWebhook) {
		t.Skip("no webhooks")
	}
	v := h.start(t)
	cfg := v.config(func(a provider.AccountConfig) { a["webhook_secret"] = hookSecret })
	const another = "another-secret-0123456789"
	cfg.Providers["second"] = cfg.Providers["account"].With("webhook_secret", another)
	accounts, err := events.FromConfig(provider.Registry{h.Driver}, cfg)
	require.NoError(t, err)
	box := &inbox{}
	handler, err := events.Handler(box.sink, accounts)
	require.NoError(t, err)
	made, err := provider.Registry{h.Driver}.Receivers(cfg)
	require.NoError(t, err)
	path := ""
	if stream := streamOf(made["account"].(events.Receiver)); stream != "" {
		path = "/" + stream
	}
	for i, row := range []struct {
		account, secret string
		status          int
	}{{"account", hookSecret, 200}, {"second", another, 200}, {"account", another, 401}, {"second", hookSecret, 401}} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/"+row.account+path+"/"+row.secret, strings.NewReader(`{"event":"a word of its own"}`))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		assert.Equal(t, row.status, w.Code, "request %d", i)
	}
	require.Len(t, box.kept, 2)
	for key, e := range box.kept {
		assert.True(t, strings.HasPrefix(key, e.Account+"/"))
		assert.Contains(t, []string{"account", "second"}, e.Account)
	}
}

// watchEvents looks receipts up until they change no more.
func (h Harness) watchEvents(t *testing.T, caps provider.Capabilities) {
	v := h.start(t)
	c := v.open(t, nil)
	if !caps.Can(feature.EventsWatch) {
		_, err := events.Watch(t.Context(), c, []events.Watched{{Receipt: provider.ReceiptFor("", "1")}}, nil)
		assert.ErrorIs(t, err, provider.ErrUnsupported)
		v.noRequests(t)
		return
	}
	r, err := c.Send(t.Context(), h.baseline())
	require.NoError(t, err)
	v.Advance(time.Hour)
	box := &inbox{}
	list, err := events.Watch(t.Context(), c, []events.Watched{{Receipt: r}}, box.sink)
	require.NoError(t, err)
	require.Len(t, box.kept, 1)
	for _, e := range box.kept {
		assert.Equal(t, events.SourceStatus, e.Source)
		assert.Equal(t, events.AtReceived, e.AtBasis)
		assert.True(t, caps.Can(feature.EventsMessageID))
		ids := []string{r.MessageID}
		for _, p := range r.Recipients {
			ids = append(ids, p.MessageID)
		}
		assert.NotEmpty(t, e.MessageID)
		assert.Contains(t, ids, e.MessageID, "that of the receipt")
	}
	assert.False(t, list[0].Due.IsZero())
	requests := len(v.Requests(v.name))
	list, err = events.Watch(t.Context(), c, list, box.sink)
	require.NoError(t, err)
	assert.Len(t, v.Requests(v.name), requests, "not due")
	list[0].Due = time.Time{}
	_, err = events.Watch(t.Context(), c, list, box.sink)
	require.NoError(t, err)
	assert.Len(t, box.kept, 1, "nothing has changed")
	h.watchMany(t, v, c)
}

// watchMany looks several mails up, in one request where the adapter can, and one that the
// provider does not know.
func (h Harness) watchMany(t *testing.T, v *vendor, c *provider.Client) {
	var list []events.Watched
	for range 3 {
		r, err := c.Send(t.Context(), h.baseline())
		require.NoError(t, err)
		list = append(list, events.Watched{Receipt: r})
	}
	v.Advance(time.Hour)
	together := false
	require.NoError(t, c.Call(t.Context(), "status", nil, func(_ context.Context, a provider.Adapter) error {
		_, together = a.(events.StatusBatcher)
		return nil
	}))
	foreign := provider.ReceiptFor("of-another-account", list[0].Receipt.MessageID)
	unknown := provider.ReceiptFor("", "no-such-mail")
	list = append(list, events.Watched{Receipt: foreign}, events.Watched{Receipt: unknown})
	_, err := c.Status(t.Context(), list[0].Receipt) // with a token that is not too old
	require.NoError(t, err)
	box := &inbox{}
	before := len(v.Requests(v.name))
	got, err := events.Watch(t.Context(), c, list, box.sink)
	assert.Error(t, err, "of the account and of the id")
	require.Len(t, got, len(list))
	requests := len(v.Requests(v.name)) - before
	if together {
		assert.Equal(t, 1, requests)
	} else {
		assert.GreaterOrEqual(t, requests, 3)
	}
	assert.Len(t, box.kept, 3)
	for i, w := range got {
		assert.Equal(t, i < 3, !w.Due.IsZero(), "the others stay due")
	}
	plain, err := c.Status(t.Context(), list[0].Receipt)
	require.NoError(t, err)
	for _, e := range box.of(kindOfState[plain.State], "anna@example.com") {
		assert.Equal(t, string(plain.State), e.VendorEvent)
	}
	assert.NotEmpty(t, box.of(kindOfState[plain.State], "anna@example.com"), "as a look-up alone tells it")
}

var kindOfState = map[provider.State]events.Kind{
	provider.StateAccepted: events.KindSent, provider.StateDelivered: events.KindDelivered,
}
