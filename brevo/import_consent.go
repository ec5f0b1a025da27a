package brevo

import (
	"context"
	"encoding/json"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/mailaddr"
)

// consent knows who of the account's contacts is blocked or has unsubscribed. Only one
// job at a time uses it.
type consent struct {
	left left
	at   time.Time // until when it is known; zero when nothing is
	// news are those who left since the job began, nil while none runs.
	news map[uint64]struct{}
}

// left are the addresses that are blocked and those that have left a list, eight
// bytes each. Two that share a sum are taken for one, which costs an upsert and
// does no harm.
type left struct {
	seed maphash.Seed
	sums []uint64            // sorted
	more map[uint64]struct{} // that came later
}

// clockSlack is how far the vendor's clock may differ from ours.
const clockSlack = 2 * time.Minute

// What stands in the place of a list, which count from 1.
const (
	anyList = 0  // the contact may be put on none
	blocked = -1 // from all marketing mail
)

func (l *left) sum(email string, list int64) uint64 {
	if mailaddr.ASCII(email) {
		email = strings.ToLower(email) // the same as Key for these, and much faster
	} else {
		email = mailaddr.Key(email)
	}
	var b [20]byte
	var h maphash.Hash
	h.SetSeed(l.seed)
	_, _ = h.Write(strconv.AppendInt(b[:0], list, 10))
	_ = h.WriteByte(' ')
	_, _ = h.WriteString(email)
	return h.Sum64()
}

// sumsOf calls add for each way in which the contact gets no mail.
func (l *left) sumsOf(c *brevoapi.Contact, add func(sum uint64)) {
	contact := contactFromAPI(*c)
	standing := contact.Standing()
	if c.SMSBlacklisted || standing.Bars("") != "" { // "" is a list that it was never on
		add(l.sum(c.Email, anyList))
	}
	if c.EmailBlacklisted {
		add(l.sum(c.Email, blocked))
	}
	for _, list := range c.ListUnsubscribed {
		add(l.sum(c.Email, list))
	}
}

func (l *left) has(sum uint64) bool {
	_, old := slices.BinarySearch(l.sums, sum)
	_, later := l.more[sum]
	return old || later
}

// out reports whether the address is blocked or has left one of the lists.
func (c *consent) out(email string, lists []int64) bool {
	return c.left.has(c.left.sum(email, anyList)) ||
		slices.ContainsFunc(lists, func(list int64) bool { return c.left.has(c.left.sum(email, list)) })
}

// since reports whether the address has left the list, or all mail, since the job began.
func (c *consent) since(email string, list int64) bool {
	_, ok := c.news[c.left.sum(email, list)]
	return ok
}

// known reads who wants no mail and whom identifiers belong to: all contacts at first,
// then those that have changed. It is false when upserts of so many rows are fewer calls
// than reading.
func (b *bulkImport) known(ctx context.Context, rows int) (bool, error) {
	if !b.consent.at.IsZero() {
		return true, b.refresh(ctx)
	}
	at := time.Now()
	b.consent.left = left{seed: maphash.MakeSeed(), more: make(map[uint64]struct{})}
	l := &b.consent.left
	done, err := b.walk(ctx, time.Time{}, int64(2*rows), func(c *brevoapi.Contact) {
		l.sumsOf(c, func(sum uint64) { l.sums = append(l.sums, sum) })
	})
	if err != nil || !done {
		return false, err
	}
	slices.Sort(l.sums)
	l.sums = slices.Clip(slices.Compact(l.sums))
	b.consent.at = at
	return true, nil
}

// refresh reads the contacts that have changed since the last look.
func (b *bulkImport) refresh(ctx context.Context) error {
	at, l := time.Now(), &b.consent.left
	_, err := b.walk(ctx, b.consent.at.Add(-clockSlack), 0, func(c *brevoapi.Contact) {
		l.sumsOf(c, func(sum uint64) {
			if l.has(sum) {
				return
			}
			l.more[sum] = struct{}{}
			if b.consent.news != nil {
				b.consent.news[sum] = struct{}{}
			}
		})
	})
	if err == nil {
		b.consent.at = at
	}
	return err
}

// walk reads all contacts that have changed since a time, or all. It is not done when
// there are more pages than most, if that is not 0.
func (b *bulkImport) walk(ctx context.Context, since time.Time, most int64, see func(*brevoapi.Contact)) (done bool, err error) {
	w := walk{api: b.api, most: most, see: func(c *brevoapi.Contact) {
		see(c)
		b.identify(c)
	}}
	if !since.IsZero() {
		w.since = new(since.UTC().Format(time.RFC3339))
	}
	return w.run(ctx)
}

// identify notes whom the identifiers of a contact belong to.
func (b *bulkImport) identify(c *brevoapi.Contact) {
	var has struct {
		SMS      json.RawMessage `json:"SMS"`
		WhatsApp json.RawMessage `json:"WHATSAPP"`
		Landline json.RawMessage `json:"LANDLINE_NUMBER"`
		ExtID    json.RawMessage `json:"EXT_ID"`
	}
	if json.Unmarshal(c.Attributes, &has) != nil {
		return // of a contact without any, in one of the forms of PHP
	}
	for i, value := range [...]json.RawMessage{has.SMS, has.ExtID, has.WhatsApp, has.Landline} { // as in identities
		if value == nil {
			continue
		}
		if id := identifier(identities[i].attribute, value); id != "" {
			b.people.Add(named(identities[i].attribute, id), c.Email)
		}
	}
}
