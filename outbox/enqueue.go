package outbox

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// bodyFormat is the version of the stored bodies: the JSON of a provider.Message. A worker
// leaves messages of a newer format for those that know it.
const bodyFormat = 1

// EnqueueOpts are what a message does not say itself. Nil is the zero value.
type EnqueueOpts struct {
	// Account sends the message; empty: Config.Default.
	Account string
	// Namespace is where the message's key lives; empty: Config.Namespace.
	Namespace string
	// Expires is when the message is given up if nothing was sent by then; zero:
	// Config.GiveUp after it is due.
	Expires time.Time
}

// Enqueue stores a message and returns its id. When the error is nil, the message is on disk
// and ends in one state, which Get shows. It goes out at m.SendAt, or as soon as a worker
// has it.
//
// With an idempotency key the same message is stored once: Enqueue again returns the same
// id, also after the message was sent, for as long as Config.Retention.Keys says. Another
// message under the key is ErrInvalid. Repeat a call whose outcome is not known with the
// same key.
//
// A message that the account would refuse before any request is refused here. Errors are
// *provider.Error; after one with OutcomeMaybeSent the message may be stored, which only a
// commit without an answer can cause.
func (b *Box) Enqueue(ctx context.Context, m *provider.Message, o *EnqueueOpts) (string, error) {
	return b.EnqueueIn(ctx, nil, m, o)
}

// EnqueueTx is Enqueue within a transaction of the program: the message is stored when tx is
// committed, together with what else the transaction did. tx is of the Store's database. An
// error of EnqueueTx leaves the transaction usable, unless the database itself ended it.
func (b *Box) EnqueueTx(ctx context.Context, tx *sql.Tx, m *provider.Message, o *EnqueueOpts) (string, error) {
	return b.EnqueueIn(ctx, sqlExecer{tx}, m, o)
}

// EnqueueIn is EnqueueTx for transactions of other packages; see pgxtx. A nil tx is one of
// its own.
func (b *Box) EnqueueIn(ctx context.Context, tx Execer, m *provider.Message, o *EnqueueOpts) (string, error) {
	r, err := b.newRow(ctx, m, o)
	if err == nil {
		err = b.enqueue(ctx, tx, []*newRow{r})
	}
	if err != nil {
		return "", err
	}
	return r.ID, nil
}

// enqueueMost is how many messages one transaction of EnqueueAll has.
const enqueueMost = 100

// EnqueueAll stores messages in transactions of up to a hundred, or of 8 MB, which is
// several times faster than one by one, and calls each, if not nil, with the index and the id of every
// message that is stored. The error is that of the message with the index stored: the
// messages before it are stored, it and all after it are not.
func (b *Box) EnqueueAll(
	ctx context.Context, messages iter.Seq2[*provider.Message, error], o *EnqueueOpts, each func(index int, id string) error,
) (stored int, err error) {
	var part []*newRow
	held := 0
	flush := func() error {
		if len(part) == 0 {
			return nil
		}
		rows := part
		part, held = nil, 0
		if err := b.enqueue(ctx, nil, rows); err != nil {
			return err
		}
		first := stored
		stored += len(rows)
		for i, r := range rows {
			if each == nil {
				break
			}
			if err := each(first+i, r.ID); err != nil {
				return err
			}
		}
		return nil
	}
	for m, err := range messages {
		var r *newRow
		if err == nil {
			r, err = b.newRow(ctx, m, o)
		}
		if err != nil {
			if failed := flush(); failed != nil {
				return stored, failed
			}
			return stored, err
		}
		part = append(part, r)
		held += len(r.body)
		if len(part) == enqueueMost || held > 8<<20 {
			if err := flush(); err != nil {
				return stored, err
			}
		}
	}
	return stored, flush()
}

// newRow is a row of the table of messages as it is enqueued.
type newRow struct {
	ID        string  `json:"id"`
	Account   string  `json:"account"`
	SendAt    *int64  `json:"send_at"`
	Lasts     int64   `json:"lasts"` // until it is given up, from when it is due
	Namespace string  `json:"namespace"`
	Key       *string `json:"key"`
	Digest    string  `json:"digest"`
	Rcpt      string  `json:"rcpt"`
	Rcpts     int     `json:"rcpts"`

	body []byte
	// late is the error of a message whose time is over, unless its key is there already: a
	// repeat of a call is no new message.
	late error
}

// newRow is the row of a message, or the error of one that is not stored.
func (b *Box) newRow(ctx context.Context, m *provider.Message, o *EnqueueOpts) (*newRow, error) {
	if o == nil {
		o = &EnqueueOpts{}
	}
	if m == nil {
		return nil, refusal("", "expected a message")
	}
	account := cmp.Or(o.Account, b.cfg.Default)
	if account == "" {
		return nil, refusal("account", "expected an account, in EnqueueOpts or as Config.Default")
	}
	client, err := b.client(ctx, account)
	if err != nil {
		return nil, err
	}
	// The key and the time are kept here, whatever the account's provider has.
	plain := *m
	plain.IdempotencyKey, plain.SendAt = "", time.Time{}
	if err := client.Accepts(&plain); err != nil {
		return nil, err
	}
	now := b.store.clock()
	r := &newRow{Account: account, Namespace: cmp.Or(o.Namespace, b.cfg.Namespace)}
	switch {
	case !m.SendAt.IsZero() && m.SendAt.Before(now.Add(-time.Minute)):
		r.late = refusal("send_at", "expected a time in the future, got %s; leave it out to send now", m.SendAt.Format(time.RFC3339))
	case !o.Expires.IsZero() && !o.Expires.After(now):
		r.late = refusal("expires", "expected a time in the future, got %s", o.Expires.Format(time.RFC3339))
	case !o.Expires.IsZero() && !o.Expires.After(m.SendAt):
		return nil, refusal("expires", "expected a time after send_at, got %s", o.Expires.Format(time.RFC3339))
	}
	if r.late != nil && m.IdempotencyKey == "" {
		return nil, r.late
	}
	r.SendAt, r.Lasts = micros(m.SendAt), b.cfg.GiveUp.Microseconds()
	if !o.Expires.IsZero() {
		due := now
		if m.SendAt.After(now) {
			due = m.SendAt
		}
		r.Lasts = o.Expires.Sub(due).Microseconds()
	}
	if m.IdempotencyKey != "" {
		if err := checkKey(m.IdempotencyKey); err != nil {
			return nil, err
		}
		if r.Namespace == "" {
			return nil, refusal("namespace", "an idempotency key needs the name of the program: set Config.Namespace, "+
				"or name in the configuration. Programs with the same name share their keys")
		}
		r.Key = &m.IdempotencyKey
		r.ID = keyedID(r.Namespace, m.IdempotencyKey)
	} else if r.ID, err = newID(); err != nil {
		return nil, err
	}
	if r.Digest, err = m.Digest(); err != nil {
		return nil, err
	}
	r.Rcpt, r.Rcpts = recipientsOf(m)
	if r.body, err = json.Marshal(m); err != nil {
		return nil, refusal("", "expected a message that can be written as JSON: %v", err)
	}
	return r, nil
}

func refusal(field, format string, args ...any) *provider.Error {
	e := provider.Invalid(field, format, args...)
	e.Provider = driverName
	return e
}

func micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.UnixMicro()
	return &n
}

// keySpace is where the ids of keyed messages come from. It is frozen: another one would
// give a key a second id.
var keySpace = uuid.MustParse("6f2b6c1e-0d0c-5b0f-9a53-9f4b8f0c7a11")

// keyedID is the id of a message with a key. Nothing has to be read to know it.
func keyedID(namespace, key string) string {
	return uuid.NewSHA1(keySpace, []byte(namespace+"\x00"+key)).String()
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("an id for the message: %w", err)
	}
	return id.String(), nil
}

func checkID(id string) error {
	if _, err := uuid.Parse(id); err != nil || len(id) != 36 {
		return refusal("id", "expected the id of a message as Enqueue returned it, got %q", text.Clip(id))
	}
	return nil
}

// keyMost is the length of a key in bytes, as of Message.IdempotencyKey.
const keyMost = 1024

func checkKey(key string) error {
	if len(key) > keyMost || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refusal("idempotency_key", "expected at most %d bytes without control characters", keyMost)
	}
	return nil
}

// recipientsOf returns the first recipient of a message, as it is compared, and how many
// there are.
func recipientsOf(m *provider.Message) (string, int) {
	all := m.Receipt("", provider.StateAccepted).Recipients
	if len(all) == 0 {
		return "", 0
	}
	return emailKey(all[0].Email), len(all)
}

func emailKey(email string) string {
	if key, err := provider.EmailKey(email); err == nil {
		return key
	}
	return strings.ToLower(email)
}

// enqueue stores rows in the transaction tx, or in one of its own.
func (b *Box) enqueue(ctx context.Context, tx Execer, rows []*newRow) error {
	if tx != nil {
		if err := b.store.insert(ctx, tx, rows); err != nil {
			return b.store.storeError("enqueue", err)
		}
		return nil
	}
	if err := b.store.in(ctx, func(x Execer) error { return b.store.insert(ctx, x, rows) }); err != nil {
		return b.store.storeError("enqueue", err)
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	b.wake()
	b.remember(ids...)
	b.lookAtServer(ctx)
	return nil
}

// lookAtServer looks once a second whether another server has taken over: a process that
// only stores messages has no worker that does.
func (b *Box) lookAtServer(ctx context.Context) {
	b.mu.Lock()
	due := b.store.d.is(postgres) && time.Since(b.looked) > time.Second
	if due {
		b.looked = time.Now()
	}
	b.mu.Unlock()
	if !due {
		return
	}
	if err := b.followTimeline(ctx, false, false); err != nil {
		b.storeError(ctx, err)
	}
}

// insert stores rows. A key that is there already keeps its message.
func (s *Store) insert(ctx context.Context, x Execer, rows []*newRow) error {
	fresh, err := s.insertKeys(ctx, x, rows)
	if err != nil || len(fresh) == 0 {
		return err
	}
	text, err := jsonText(fresh)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, x, `
		insert into {message} (id, account, state, run_at, expires, namespace, key, digest, rcpt, rcpts, format, created, changed)
		select r_id, r_account, 'queued', coalesce(r_send_at, {now}), coalesce(r_send_at, {now}) + r_lasts, r_namespace,
			r_key, r_digest, r_rcpt, r_rcpts, cast({2} as int), {now}, {now}
		from {rows 1: id id, account text, send_at int, lasts int, namespace text, key text, digest text, rcpt text, rcpts int}`,
		text, bodyFormat)
	if err != nil {
		return err
	}
	return s.insertBodies(ctx, x, fresh)
}

// insertBodies stores the bodies of rows.
func (s *Store) insertBodies(ctx context.Context, x Execer, rows []*newRow) error {
	var text strings.Builder
	text.WriteString("insert into {body} (id, message) values ")
	args := make([]any, 0, 2*len(rows))
	for i, r := range rows {
		if i > 0 {
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "({%d}, {%d})", 2*i+1, 2*i+2)
		args = append(args, r.ID, r.body)
	}
	_, err := s.exec(ctx, x, text.String(), args...)
	return err
}

// insertKeys claims the keys of rows and returns the rows whose message is to be stored.
// The error says that a key belongs to another message.
func (s *Store) insertKeys(ctx context.Context, x Execer, rows []*newRow) ([]*newRow, error) {
	var fresh, keyed []*newRow
	byID := make(map[string]*newRow)
	for _, r := range rows {
		if err := s.known(ctx, x, r); err != nil {
			return nil, err
		}
		switch twin := byID[r.ID]; {
		case r.Key == nil:
			fresh = append(fresh, r)
		case twin == nil:
			byID[r.ID] = r
			keyed = append(keyed, r)
		case twin.Digest != r.Digest:
			return nil, otherMessage(*r.Key)
		}
	}
	if len(keyed) == 0 {
		return fresh, nil
	}
	text, err := jsonText(keyed)
	if err != nil {
		return nil, err
	}
	taken := make(map[string]bool)
	err = s.query(ctx, x, `
		insert into {key} (namespace, key, id, digest, created)
		select r_namespace, r_key, r_id, r_digest, {now} from {rows 1: namespace text, key text, id id, digest text}
		where true order by r_namespace, r_key on conflict do nothing returning id`,
		[]any{text}, func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			taken[id] = true
			return err
		})
	if err != nil {
		return nil, err
	}
	for _, r := range keyed {
		if taken[r.ID] {
			fresh = append(fresh, r)
			continue
		}
		var digest string
		found, err := s.one(ctx, x, "select digest from {key} where namespace = {1} and key = {2}",
			[]any{r.Namespace, *r.Key}, &digest)
		switch {
		case err != nil:
			return nil, err
		case found && digest != r.Digest:
			return nil, otherMessage(*r.Key)
		}
	}
	return fresh, nil
}

// known returns the error of a row that comes late, unless its key is there.
func (s *Store) known(ctx context.Context, x Execer, r *newRow) error {
	if r.late == nil {
		return nil
	}
	var id string
	found, err := s.one(ctx, x, "select id from {key} where namespace = {1} and key = {2}", []any{r.Namespace, *r.Key}, &id)
	if err == nil && !found {
		err = r.late
	}
	return err
}

func otherMessage(key string) error {
	return refusal("idempotency_key", "the key %q was used for another message, which stays as it is", text.Clip(key))
}

// StateEnqueued is the state of the receipts of Box.Mailer: the message is in the outbox, and no
// provider was asked yet.
const StateEnqueued provider.State = "enqueued"

// Mailer returns a provider.Mailer whose Send is Enqueue, for programs that take a Mailer.
// Its receipts have StateEnqueued and the id as OutboxID. The account may be empty, for
// Config.Default.
func (b *Box) Mailer(account string) provider.Mailer { return mailer{b, account} }

type mailer struct {
	box     *Box
	account string
}

// Send implements provider.Mailer.
func (m mailer) Send(ctx context.Context, message *provider.Message) (*provider.Receipt, error) {
	id, err := m.box.Enqueue(ctx, message, &EnqueueOpts{Account: m.account})
	if err != nil {
		return nil, err
	}
	r := message.Receipt("", StateEnqueued)
	r.Provider, r.Account = driverName, cmp.Or(m.account, m.box.cfg.Default)
	r.OutboxID, r.IdempotencyKey = id, message.IdempotencyKey
	return r, nil
}
