package brevo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/flow"
	"github.com/postmux/postmux/internal/sendinblue"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// When a job is looked at. Looks count against the class that allows 100 an
// hour, so their distance grows fast, and the first one comes when the job before
// would have been nearly done. A job has a look of its own each time: the list of
// all processes is not documented to tell what an import left out.
const (
	firstLook  = 20 * time.Millisecond
	lookGrowth = 4
	lookMost   = time.Minute
	// jobPatience is how long a job may take. The vendor names no time; after an
	// hour it counts as unknown.
	jobPatience = time.Hour
	// lookFailures are how many looks in a row may fail.
	lookFailures = 5
)

// importBody is the body of an import. Only what the API takes for an update is
// said: fields that are not named stay, and nobody is mailed a notice.
type importBody struct {
	DisableNotification    bool         `json:"disableNotification"`
	JSONBody               []*importRow `json:"jsonBody"`
	ListIDs                []int64      `json:"listIds"`
	UpdateExistingContacts bool         `json:"updateExistingContacts"`
}

// start starts the job of the rows that have one and returns what follows it to
// its end. Without a new list a repeat ends in the same state, and no notice is
// mailed, so the call is an upsert. The error is that of the call; each row of the
// job has it too, and there is nothing to follow then.
func (s *storing) start(ctx context.Context) (follow func(), err error) {
	nothing := func() {}
	if len(s.job) == 0 {
		return nothing, nil
	}
	body := &importBody{
		DisableNotification: true, JSONBody: make([]*importRow, len(s.job)), ListIDs: s.lists, UpdateExistingContacts: true,
	}
	for k, i := range s.job {
		body.JSONBody[k] = s.row(i)
	}
	ownBody := rest.WithBody(func(*brevoapi.ImportContactsRequest) any { return body })
	started, err := s.api.ImportContacts(ctx, brevoapi.ImportContactsRequest{}, ownBody, rest.WithEffect(rest.Upsert))
	var e *provider.Error
	switch {
	case errors.As(err, &e) && e.Outcome == provider.OutcomeSent:
		err = unknown(err, "the import was started, but the answer with its number could not be read")
	case err == nil && started.ProcessID == 0:
		err = unknown(nil, "the import was started, but the answer has no number of it")
	}
	if err != nil {
		s.all(nil, err)
		return nothing, err
	}
	return func() {
		s.consent.news = make(map[uint64]struct{})
		s.all(s.follow(ctx, started.ProcessID))
		s.takeBack(ctx)
		s.consent.news = nil
	}, nil
}

// takeBack undoes what the job did to who left a list, or all mail, while it waited or
// ran: the vendor does not document that a job leaves them alone.
func (s *storing) takeBack(ctx context.Context) {
	if err := s.refresh(ctx); err != nil {
		s.noteEach(func(*importRow) string {
			return "whether somebody unsubscribed while the import job ran could not be read: " + err.Error()
		})
		return
	}
	if len(s.consent.news) == 0 {
		return
	}
	s.noteEach(func(row *importRow) string {
		var again []int64
		for _, list := range s.lists {
			if s.consent.since(row.wire, list) || s.consent.since(row.wire, anyList) {
				again = append(again, list)
			}
		}
		lift := s.consent.since(row.wire, blocked)
		if len(again) == 0 && !lift {
			return ""
		}
		err := s.takeOff(ctx, row.wire, again, lift)
		if err != nil {
			return "unsubscribed while the import job ran, which may have put the contact on its lists again, and that could not be undone: " + err.Error()
		}
		return "unsubscribed while the import job ran; on none of its lists now"
	})
}

// noteEach adds a note to the receipts of rows of the job; none for an empty text.
func (s *storing) noteEach(why func(row *importRow) string) {
	for _, i := range s.job {
		text := ""
		if r := s.results[i].Receipt; r != nil {
			text = why(s.row(i))
		}
		if text != "" {
			note := provider.Note{Field: "lists", Action: provider.NoteWarning, Why: text}
			s.results[i].Receipt.Notes = append(slices.Clip(s.results[i].Receipt.Notes), note)
		}
	}
}

// takeOff takes a contact off the lists that a job has put it on, and blocks it again.
func (s *storing) takeOff(ctx context.Context, wire string, lists []int64, block bool) error {
	now, err := calls{s.api}.look(ctx, wire, byEmail, "")
	if err != nil || now == nil {
		return err
	}
	for _, list := range lists {
		if !slices.Contains(now.ListIDs, list) || slices.Contains(now.ListUnsubscribed, list) {
			continue
		}
		results, err := calls{s.api}.removeFromList(ctx, list, []string{wire})
		if err == nil && results[0].Error != nil {
			err = results[0].Error
		}
		if err != nil {
			return err
		}
	}
	if block && !now.EmailBlacklisted {
		return calls{s.api}.UpdateContact(ctx, wire, sendinblue.ContactBody{Blocked: new(true)})
	}
	return nil
}

// all gives the rows of the job their result; each has a receipt of its own.
func (s *storing) all(r *provider.ContactReceipt, err error) {
	var receipts []provider.ContactReceipt
	if r != nil {
		receipts = make([]provider.ContactReceipt, len(s.job))
	}
	for k, i := range s.job {
		s.results[i].Err = err
		if r != nil {
			receipts[k] = *r
			s.results[i].Receipt = &receipts[k]
		}
	}
}

// follow looks at a job until it has ended, and returns what is true of each of
// its rows.
func (s *storing) follow(ctx context.Context, id int64) (*provider.ContactReceipt, error) {
	began, failed := time.Now(), 0
	pace := time.Duration(s.pace.Load())
	for wait := min(max(firstLook, pace*3/4), lookMost); ; wait = min(wait*lookGrowth, lookMost) {
		if err := flow.Pause(ctx, wait); err != nil {
			return nil, unknown(err, fmt.Sprintf("import job %d was started and not followed to its end", id))
		}
		// Who leaves while the job waits is seen before it puts them back.
		_ = s.refresh(ctx) // takeBack tells of an error that lasts
		var reply rest.Reply
		p, err := s.api.GetProcess(ctx, id, rest.WithReply(&reply))
		var e *provider.Error
		switch {
		case err == nil:
			failed = 0
		case errors.As(err, &e) && e.Kind == provider.ErrRateLimited && e.RetryAfter > 0:
			wait = max(wait, e.RetryAfter/lookGrowth)
		default:
			failed++
		}
		switch {
		case failed == lookFailures:
			return nil, unknown(err, fmt.Sprintf("import job %d was started, but looking at it fails: %s", id, err))
		case err != nil:
			p = new(brevoapi.Process)
		}
		switch p.Status {
		case "completed":
			s.pace.Store(int64(time.Since(began)))
			return s.completed(p, bytes.Contains(reply.Body, []byte(`"import"`)))
		case "failed", "cancelled":
			message := fmt.Sprintf("import job %d ended as %s", id, p.Status)
			if p.Error != "" {
				message += ": " + p.Error
			}
			return nil, unknown(nil, message)
		}
		if time.Since(began) > jobPatience {
			return nil, unknown(err, fmt.Sprintf("import job %d has not ended after %s", id, jobPatience))
		}
	}
}

// completed reads the counters of a job. They tell how many rows were left out
// and not which, so one is enough to leave all of them open.
func (s *storing) completed(p *brevoapi.Process, told bool) (*provider.ContactReceipt, error) {
	n := p.Info.Import
	repeated := n.DuplicateContactIDs + n.DuplicateExtIDs + n.DuplicateEmails + n.DuplicatePhones + n.DuplicateWhatsApps + n.DuplicateLandlines
	switch {
	case n.InvalidEmails+repeated > 0:
		why := fmt.Sprintf("import job %d did not take %d of its %d rows and does not tell which: %d addresses are not valid, %d rows are repeated",
			p.ID, n.InvalidEmails+repeated, len(s.job), n.InvalidEmails, repeated)
		return &provider.ContactReceipt{State: provider.ContactUnknown, Notes: []provider.Note{{Field: "email", Action: provider.NoteWarning, Why: why}}}, nil
	case !told:
		why := fmt.Sprintf("import job %d has ended and does not tell whether it left rows out", p.ID)
		return &provider.ContactReceipt{State: provider.ContactStored, Notes: []provider.Note{{Field: "email", Action: provider.NoteWarning, Why: why}}}, nil
	}
	return &provider.ContactReceipt{State: provider.ContactStored}, nil
}
