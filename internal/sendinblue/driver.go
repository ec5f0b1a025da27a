package sendinblue

import (
	"context"
	"strings"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/internal/alike"
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
	"github.com/postmux/postmux/rest/flex"
)

// Driver is the part of an adapter that is the same for both vendors. An adapter
// embeds it and has methods of its own for the rest. It is safe for concurrent use.
type Driver struct {
	// Attributes are those of the account's contacts.
	Attributes Attributes

	calls   Calls
	account string
	folder  int64
	pages   Pages
}

// Pages are the sizes of pages that a vendor is asked for. Sent is 0 for a vendor that
// gives all sent mail at once.
type Pages struct{ Contacts, Members, Lists, Blocked, Sent, Events int64 }

// New returns the driver of an account. New lists are put in the folder; 0 means
// that none is set.
func New(calls Calls, account string, folder int64, pages Pages) *Driver {
	d := &Driver{calls: calls, account: account, folder: folder, pages: pages}
	d.Attributes.Fetch = d.attributes
	return d
}

func (d *Driver) attributes(ctx context.Context) (map[string]string, error) {
	list, err := d.calls.ListAttributes(ctx, rest.WithThen("create or update the contact"))
	if err != nil {
		return nil, err
	}
	types := make(map[string]string, len(list))
	for _, a := range list {
		switch a.Category {
		case "normal", "category":
			types[a.Name] = a.Type
		}
	}
	return types, nil
}

// MessageID returns a message id as the vendors take it: in angle brackets, which ids of
// webhooks lack. The id of a batch, which has no @, stays as it is.
func MessageID(id string) string {
	if !strings.Contains(id, "@") || strings.HasPrefix(id, "<") {
		return id
	}
	return "<" + id + ">"
}

// Logged returns the state of a mail by the event log; nil when the log has nothing
// about it.
func (d *Driver) Logged(ctx context.Context, messageID string) (*provider.Receipt, error) {
	states := mailevent.Log{}
	id := MessageID(messageID)
	paging := adapterkit.Paging{Size: d.pages.Events}
	err := paging.Walk(func(at, limit int64) (adapterkit.Answer, error) {
		events, err := d.calls.ListEmailEvents(ctx, EventQuery{MessageID: id, Limit: limit, Offset: at})
		for _, e := range events {
			if what, ok := Words.Find(e.Event); ok && what.State() != provider.StateUnknown {
				states.Add(e.Email, what)
			}
		}
		return adapterkit.AnswerOf(events, func(*Event) string { return "" }), err
	})
	if err != nil {
		return nil, err
	}
	return states.Receipt(messageID), nil
}

// findPages is how many pages a search reads. The list is the newest mail first, so
// what lies beyond is older than anything that is still in doubt.
const findPages = 4

// FindSent goes through the mail that was sent to the recipient in the last 30 days,
// newest first, until it is older than the search. The list is asked without days:
// the zone of a day is not documented.
func (d *Driver) FindSent(
	ctx context.Context, recipient string, t provider.Trace,
) ([]provider.SentMail, error) {
	s := alike.SearchFor(recipient, t)
	wire, err := adapterkit.Wire("recipient", s.Recipient)
	if err != nil {
		return nil, err
	}
	var out []provider.SentMail
	err = adapterkit.Paging{Size: d.pages.Sent}.Walk(func(at, limit int64) (adapterkit.Answer, error) {
		mails, count, err := d.calls.ListEmails(ctx, wire, limit, at)
		a := adapterkit.AnswerOf(mails, func(m *Mail) string { return adapterkit.IDOf(m.MessageID) })
		a.Count, a.Filtered = count, true
		a.Stop = at+int64(len(mails)) >= findPages*d.pages.Sent
		for _, m := range mails {
			at, _ := flex.ParseTime(m.Date)
			mail := alike.Mail{Recipient: m.Recipient, Sender: m.Sender, Subject: m.Subject, Tags: m.Tags, At: at}
			if alike.May(s, mail, alike.Exact) {
				out = append(out, provider.SentMail{
					MessageID: adapterkit.IDOf(m.MessageID), Recipient: m.Recipient, Subject: m.Subject,
					At: at, State: provider.StateAccepted,
				})
			}
			a.Stop = a.Stop || !at.IsZero() && at.Before(s.From)
		}
		return a, err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Check reads the account, which proves the key, and the senders.
func (d *Driver) Check(ctx context.Context) (*provider.Health, error) {
	account, err := d.calls.GetAccount(ctx)
	if err != nil {
		return nil, err
	}
	h := &provider.Health{Login: account.Email}
	if h.Senders, err = d.calls.ListSenders(ctx); err != nil {
		return nil, err
	}
	for _, p := range account.Plans {
		h.Quotas = append(h.Quotas, quota(p))
	}
	return h, nil
}

// quota says in plain words what is left of a plan. "sendLimit" counts what is sent.
func quota(p Plan) provider.Quota {
	unit := p.CreditsType
	switch {
	case p.Type == "sms":
		unit = "SMS"
	case unit == "sendLimit":
		unit = "mails"
	}
	return provider.Quota{Name: "plan " + p.Type, Unit: unit, Left: &p.Credits}
}
