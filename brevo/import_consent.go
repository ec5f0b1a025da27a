package brevo

import (
	"context"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/mailaddr"
)

// consentAge is how old the knowledge of who wants no mail may be when a job
// starts.
const consentAge = 15 * time.Minute

// consent knows who of the account's contacts is blocked or has unsubscribed.
type consent struct {
	mu   sync.Mutex
	last *left
	at   time.Time
}

// left are the addresses that are blocked and those that have left a list, eight
// bytes each. Two that share a sum are taken for one, which costs an upsert and
// does no harm.
type left struct {
	seed maphash.Seed
	sums []uint64 // sorted
}

// anyList stands for the whole account; lists count from 1.
const anyList = 0

func (l *left) sum(email string, list int64) uint64 { return addressSum(l.seed, email, list) }

// ownSeed is that of sums which are kept in maps.
var ownSeed = maphash.MakeSeed()

func addressSum(seed maphash.Seed, email string, list int64) uint64 {
	if mailaddr.ASCII(email) {
		email = strings.ToLower(email) // the same as Key for these, and much faster
	} else {
		email = mailaddr.Key(email)
	}
	var b [20]byte
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.Write(strconv.AppendInt(b[:0], list, 10))
	_ = h.WriteByte(' ')
	_, _ = h.WriteString(email)
	return h.Sum64()
}

func (l *left) add(c *brevoapi.Contact) {
	if c.EmailBlacklisted || c.SMSBlacklisted {
		l.sums = append(l.sums, l.sum(c.Email, anyList))
	}
	for _, list := range c.ListUnsubscribed {
		l.sums = append(l.sums, l.sum(c.Email, list))
	}
}

// out reports whether the address is blocked or has left one of the lists.
func (l *left) out(email string, lists []int64) bool {
	if len(l.sums) == 0 {
		return false
	}
	has := func(list int64) bool {
		_, ok := slices.BinarySearch(l.sums, l.sum(email, list))
		return ok
	}
	return has(anyList) || slices.ContainsFunc(lists, has)
}

// known returns who wants no mail, reading the account's contacts when that was
// too long ago. It is nil when upserts of so many rows are fewer calls than
// reading. Who unsubscribes afterwards may be put back on a list by a job.
func (b *bulkImport) known(ctx context.Context, rows int) (*left, error) {
	if rows < fewRows {
		return nil, nil
	}
	b.consent.mu.Lock()
	defer b.consent.mu.Unlock()
	if b.consent.last != nil && time.Since(b.consent.at) < consentAge {
		return b.consent.last, nil
	}
	at := time.Now()
	read, err := b.walk(ctx, int64(2*rows))
	if err != nil || read == nil {
		return nil, err
	}
	b.consent.last, b.consent.at = read, at
	return read, nil
}

// walk reads all contacts. It is nil when there are more pages than most.
func (b *bulkImport) walk(ctx context.Context, most int64) (*left, error) {
	l := &left{seed: maphash.MakeSeed()}
	w := walk{api: b.api, most: most, see: l.add}
	if done, err := w.run(ctx); err != nil || !done {
		return nil, err
	}
	slices.Sort(l.sums)
	l.sums = slices.Clip(slices.Compact(l.sums))
	return l, nil
}
