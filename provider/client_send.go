package provider

import (
	"context"
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
	prepare, deliver := c.prepare, c.deliver
	if _, ok := c.adapter.(router); ok {
		prepare, deliver = c.prepareRoute, c.deliverRoute
	}
	m, notes, err := prepare(m, began)
	if err != nil {
		return nil, err
	}
	r, err := c.guarded(ctx, m, deliver)
	return c.withNotes(r, notes, err), err
}

// deliverRoute hands a prepared message to the route.
func (c *Client) deliverRoute(ctx context.Context, m *Message, _ *Receipt) (*Receipt, error) {
	return c.adapter.Send(ctx, m)
}

// Accepts returns the error with which Send would refuse m here, before any
// request: a wrong field, an alias or a feature that this account does not have.
// Its Elsewhere says whether the reason lies with the account. nil says nothing
// about what the provider will answer.
func (c *Client) Accepts(m *Message) error {
	if m == nil {
		return asError(Invalid("", "expected a message"), c.provider, c.account, opSend)
	}
	var err error
	if route, ok := c.adapter.(router); ok {
		if m, _, err = c.prepareRoute(m, time.Now()); err == nil {
			err = route.Accepts(m)
		}
	} else {
		_, _, err = c.prepare(m, time.Now())
	}
	return asError(err, c.provider, c.account, opSend)
}

// prepare returns m as the adapter gets it: defaults filled in, aliases
// resolved, checked, and with the policy applied. began is when the run began.
func (c *Client) prepare(m *Message, began time.Time) (*Message, []Note, error) {
	m = c.copied(m)
	notes, err := m.settleTime(began)
	if err != nil {
		return nil, nil, err
	}
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
	applied, err := c.apply(m)
	if err != nil {
		return nil, nil, err
	}
	notes = append(notes, applied...)
	if m.Template, err = idOf("template", c.aliases.templates, m.Template); err != nil {
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
			notes = append(notes, Note{Field: fieldOf(f), Action: NoteDropped, Why: "policy: " + c.provider + " has no " + string(f)})
		case f == featureTextOnly:
			htmlFromText(m)
			notes = append(notes, Note{Field: "html", Action: NoteEmulated, Why: "policy: made from text, which " + c.provider + " cannot send alone"})
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
func (c *Client) prepareRoute(m *Message, began time.Time) (*Message, []Note, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, err
	}
	m = m.Clone()
	notes, err := m.settleTime(began)
	if err != nil {
		return nil, nil, err
	}
	moved, err := c.staging.apply(m)
	return m, append(notes, moved...), err
}

// sendAtSlack is how far in the past a time to send at may be, for clocks that
// differ and for a request that was made from one before.
const sendAtSlack = time.Minute

// settleTime refuses a time to send at that had passed when the run began, and takes
// one out that has passed meanwhile: providers differ in what they make of it.
func (m *Message) settleTime(began time.Time) ([]Note, error) {
	switch at := m.SendAt; {
	case at.IsZero():
		return nil, nil
	case at.Before(began.Add(-sendAtSlack)):
		return nil, Invalid("send_at", "expected a time in the future, got %s, which is %s ago; leave it out to send now",
			at.Format(time.RFC3339), began.Sub(at).Round(time.Second))
	case at.After(time.Now()):
		return nil, nil
	}
	m.SendAt = time.Time{}
	return []Note{{Field: "send_at", Action: NoteConverted, Why: "the time has just passed: the mail goes out at once"}}, nil
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
