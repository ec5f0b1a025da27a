package mailing

import (
	"context"
	"iter"

	"github.com/postmux/postmux/provider"
)

// Report is what a mailing came to.
type Report struct {
	// Contacts were looked at; an address that came again counts again.
	Contacts int `json:"contacts"`
	// LeftOut counts those who may not be mailed, by the reason, as Standing names it.
	LeftOut map[string]int `json:"left_out,omitempty"`
	// Unread counts members that the provider's answer holds in a form that cannot be read.
	Unread int `json:"unread,omitempty"`
	// Left counts those who may have got the mail and have said no since the last look.
	Left int `json:"left_meanwhile,omitempty"`
	provider.BatchReport
}

// Result is what became of the mail to one contact.
type Result struct {
	Contact provider.Contact // whose mail it is
	provider.BatchResult
}

// Send sends the mailing through client, by Client.SendBatch with opts; see there for when it
// ends before its input. each, if not nil, gets the result of each mail in order; of who is left
// out it gets none. A contact for whom a template fails is refused.
//
// Before anything is sent all contacts are counted: more than the Audience's Most are an error
// of kind ErrInvalid. Nobody gets two mails in one run. Over several runs, or after a crash, the
// keys of the mails see to that, so client needs a duplicate guard whose store outlives the
// process, or a provider with keys of its own; others refuse a key.
func (m *Mailing) Send(
	ctx context.Context, client *provider.Client, to *Audience, each func(Result) error,
	opts ...provider.BatchOption,
) (Report, error) {
	may := 0
	err := to.Count(ctx, func(c Candidate) error {
		if c.Why == "" {
			may++
		}
		return nil
	})
	if err == nil && to.Most > 0 && may > to.Most {
		err = provider.Invalid("max_recipients", "%d may be mailed, more than the %d that are allowed", may, to.Most)
	}
	if err != nil {
		return Report{}, err
	}
	r := Report{LeftOut: make(map[string]int)}
	s := &sending{mailing: m, report: &r, waiting: make(map[int]pending)}
	var ended error
	r.BatchReport, ended = client.SendBatch(ctx, s.messages(to.All(ctx)), func(b provider.BatchResult) error {
		p := s.waiting[b.Index]
		delete(s.waiting, b.Index)
		if p.refused != nil {
			b.Err = p.refused
		}
		if b.Receipt != nil {
			b.Receipt.Notes = append(p.notes, b.Receipt.Notes...)
		}
		if each == nil {
			return nil
		}
		return each(Result{p.contact, b})
	}, opts...)
	r.Unread = to.Unread()
	if ended == nil {
		r.Left, ended = to.Left(ctx)
	}
	return r, ended
}

// sending is a Send under way.
type sending struct {
	mailing *Mailing
	report  *Report
	given   int
	waiting map[int]pending // without a result, by their index
}

type pending struct {
	contact provider.Contact
	notes   []provider.Note
	refused error
}

// messages are the mails to those who may be mailed. One that cannot be rendered goes through as
// nil, and keeps its place.
func (s *sending) messages(all iter.Seq2[Candidate, error]) iter.Seq2[*provider.Message, error] {
	return func(yield func(*provider.Message, error) bool) {
		for c, err := range all {
			if err != nil {
				yield(nil, err)
				return
			}
			s.report.Contacts++
			if c.Why != "" {
				s.report.LeftOut[c.Why]++
				continue
			}
			msg, notes, refused := s.mailing.Message(c.Contact)
			s.waiting[s.given] = pending{c.Contact, notes, refused}
			s.given++
			if !yield(msg, nil) {
				return
			}
		}
	}
}
