package provider

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/pin"
	"github.com/postmux/postmux/internal/text"
)

// Send checks m and hands it to the provider. Nothing is dropped in silence: a
// field that the provider cannot express is an error before any request, unless the
// account's policy allows to drop or emulate it; Receipt.Notes then name it.
//
// The Receipt is non-nil whenever a request may have left, also together with an
// error. When the error is ErrOutcomeUnknown, or its Outcome is OutcomeMaybeSent,
// the mail may have been sent: do not send it again without a key. Accepted does
// not mean delivered. With ErrDryRun the Receipt has only notes and no state.
func (c *Client) Send(ctx context.Context, m *Message) (*Receipt, error) {
	return c.sendSince(ctx, m, time.Now())
}

// sendSince is Send for a message of a run that began at that time.
func (c *Client) sendSince(ctx context.Context, m *Message, began time.Time) (*Receipt, error) {
	ctx, start, err := c.begin(ctx, opSend)
	var r *Receipt
	if err == nil {
		r, err = c.send(ctx, m, began)
	}
	if err != nil {
		err = asError(err, c.provider, c.account, opSend)
	}
	c.end(ctx, opSend, start, r, err)
	return r, err
}

func (c *Client) send(ctx context.Context, m *Message, began time.Time) (*Receipt, error) {
	if m == nil {
		return nil, Invalid("", "expected a message")
	}
	given, prepare := m, c.prepare
	if _, ok := c.adapter.(router); ok {
		prepare = c.prepareRoute
	}
	m, notes, err := prepare(m, began)
	if err != nil {
		return nil, err
	}
	held := heldBy(ctx, given)
	key := m.IdempotencyKey
	if held != nil {
		key = held.key
	}
	var r *Receipt
	if held == nil && c.guard != nil && key != "" {
		r, err = c.guarded(ctx, given, m, delivery{
			send:  func(ctx context.Context, cl *claim) (*Receipt, error) { return c.pass(ctx, m, cl) },
			mails: func(account string) []*Message { return c.mailsAt(m, account) },
		})
	} else {
		r, err = c.pass(ctx, m, held)
	}
	if r != nil && key != "" {
		r.IdempotencyKey = key // an adapter returns it in its provider's form
	}
	return c.withNotes(r, notes, err), err
}

// pass hands a prepared message to the adapter. Under a claim the Clients behind a
// route have no guard to ask: they get the message without its key, so that one whose
// provider has no keys takes it too.
func (c *Client) pass(ctx context.Context, m *Message, cl *claim) (*Receipt, error) {
	route, ok := c.adapter.(router)
	switch {
	case !ok && cl == nil:
		return c.deliver(ctx, m, nil)
	case !ok:
		m.IdempotencyKey = c.ownKey(cl.namespace, cl.key)
		return c.deliver(ctx, m, cl.known)
	case cl == nil:
		return c.adapter.Send(ctx, m)
	}
	m.IdempotencyKey = ""
	ctx = cl.hold(ctx, m)
	if cl.account == "" {
		return c.adapter.Send(ctx, m)
	}
	member := route.Member(cl.account)
	if member == nil {
		return nil, Invalid(keyField, "the route has no account %q", text.Clip(cl.account))
	}
	if name := pin.Of(ctx); name != "" && !member.leads(cl.account, name) {
		return nil, Invalid(
			keyField, "the earlier send under this key went through %q, and this one is to go through %q",
			text.Clip(cl.account), text.Clip(name),
		)
	}
	return member.Send(pin.Without(ctx), m)
}

// mailsAt returns the mails that the account makes of a prepared message where it
// sends one for each recipient, else nil.
func (c *Client) mailsAt(m *Message, account string) []*Message {
	sender := c.sender(account)
	if sender == nil {
		return nil
	}
	if sender != c {
		var err error
		if m, _, err = sender.prepare(m, time.Now()); err != nil {
			return nil
		}
	}
	return sender.mailsOf(m)
}

// Accepts returns the error with which Send would refuse m here, before any
// request: a wrong field, an alias or a feature that this account does not have.
// Its Elsewhere reports whether another account may take the message. nil does not
// promise that the provider accepts m.
func (c *Client) Accepts(m *Message) error {
	if m == nil {
		return asError(Invalid("", "expected a message"), c.provider, c.account, opSend)
	}
	var err error
	if route, ok := c.adapter.(router); ok {
		if m, _, err = c.prepareRoute(m, time.Now()); err == nil {
			if c.guard != nil {
				m.IdempotencyKey = "" // the guard serves it, whatever the members have
			}
			err = route.Accepts(m)
		}
	} else {
		_, _, err = c.prepare(m, time.Now())
	}
	return asError(err, c.provider, c.account, opSend)
}

// prepare returns m for the adapter: with defaults filled in, aliases resolved,
// checked, and with the policy applied. began
// is the start of the run.
func (c *Client) prepare(m *Message, began time.Time) (*Message, []Note, error) {
	m = c.copied(m)
	notes, err := m.dropPastTime(began)
	if err != nil {
		return nil, nil, err
	}
	notes = append(notes, m.convert()...)
	if m.From.Email == "" {
		name := m.From.Name
		m.From = c.from
		if name != "" {
			m.From.Name = name // the message names its sender; the account lends the address
		}
	}
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	if m.From.Email == "" && m.Template.IsZero() {
		return nil, nil, ofAccount(
			Invalid("from", "expected a sender, in the message or as the account's setting"),
		)
	}
	applied, err := c.apply(m)
	if err != nil {
		return nil, nil, err
	}
	notes = append(notes, applied...)
	if m.Template, err = idOf("template", c.aliases.templates, m.Template); err != nil {
		return nil, nil, err
	}
	if len(m.Attachments) == 0 && m.HTML == "" && m.Text == "" && m.Template.IsZero() && len(m.Recipients) == 0 {
		return nil, nil, ofAccount(Invalid("html", "the policy drops all content of the message"))
	}
	// Last, so that a test system gets the same errors as production.
	moved, err := c.staging.apply(m)
	if err != nil {
		return nil, nil, err
	}
	return m, append(notes, moved...), nil
}

// copied returns a copy of m that prepare may change. Slices and maps are copied where
// they are changed, or here where the staging settings may change them.
func (c *Client) copied(m *Message) *Message {
	if c.staging.redirectTo != "" {
		return m.Clone()
	}
	own := *m
	return &own
}

// apply compares m with the provider's capabilities. Features that are missing are
// dropped or emulated by default or as the policy says, and otherwise listed in one
// error.
func (c *Client) apply(m *Message) ([]Note, error) {
	var notes []Note
	var missing []Feature
	var room [featureRoom]Feature
	for _, f := range m.needs(room[:0]) {
		if level := c.caps.Level(f); level == LevelNative || level == LevelLimited {
			continue
		}
		if len(notes) > 0 && !slices.Contains(m.needs(nil), f) {
			continue // dropped together with an earlier feature
		}
		note, ok, err := c.without(m, f)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			missing = append(missing, f)
		case note != Note{}:
			notes = append(notes, note)
		}
	}
	if len(missing) > 0 {
		return nil, c.unsupported(missing...)
	}
	return notes, nil
}

// without emulates or drops f, which the provider does not have, and reports whether it may.
func (c *Client) without(m *Message, f Feature) (note Note, ok bool, err error) {
	action, named := c.policy.action(f)
	why := func(what string) string {
		if named {
			return "policy: " + what
		}
		return what
	}
	switch row := rowOf(f); {
	case action == ActionDrop || action == actionSendNow:
		row.drop(m)
		note = Note{Field: fieldOf(f), Action: NoteDropped, Why: why(c.provider + " has no " + string(f))}
		if action == actionSendNow {
			note.Why += "; the mail goes out at once"
		}
		return note, true, nil
	case !c.allows(f):
		return Note{}, false, nil
	case f == featureRecipients && !named && len(m.Recipients) > maxCallsByDefault:
		return Note{}, false, Unsupported(
			f, "%s needs one call for each of %d recipients, and one message may become %d calls at most; send them "+
				"with Client.SendBatch, which reports each, or allow it by a policy: %q",
			c.provider, len(m.Recipients), maxCallsByDefault, string(f)+": "+string(ActionEmulate),
		)
	case row.emulate != nil:
		how, ok := row.emulate(m, c.provider)
		return Note{Field: emulatedField(f), Action: NoteEmulated, Why: why(how)}, ok, nil
	}
	return Note{}, true, nil // the Client or the adapter does it, and tells
}

// rowOf returns the row of a feature of a message.
func rowOf(f Feature) use[Message] {
	for _, row := range messageFields {
		for _, u := range row.uses {
			if u.feature == f {
				return u
			}
		}
	}
	return use[Message]{}
}

// prepareRoute is prepare for a route, whose members prepare the message by their
// own settings.
func (c *Client) prepareRoute(m *Message, began time.Time) (*Message, []Note, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	m = m.Clone()
	notes, err := m.dropPastTime(began)
	if err != nil {
		return nil, nil, err
	}
	moved, err := c.staging.apply(m)
	return m, append(notes, moved...), err
}

// sendAtSlack is how far in the past a time to send at may be, for clocks that
// differ and for a request that was made from one before.
const sendAtSlack = time.Minute

// dropPastTime refuses a time to send at that had passed when the run began, and takes
// one out that has passed meanwhile: providers differ in what they make of it.
func (m *Message) dropPastTime(began time.Time) ([]Note, error) {
	switch at := m.SendAt; {
	case at.IsZero():
		return nil, nil
	case at.Before(began.Add(-sendAtSlack)):
		return nil, Invalid("send_at", "expected a time in the future, got %s, which is %s; leave it out to send now",
			at.Format(time.RFC3339), text.Age(began.Sub(at)))
	case at.After(time.Now()):
		return nil, nil
	}
	m.SendAt = time.Time{}
	return []Note{{Field: "send_at", Action: NoteConverted, Why: "the time has just passed: the mail goes out at once"}}, nil
}

// fieldOf returns the JSON name of the field that a feature of a message concerns.
func fieldOf(f Feature) string {
	return strings.TrimPrefix(strings.TrimSuffix(string(f), ".many"), "message.")
}

// emulatedField is the field in which the emulation of f shows.
func emulatedField(f Feature) string {
	if f == featureTextOnly {
		return "html"
	}
	return fieldOf(f)
}
