package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/provider"
)

// What becomes of a mail at a fake: the words of the sandbox, for which each fake has
// those of its vendor.
const (
	wasQueued       = "queued"
	wasDelivered    = "delivered"
	wasDeferred     = "deferred"
	wasSoft         = "soft"
	wasBounced      = "bounced"
	wasBlocked      = "blocked"
	wasInvalid      = "invalid"
	wasFailed       = "failed"
	wasComplained   = "complained"
	wasOpened       = "opened"
	wasLoaded       = "loaded" // opened by a machine
	wasClicked      = "clicked"
	wasUnsubscribed = "unsubscribed"
)

// fates are what becomes of mail to an address, by its local part, which may have a suffix
// behind a plus sign. Every other address gets its mail.
var fates = map[string][]string{
	"bounce":    {wasBounced},
	"soft":      {wasSoft},
	"defer":     {wasDeferred},
	"block":     {wasBlocked},
	"invalid":   {wasInvalid},
	"error":     {wasFailed},
	"complain":  {wasDelivered, wasComplained},
	"open":      {wasDelivered, wasOpened},
	"proxyopen": {wasDelivered, wasLoaded},
	"click":     {wasDelivered, wasOpened, wasClicked},
	"unsub":     {wasDelivered, wasUnsubscribed},
}

// clickedLink is the link that is followed, unless the mail has one.
const clickedLink = "https://shop.example/order"

// happening is an event of a mail at a fake.
type happening struct {
	m     *mail
	email string
	what  string
	first bool // of its kind, for this mail and address
	at    time.Time
}

// happen tells what becomes of the mails that have gone out since the last time. It is
// called before each request, so what is blocked later changes nothing.
func (st *store) happen() {
	rest := st.pending[:0]
	for _, m := range st.pending {
		if m.Withdrawn {
			continue
		}
		if !st.due(m) {
			rest = append(rest, m)
			continue
		}
		at := m.goesOut()
		for _, email := range m.recipients() {
			chain := []string{wasQueued, st.droppedAs}
			if !m.Dropped {
				chain = append([]string{wasQueued}, st.chain(m.From.Email, email)...)
			}
			for i, what := range chain {
				st.add(&happening{m: m, email: email, what: what, at: at.Add(time.Duration(i) * time.Second)})
			}
		}
	}
	clear(st.pending[len(rest):])
	st.pending = rest
}

// chain is what becomes of mail to an address.
func (st *store) chain(from, to string) []string {
	if st.fate(from, to) == "blocked" {
		return []string{wasBlocked}
	}
	local, _, _ := strings.Cut(to, "@")
	local, _, _ = strings.Cut(local, "+")
	if chain := fates[strings.ToLower(local)]; chain != nil {
		return chain
	}
	return []string{wasDelivered}
}

// add notes an event and what it does, and queues the calls for it.
func (st *store) add(h *happening) {
	h.first = !slices.ContainsFunc(h.m.happened, func(o *happening) bool { return o.what == h.what && o.email == h.email })
	h.m.happened = append(h.m.happened, h)
	stop := provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional}
	if h.m.campaign {
		stop.Scope = provider.ScopeMarketing
	}
	switch h.what {
	case wasComplained:
		stop.Reason = provider.Reason(provider.StatusComplained)
		st.block(h.email, stop)
	case wasUnsubscribed:
		stop.Reason = provider.Reason(provider.StatusUnsubscribed)
		st.block(h.email, stop)
	}
	for _, hook := range st.hooks {
		if st.wants(hook, h) {
			for range 1 + st.server.hooks.Duplicate {
				st.queue = append(st.queue, &push{hook: hook, event: h, due: st.now().Add(st.server.hooks.Late)})
			}
		}
	}
}

// wants reports whether a webhook is told of an event.
func (st *store) wants(hook *hook, h *happening) bool {
	f, ok := st.server.states[st.name]
	if !ok {
		return false
	}
	p, ok := f.fake.(pusher)
	return ok && p.told(hook, h) != nil
}

// hook is a registered webhook.
type hook struct {
	id                int64
	url, typ, about   string
	words             []string // as the vendor registers them; nil means all
	bearer            string
	headers           map[string]string
	batched           bool
	created, modified time.Time
}

// push is an event on its way to a webhook.
type push struct {
	hook  *hook
	event *happening
	tries int
	due   time.Time
	// As Hooks, for this one.
	shuffle bool
	batch   int
}

// pusher is a fake that calls webhooks.
type pusher interface {
	// told is the event as the vendor writes it, nil when the webhook is not told of it.
	told(*hook, *happening) map[string]any
	// most is how many events a call has; 0 is one that is no list.
	most(*hook) int
	// again is after what time a call is repeated that got this status, 0 for no answer, at
	// its n-th try; ok is false when the vendor gives up.
	again(status, n int) (after time.Duration, ok bool)
}

// Hooks is how badly webhooks behave. Vendors do all of this.
type Hooks struct {
	Duplicate int           // times that each event is told once more
	Shuffle   bool          // the order is any
	Batch     int           // events in a list at most, in place of the vendor's number; 0 changes nothing
	Late      time.Duration // how long after it happened an event is told
}

// SetHooks makes webhooks behave badly, for what happens from now on.
func (s *Server) SetHooks(h Hooks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = h
}

// AddWebhook registers a webhook as a person does on the pages of a vendor: at SendPulse
// for the stream "smtp", at new.pakat.net for opens and clicks, elsewhere for all events. The
// address must be on loopback.
func (s *Server) AddWebhook(provider, stream, address string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state(provider)
	if _, ok := st.fake.(pusher); !ok {
		return fmt.Errorf("sandbox: %s has no webhooks", provider)
	}
	if provider == "sendpulse" && stream != smtpStream {
		return fmt.Errorf("sandbox: sendpulse: expected the stream %s; the others are registered by calls", smtpStream)
	}
	if !loopbackURL(address) {
		return fmt.Errorf("sandbox: webhooks go to loopback addresses only, not to %q", address)
	}
	st.store.addHook(&hook{url: address, typ: stream})
	return nil
}

func (st *store) addHook(h *hook) *hook {
	h.id, h.created, h.modified = st.nextID(), st.now(), st.now()
	st.hooks = append(st.hooks, h)
	st.server.touch()
	return h
}

// hook finds a webhook; nil when there is none.
func (st *store) hook(id string) *hook {
	for _, h := range st.hooks {
		if fmt.Sprint(h.id) == id {
			return h
		}
	}
	return nil
}

func (st *store) deleteHook(h *hook) {
	st.hooks = slices.DeleteFunc(st.hooks, func(o *hook) bool { return o == h })
	st.queue = slices.DeleteFunc(st.queue, func(p *push) bool { return p.hook == h })
	st.server.touch()
}

// loopbackURL reports whether the fakes may call an address: nothing else of a network is
// reached through them.
func loopbackURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && vendorurl.LoopbackHost(u.Hostname())
}

// Trigger makes an event happen to the newest mail to an address, and makes such a mail
// when there is none. The kinds are queued, delivered, deferred, soft, bounced, blocked,
// invalid, failed, complained, opened, loaded (by a machine), clicked and unsubscribed.
// new.pakat.net tells none of them of single mail; there it is TriggerCampaign.
func (s *Server) Trigger(name, kind, email string) error {
	return s.trigger(trigger{Provider: name, Kind: kind, Email: email})
}

// TriggerCampaign makes an event happen to the mail of a campaign to an address. Each fake
// has one such campaign, which has gone out; SMS.by has none.
func (s *Server) TriggerCampaign(name, kind, email string) error {
	return s.trigger(trigger{Provider: name, Kind: kind, Email: email, Campaign: true})
}

// triggered is the number of the campaign of TriggerCampaign.
const triggered = 33

// campaigner is a fake that lists the campaign.
type campaigner interface{ addTriggered() }

// trigger says what is to happen, and how badly it is told.
type trigger struct {
	Provider string `json:"provider"`
	Kind     string `json:"kind"`
	Email    string `json:"email"`
	Times    int    `json:"times"` // 0 is once
	Campaign bool   `json:"campaign"`
	Shuffle  bool   `json:"shuffle"`
	Batch    int    `json:"batch"`
}

func (s *Server) trigger(in trigger) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, kind, email, campaign := in.Provider, in.Kind, in.Email, in.Campaign || in.Provider == "pakat"
	st, ok := s.states[name]
	switch {
	case !ok:
		return fmt.Errorf("sandbox: no provider is called %q; there are %s", name, strings.Join(Providers(), ", "))
	case campaign && name == "smsby":
		return errors.New("sandbox: smsby tells nothing of campaigns")
	case !slices.Contains(Kinds(), kind):
		return fmt.Errorf("sandbox: no event is called %q; there are %s", kind, strings.Join(Kinds(), ", "))
	}
	st.store.happen()
	if f, ok := st.fake.(campaigner); ok && campaign {
		f.addTriggered()
	}
	var m *mail
	for _, old := range newestFirst(st.store.mails.items) {
		if old.campaign == campaign && slices.ContainsFunc(old.recipients(), func(to string) bool { return sameEmail(to, email) }) && st.store.due(old) {
			m = old
			break
		}
	}
	if m == nil {
		m = st.store.addMail(Mail{From: defaultFrom, To: []provider.Address{{Email: email}}, Subject: "Made by a trigger", Text: "x", ID: st.mailID()})
		m.campaign = campaign
		st.store.pending = slices.DeleteFunc(st.store.pending, func(p *mail) bool { return p == m })
	}
	waiting := len(st.store.queue)
	for i := range max(in.Times, 1) {
		st.store.add(&happening{m: m, email: email, what: kind, at: s.now().Add(time.Duration(i) * time.Second)})
	}
	for _, p := range st.store.queue[waiting:] {
		p.shuffle, p.batch = in.Shuffle, in.Batch
	}
	s.wake()
	return nil
}

// mailID is an id as the vendor makes them; empty for the usual one.
func (st *state) mailID() string {
	if f, ok := st.fake.(interface{ messageIDs(int) []string }); ok {
		return f.messageIDs(1)[0]
	}
	if f, ok := st.fake.(interface{ messageID() string }); ok {
		return f.messageID()
	}
	return ""
}

// Kinds are the kinds of events for Trigger.
func Kinds() []string {
	return []string{
		wasQueued, wasDelivered, wasDeferred, wasSoft, wasBounced, wasBlocked, wasInvalid, wasFailed, wasComplained,
		wasOpened, wasLoaded, wasClicked, wasUnsubscribed,
	}
}

// hookClient calls webhooks. It follows no redirects, which would lead away from loopback.
var hookClient = &http.Client{
	Timeout:       5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{DisableKeepAlives: true},
}

// DeliverEvents calls the webhooks that are due, each call once, and returns how many
// events were taken. What a vendor repeats is due again after Advance; what it drops is
// dropped. The error is that of ctx.
func (s *Server) DeliverEvents(ctx context.Context) (taken int, err error) {
	for _, name := range Providers() {
		for _, c := range s.due(name) {
			if ctx.Err() != nil {
				s.ended(name, c, 0)
				continue
			}
			status := c.do(ctx)
			s.ended(name, c, status)
			if status/100 == 2 {
				taken += len(c.parts)
			}
		}
	}
	return taken, ctx.Err()
}

// Undelivered is how many events wait for a call to a webhook, now or later.
func (s *Server) Undelivered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, st := range s.states {
		n += len(st.store.queue)
	}
	return n
}

// hookCall is one call.
type hookCall struct {
	hook  hook
	parts []*push
	body  []byte
}

// due takes what is due out of the queue of a provider.
func (s *Server) due(name string) []*hookCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state(name)
	p, ok := st.fake.(pusher)
	if !ok {
		return nil
	}
	st.store.happen()
	var now, later []*push
	for _, e := range st.store.queue {
		if e.due.After(s.now()) {
			later = append(later, e)
		} else {
			now = append(now, e)
		}
	}
	st.store.queue = later
	s.shuffle(now)
	var out []*hookCall
	for _, hook := range st.store.hooks {
		own := slices.DeleteFunc(slices.Clone(now), func(e *push) bool { return e.hook != hook })
		most := p.most(hook)
		for len(own) > 0 {
			size := 1
			if most > 0 {
				size = cmp.Or(own[0].batch, s.hooks.Batch, most)
			}
			part := own[:min(size, len(own))]
			own = own[len(part):]
			c := &hookCall{hook: *hook, parts: part}
			rows := make([]any, len(part))
			for i, e := range part {
				rows[i] = p.told(hook, e.event)
			}
			var body any = rows
			if most == 0 {
				body = rows[0]
			}
			c.body, _ = json.Marshal(body) // maps of texts and numbers
			out = append(out, c)
		}
	}
	return out
}

// shuffle brings what is to be told in any order; s.mu is held.
func (s *Server) shuffle(all []*push) {
	var places []int
	for i, p := range all {
		if p.shuffle || s.hooks.Shuffle {
			places = append(places, i)
		}
	}
	random := rand.New(rand.NewPCG(1, uint64(len(places)))) // the same each time
	random.Shuffle(len(places), func(i, j int) {
		i, j = places[i], places[j]
		all[i], all[j] = all[j], all[i]
	})
}

// do makes the call and returns the status, 0 without an answer.
func (c *hookCall) do(ctx context.Context) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.hook.url, bytes.NewReader(c.body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range c.hook.headers {
		req.Header.Set(name, value)
	}
	if c.hook.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.hook.bearer)
	}
	resp, err := hookClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode
}

// ended puts what is repeated back into the queue.
func (s *Server) ended(name string, c *hookCall, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state(name)
	d := delivery{
		Provider: name, Webhook: c.hook.id, URL: c.hook.place(), At: s.now(), Status: status, Count: len(c.parts), Outcome: callTaken,
	}
	for _, e := range c.parts[:min(len(c.parts), maxTold)] {
		d.Events = append(d.Events, toldEvent{Kind: e.event.what, Email: e.event.email, Campaign: e.event.m.campaign})
	}
	for _, e := range c.parts {
		e.tries++
		d.Try = max(d.Try, e.tries)
		if status/100 == 2 {
			continue
		}
		after, again := st.fake.(pusher).again(status, e.tries)
		if again && st.store.hook(fmt.Sprint(e.hook.id)) == e.hook {
			e.due = s.now().Add(after)
			st.store.queue = append(st.store.queue, e)
			d.Outcome, d.Again = callAgain, e.due
		} else if d.Outcome != callAgain {
			d.Outcome = callDropped
		}
	}
	s.deliver(d)
}

// Push makes the fakes call webhooks by themselves, right after each request and each
// Trigger, instead of in DeliverEvents.
func Push() Option { return func(s *Server) { s.push = make(chan struct{}, 1) } }

// pushes calls webhooks whenever something may have happened, until the server closes.
func (s *Server) pushes(ctx context.Context) {
	defer close(s.pushed)
	tick := time.NewTicker(time.Second) // scheduled mail, and repeats
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.push:
		case <-tick.C:
		}
		_, _ = s.DeliverEvents(ctx) // what is not taken stays in the queue
	}
}

// wake tells pushes that something may have happened.
func (s *Server) wake() {
	if s.push == nil {
		return
	}
	select {
	case s.push <- struct{}{}:
	default:
	}
}
