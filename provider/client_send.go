package provider

import (
	"context"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"
)

// Send checks m and hands it to the provider. Nothing is dropped in silence: a
// field the provider cannot express is an error before any request, unless the
// account's policy says otherwise, and then Receipt.Notes tell it.
//
// The Receipt is non-nil whenever a request may have left, also beside an
// error. When the error is ErrOutcomeUnknown, or its Outcome is MaybeSent, the
// mail may be on its way: do not send it again without a key. An accepted mail
// is not a delivered one. Beside ErrDryRun the Receipt has no state and tells
// the notes only.
func (c *Client) Send(ctx context.Context, m *Message) (*Receipt, error) {
	var state State
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var start time.Time
	if c.hooks.OnResult != nil {
		start = time.Now()
	}
	r, err := c.send(ctx, m)
	if r != nil {
		state = r.State
	}
	err = asError(err, c.provider, c.account, "send")
	if c.hooks.OnResult != nil {
		c.observe(ctx, ResultEvent{Op: "send", State: state, Err: err, Took: time.Since(start)})
	}
	return r, err
}

func (c *Client) send(ctx context.Context, m *Message) (*Receipt, error) {
	if m == nil {
		return nil, Invalid("", "expected a message")
	}
	if _, ok := c.adapter.(Router); ok {
		m, notes, err := c.prepareRoute(m)
		if err != nil {
			return nil, err
		}
		r, err := c.guarded(ctx, m, func(ctx context.Context, m *Message, _ *Receipt) (*Receipt, error) { return c.adapter.Send(ctx, m) })
		if r != nil {
			r.Notes = append(notes, r.Notes...)
		}
		return r, err
	}
	m, notes, err := c.prepare(m)
	if err != nil {
		return nil, err
	}
	r, err := c.guarded(ctx, m, c.deliver)
	if r == nil && errors.Is(err, ErrDryRun) {
		r = &Receipt{Provider: c.provider, Account: c.account}
	}
	if r != nil {
		r.Notes = append(notes, r.Notes...)
	}
	return r, err
}

// deliver sends a prepared message in one call, or in one for each recipient,
// but for those that known says are sent to or in doubt.
func (c *Client) deliver(ctx context.Context, m *Message, known *Receipt) (*Receipt, error) {
	if c.caps.Level(featureIdempotencyKey) == LevelEmulated {
		m = m.Clone()
		m.IdempotencyKey = "" // served on this side; the adapter has no place for it
	}
	mails := c.each(m)
	if mails == nil {
		return c.sendOne(ctx, m)
	}
	r, err := c.sendEach(ctx, m, mails, known)
	note := Note{"to", "emulated", fmt.Sprintf("%d mails, one for each recipient, who do not see each other", len(mails))}
	if len(m.Recipients) > 0 {
		note = Note{"recipients", "emulated", fmt.Sprintf("%d mails, one call each", len(mails))}
	}
	if r == nil && errors.Is(err, ErrDryRun) {
		r = &Receipt{Provider: c.provider, Account: c.account}
	}
	if r != nil {
		r.Notes = append([]Note{note}, r.Notes...)
	}
	return r, err
}

// Accepts returns the error with which Send would refuse m here, before any
// request: a wrong field, an alias or a feature that this account does not have.
// Its Elsewhere says whether the reason lies with the account. nil says nothing
// about what the provider will answer.
func (c *Client) Accepts(m *Message) error {
	if m == nil {
		return asError(Invalid("", "expected a message"), c.provider, c.account, "send")
	}
	var err error
	if route, ok := c.adapter.(Router); ok {
		if m, _, err = c.prepareRoute(m); err == nil {
			err = route.Accepts(m)
		}
	} else {
		_, _, err = c.prepare(m)
	}
	return asError(err, c.provider, c.account, "send")
}

// prepare returns m as the adapter gets it: defaults filled in, aliases
// resolved, checked, and with the policy applied.
func (c *Client) prepare(m *Message) (*Message, []Note, error) {
	m = c.copied(m)
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
		return nil, nil, ofAccount(Invalid("from", "expected a sender, in the message or as the account's setting"))
	}
	notes, err := c.apply(m)
	if err != nil {
		return nil, nil, err
	}
	if m.Template, err = c.aliases.id("template", c.aliases.Templates, m.Template); err != nil {
		return nil, nil, err
	}
	if len(m.Attachments) == 0 && m.HTML == "" && m.Text == "" && m.Template.IsZero() && len(m.Recipients) == 0 {
		return nil, nil, ofAccount(Invalid("html", "nothing is left of the message after the policy"))
	}
	// Last, so that a test system meets the same refusals as production.
	moved, err := c.staging.apply(m)
	if err != nil {
		return nil, nil, err
	}
	return m, append(notes, moved...), nil
}

// copied is a copy of m for prepare to change. What a policy or the staging
// settings may change is copied too; else prepare changes nothing behind the
// slices and maps, and sending ends before the caller gets them back.
func (c *Client) copied(m *Message) *Message {
	if len(c.policy) > 0 || c.staging.redirectTo != "" {
		return m.Clone()
	}
	own := *m
	return &own
}

// apply holds m against the provider's capabilities: what is not there is
// dropped or emulated where the policy says so, and an error that tells all of
// it otherwise.
func (c *Client) apply(m *Message) ([]Note, error) {
	var notes []Note
	var missing []Feature
	var room [featureRoom]Feature
	for _, f := range m.needs(room[:0]) {
		if c.caps.Can(f) || len(notes) > 0 && !slices.Contains(m.needs(nil), f) {
			continue // there, or gone with what was dropped before
		}
		action := c.policy.action(f)
		switch {
		case action == "" || action == ActionEmulate && c.caps.Level(f) != LevelEmulated:
			missing = append(missing, f)
		case action == ActionDrop:
			m.drop(f)
			notes = append(notes, Note{fieldOf(f), "dropped", "policy: " + c.provider + " has no " + string(f)})
		case f == featureTextOnly:
			htmlFromText(m)
			notes = append(notes, Note{"html", "emulated", "policy: made from text, which " + c.provider + " cannot send alone"})
		}
	}
	if len(missing) == 0 {
		return notes, nil
	}
	e := c.unsupported(missing[0])
	for _, f := range missing[1:] {
		e.Message += "; nor is " + string(f)
	}
	return nil, e
}

// prepareRoute is prepare for an account that hands mail to others, which
// prepare it by their own settings.
func (c *Client) prepareRoute(m *Message) (*Message, []Note, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	m = m.Clone()
	notes, err := c.staging.apply(m)
	return m, notes, err
}

// fieldOf is the JSON name of the field that a feature of a message is about.
func fieldOf(f Feature) string {
	return strings.TrimPrefix(strings.TrimSuffix(string(f), ".many"), "message.")
}

// htmlFromText makes an HTML body that shows the text as it is written.
func htmlFromText(m *Message) {
	make := func(plain string) string {
		if plain == "" {
			return ""
		}
		lines := strings.Split(strings.ReplaceAll(html.EscapeString(plain), "\r\n", "\n"), "\n")
		return `<div dir="auto">` + strings.Join(lines, "<br>\n") + "</div>"
	}
	m.HTML = make(m.Text)
	for i, r := range m.Recipients {
		m.Recipients[i].HTML = make(r.Text)
	}
}

// sendOne calls the adapter once and makes the Receipt complete.
func (c *Client) sendOne(ctx context.Context, m *Message) (*Receipt, error) {
	start := time.Now()
	r, err := c.adapter.Send(ctx, m)
	return c.completed(m, r, err, start)
}

// completed makes the Receipt and the error of a call complete that began at
// start: r and err are the adapter's about m.
func (c *Client) completed(m *Message, r *Receipt, err error, start time.Time) (*Receipt, error) {
	var e *Error
	if err != nil {
		err = asError(err, c.provider, c.account, "send")
		e = errorOf(err)
	}
	if e != nil && e.Kind == ErrDryRun {
		return r, err
	}
	if err != nil && e == nil || e != nil && (e.Local() || e.Kind == ErrCanceled) {
		return nil, err // nothing left
	}
	attempt := Attempt{Provider: c.provider, Account: c.account, Outcome: Sent, Error: e, TookMS: time.Since(start).Milliseconds()}
	if e != nil {
		attempt.Outcome = e.Outcome
		r = failed(m, e, r)
	} else if r.MessageID == "" && r.BatchID == "" && !slices.ContainsFunc(r.Recipients, func(x RecipientResult) bool { return x.MessageID != "" }) {
		r.Notes = append(r.Notes, Note{"message_id", "warning", "accepted, but the provider told no id"})
	}
	if e != nil && e.Outcome == Sent {
		err = nil // taken over; only the answer is of no use
	}
	r.Provider, r.Account = c.provider, c.account
	r.Attempts = append(r.Attempts, attempt)
	if len(r.unknown()) > 0 {
		r.Unsettled = traceOf(m, start)
	}
	return r, err
}

// errorOf is the *Error in err. It is a function of its own so that only a send
// which fails pays for the variable.
func errorOf(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}

// failed is the receipt beside an error. What the adapter knows (the key,
// notes) is kept.
func failed(m *Message, e *Error, known *Receipt) *Receipt {
	var r *Receipt
	switch e.Outcome {
	case Sent:
		r = Accepted(m, "", StateAccepted)
		r.Notes = []Note{{"message_id", "warning", "accepted, id unknown: " + e.Message}}
	case MaybeSent:
		r = Accepted(m, "", StateUnknown)
	default:
		r = Accepted(m, "", StateRefused)
		for i := range r.Recipients {
			r.Recipients[i].Error = e
		}
	}
	if known != nil {
		r.IdempotencyKey = known.IdempotencyKey
		r.Notes = append(known.Notes, r.Notes...)
	}
	return r
}
