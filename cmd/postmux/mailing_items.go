package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/contactfile"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/journal"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
	"github.com/postmux/postmux/provider/mailing"
)

// contactsOf are the contacts of a file, in any form that an import takes without a flag; each
// iteration reads it anew.
func contactsOf(ctx context.Context, name string) iter.Seq2[provider.Contact, error] {
	return func(yield func(provider.Contact, error) bool) {
		in, err := contactfile.OpenInput(ctx, strings.NewReader(""), name, contactrows.Options{})
		if err != nil {
			yield(provider.Contact{}, err)
			return
		}
		defer in.Close()
		if err := in.Layout.Certain(); err != nil {
			yield(provider.Contact{}, input.InFile(name, err))
			return
		}
		for row, err := range in.Rows() {
			if err != nil {
				yield(provider.Contact{}, input.InFile(name, err))
				return
			}
			if !yield(contactOfRow(row), nil) {
				return
			}
		}
	}
}

// contactOfRow keeps all that a whole contact says of its standing; a change says a part of it.
func contactOfRow(row contactrows.Row) provider.Contact {
	c := row.Change
	out := provider.Contact{
		Email: c.Email, Phone: c.Phone.Value(), ExternalID: c.ExternalID.Value(),
		FirstName: c.FirstName.Value(), LastName: c.LastName.Value(), Fields: c.Fields,
		Suppressed: slices.Clone(c.Suppressed), Memberships: slices.Clone(c.Memberships),
	}
	if c.Status.Terminal() {
		out.Suppressed = append(out.Suppressed, provider.Suppression{
			Channel: provider.ChannelEmail, Scope: provider.ScopeMarketing, Reason: provider.Reason(c.Status),
		})
	}
	var whole struct {
		Memberships []provider.Membership  `json:"memberships"`
		Suppressed  []provider.Suppression `json:"suppressed"`
	}
	if len(row.Text) > 0 && json.Unmarshal(row.Text, &whole) == nil { // it was read as a row before
		out.Memberships = append(out.Memberships, whole.Memberships...)
		out.Suppressed = append(out.Suppressed, whole.Suppressed...)
	}
	return out
}

// mailingItems are the mails of a mailing to those who may be mailed.
type mailingItems struct {
	ctx      context.Context
	client   *provider.Client // that sends
	config   *mailing.Config
	mailing  *mailing.Mailing
	audience *mailing.Audience
	past     *journal.Past
	pull     func() (mailing.Candidate, error, bool)
	stop     func()
	contacts int
	leftOut  map[string]int
	rest     []batchItem // mails of earlier runs to people who are not mailed any more
	all      bool        // the audience has been read to its end
}

func newMailingItems(ctx context.Context, p *mailingPreview, past *journal.Past) *mailingItems {
	i := &mailingItems{
		ctx: ctx, client: p.client, config: p.config, mailing: p.mailing, audience: p.audience, past: past,
		leftOut: make(map[string]int),
	}
	i.pull, i.stop = iter.Pull2(p.audience.All(ctx))
	return i
}

func (i *mailingItems) close() { i.stop() }

func (i *mailingItems) next() (batchItem, error) {
	for !i.all {
		c, err, ok := i.pull()
		if !ok {
			i.all = true
			i.readRest()
			break
		}
		if err != nil {
			return batchItem{}, err
		}
		i.contacts++
		if c.Why != "" {
			i.leftOut[c.Why]++
			continue
		}
		key, err := keyDigest(i.mailing, c.Email)
		if err != nil { // an address that no mail can go to: it is refused with its place
			key = journal.DigestOf([]byte(c.Email))
		}
		return batchItem{i.past.IndexOf(key), i.contacts, key, func(was journal.Did) (*provider.Message, []provider.Note, error) {
			m, notes, err := i.mailing.Message(c.Contact)
			switch {
			case err == nil:
				keyed(i.client, i.config, m)
			case was == journal.DidBegin:
				return &provider.Message{To: []provider.Address{{Email: c.Email}}}, nil, nil
			}
			return m, notes, err
		}}, nil
	}
	if len(i.rest) == 0 {
		return batchItem{}, io.EOF
	}
	item := i.rest[0]
	i.rest = i.rest[1:]
	return item, nil
}

// readRest finds what earlier runs have sent or begun for people who are left out now.
func (i *mailingItems) readRest() {
	for index, digest := range i.past.Rest() {
		i.rest = append(i.rest, batchItem{index, i.contacts, digest, func(journal.Did) (*provider.Message, []provider.Note, error) {
			return new(provider.Message), nil, nil
		}})
	}
}

func (i *mailingItems) end(int) error { return nil }

func keyDigest(m *mailing.Mailing, email string) (journal.Digest, error) {
	key, err := m.Key(email)
	return journal.DigestOf([]byte(key)), err
}

// summary tells who was left out, and who has left since.
func (i *mailingItems) summary(cmd *cobra.Command) {
	for _, line := range leftOutLines(i.leftOut, i.audience.Unread()) {
		cmd.PrintErrln(line)
	}
	if !i.all || i.ctx.Err() != nil {
		return
	}
	left, err := i.audience.Left(i.ctx)
	switch {
	case err != nil:
		cmd.PrintErrln("whether somebody left meanwhile is not known: " + terminal.Printable(err.Error()))
	case left > 0:
		cmd.PrintErrln(terminal.Plural(left, "contact", "contacts") + " left after the last look and may have got the mail all the same")
	}
}

// leftOutLines count those who are left out, the most frequent reason first.
func leftOutLines(leftOut map[string]int, unread int) []string {
	var lines []string
	reasons := slices.SortedFunc(maps.Keys(leftOut), func(a, b string) int {
		if n := leftOut[b] - leftOut[a]; n != 0 {
			return n
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	for _, why := range reasons {
		lines = append(lines, fmt.Sprintf("left out: %d  %s", leftOut[why], terminal.Printable(why)))
	}
	if unread > 0 {
		lines = append(lines, fmt.Sprintf("left out: %d  in a form that cannot be read", unread))
	}
	return lines
}
