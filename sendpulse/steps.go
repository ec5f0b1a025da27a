package sendpulse

import (
	"fmt"
	"strings"

	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

// steps are the calls of one change: what is done already, and the receipt that
// tells it.
type steps struct {
	done []string
	r    *provider.ContactReceipt
}

// step counts a call as done, or returns the error of the change as a whole.
func (s *steps) step(what string, err error) error {
	if err = made(err, what, s.r); err != nil {
		return partly(err, s.done, what, s.r)
	}
	s.done = append(s.done, what)
	return nil
}

// made turns the error of a step that was carried out into a note.
func made(err error, step string, r *provider.ContactReceipt) error {
	if !adapterkit.Taken(err) {
		return err
	}
	r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "done for " + step + ", but the answer could not be read"})
	return nil
}

// partly is err of a step after others were done: then the change as a whole is
// neither made nor refused, and the error says so.
func partly(err error, done []string, failed string, r *provider.ContactReceipt) error {
	if err == nil || len(done) == 0 {
		return err
	}
	before := strings.Join(done, ", ")
	r.Notes = append(r.Notes, provider.Note{Field: "email", Action: provider.NoteWarning, Why: "done for " + before + ", not for " + failed + " and what comes after it"})
	return adapterkit.Midway(err, len(done), "done: %s; then %s", before, failed)
}

// smtpStep and listStep are the names of steps.
const smtpStep = "transactional mail"

func listStep(list int64) string { return fmt.Sprintf("list %d", list) }
