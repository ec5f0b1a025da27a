package brevo

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

// account answers calls without a network.
type account struct {
	mu       sync.Mutex
	since    []string // modifiedSince of each listing
	contacts []brevoapi.Contact
	count    int64         // of contacts, if not as many as there are
	took     time.Duration // how long a job takes
	started  time.Time
	calls    map[string]int
	deleted  int  // contacts to delete after each page, from the front
	small    bool // pages of 50, whatever is asked for
	fails    int  // looks that fail
	limited  int  // starts of a job, and upserts, that a limit keeps back
}

func (a *account) Do(_ context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[call.Operation]++
	var answer any = map[string]any{}
	reply := &rest.Reply{Status: 200}
	switch call.Operation {
	case "listContacts":
		var offset int
		since := ""
		for _, q := range call.Query {
			if q.Name == "modifiedSince" {
				since = q.Value
			}
			if q.Name == "offset" {
				offset, _ = strconv.Atoi(q.Value)
			}
		}
		a.since = append(a.since, since)
		count := max(a.count, int64(len(a.contacts)))
		size := contactsPage
		if a.small {
			size = 50
		}
		page := a.contacts[min(offset, len(a.contacts)):min(offset+size, len(a.contacts))]
		answer = map[string]any{"contacts": page, "count": count}
		defer func() { a.contacts = a.contacts[min(a.deleted, len(a.contacts)):] }()
	case "importContacts":
		if a.limited--; a.limited >= 0 {
			return nil, &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Status: 429, RetryAfter: time.Minute}
		}
		a.started = time.Now()
		answer = map[string]any{"processId": 7}
	case "getProcess":
		if a.fails--; a.fails >= 0 {
			return nil, &provider.Error{Kind: provider.ErrUnavailable, Status: 503, Message: "down"}
		}
		answer = map[string]any{"id": 7, "status": "processing"}
		if time.Since(a.started) >= a.took {
			answer = map[string]any{"id": 7, "status": "completed", "info": map[string]any{"import": map[string]any{"invalid_emails": 0}}}
		}
	case "createContact":
		if a.limited--; a.limited >= 0 {
			return nil, &provider.Error{Kind: provider.ErrRateLimited, Outcome: provider.OutcomeNotSent, Status: 429, RetryAfter: time.Minute}
		}
	case "getContact":
		return nil, &provider.Error{Kind: provider.ErrNotFound}
	}
	data, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	reply.Body = data
	return reply, json.Unmarshal(data, out)
}

func (a *account) imports(t *testing.T) *bulkImport {
	t.Helper()
	a.calls = map[string]int{}
	return newAdapter(brevoapi.NewClient(a), "brevo", 0).NewBulkImport().(*bulkImport)
}

func rowsOf(t *testing.T, b *bulkImport, n int) []provider.BulkRow {
	t.Helper()
	rows := make([]provider.BulkRow, n)
	for i := range rows {
		var err error
		rows[i], err = b.Row(t.Context(), provider.ContactChange{Email: fmt.Sprintf("a%d@example.com", i), Memberships: []provider.Membership{{List: "4"}, {List: "2"}}})
		require.NoError(t, err)
	}
	assert.Equal(t, []int64{2, 4}, *rows[0].Data.(*importRow).lists)
	return rows
}

// Looks are scarce: a job of ten minutes takes a dozen, and the next of the same
// length, whose time is known, a few.
func TestFollowLooksRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{took: 10 * time.Minute}
		b := a.imports(t)
		for _, most := range []int{17, 12} {
			a.calls["getProcess"] = 0
			results, err := b.Store(t.Context(), rowsOf(t, b, fewRows))
			require.NoError(t, err)
			assert.Equal(t, provider.ContactStored, results[fewRows-1].Receipt.State)
			assert.LessOrEqual(t, a.calls["getProcess"], most)
			assert.Less(t, time.Since(a.started), 11*time.Minute)
		}
		a.took = 20 * time.Second
		for _, most := range []int{3, 3} {
			a.calls["getProcess"] = 0
			_, err := b.Store(t.Context(), rowsOf(t, b, fewRows))
			require.NoError(t, err)
			assert.LessOrEqual(t, a.calls["getProcess"], most)
		}
	})
}

// oneByOne serves calls one after the other and counts jobs beside each other.
type oneByOne struct {
	*account
	mu     sync.Mutex
	beside int
}

func (o *oneByOne) Do(ctx context.Context, call *rest.Call, out any) (*rest.Reply, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if call.Operation == "importContacts" && !o.started.IsZero() && time.Since(o.started) < o.took {
		o.beside++
	}
	return o.account.Do(ctx, call, out)
}

// Jobs of an account follow each other, whichever import they are of.
func TestOneJobAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &oneByOne{account: &account{took: time.Minute, calls: map[string]int{}}}
		a := newAdapter(brevoapi.NewClient(o), "brevo", 0)
		var all sync.WaitGroup
		for range 3 {
			b := a.NewBulkImport().(*bulkImport)
			rows := rowsOf(t, b, fewRows)
			all.Go(func() {
				results, err := b.Store(t.Context(), rows)
				assert.NoError(t, err)
				assert.Equal(t, provider.ContactStored, results[0].Receipt.State)
			})
		}
		all.Wait()
		assert.Equal(t, 3, o.calls["importContacts"])
		assert.Zero(t, o.beside)

		// Who waits for another's job may give up.
		b := a.NewBulkImport().(*bulkImport)
		rows := rowsOf(t, b, fewRows)
		a.job <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		results, err := b.Store(ctx, rows)
		require.ErrorIs(t, err, provider.ErrCanceled)
		assert.Empty(t, results)
		assert.ErrorContains(t, err, "an import job before it has not ended")
		assert.Equal(t, 3, o.calls["importContacts"])
	})
}

// A job takes what is empty, and false, for "leave as it is".
func TestClears(t *testing.T) {
	for _, row := range []struct {
		name  string
		value any
		want  bool
	}{
		{name: "text", value: "x"},
		{name: "empty text", value: "", want: true},
		{name: "true", value: true},
		{name: "false", value: false, want: true},
		{name: "0", value: 0.0},
		{name: "number as written", value: json.Number("0")},
		{name: "list", value: []string{"a"}},
		{name: "empty list", value: []string{}, want: true},
	} {
		assert.Equal(t, row.want, clears(map[string]any{"A": row.value}), row.name)
	}
}

func TestFollowGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{took: 24 * time.Hour}
		b := a.imports(t)
		results, err := b.Store(t.Context(), rowsOf(t, b, fewRows))
		require.NoError(t, err)
		require.ErrorIs(t, results[0].Err, provider.ErrOutcomeUnknown)
		assert.ErrorContains(t, results[0].Err, "import job 7 has not ended after 1h")
		assert.LessOrEqual(t, a.calls["getProcess"], 70, "an hour's allowance is 100")

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		results, err = b.Store(ctx, rowsOf(t, b, fewRows))
		require.NoError(t, err)
		require.ErrorIs(t, results[0].Err, provider.ErrOutcomeUnknown)
		assert.ErrorContains(t, results[0].Err, "not followed to its end")
	})
}

func TestFollowThroughFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{fails: 4}
		b := a.imports(t)
		results, err := b.Store(t.Context(), rowsOf(t, b, fewRows))
		require.NoError(t, err)
		assert.Equal(t, provider.ContactStored, results[0].Receipt.State)
		a.fails = 5
		results, err = b.Store(t.Context(), rowsOf(t, b, fewRows))
		require.NoError(t, err)
		require.ErrorIs(t, results[0].Err, provider.ErrOutcomeUnknown)
		assert.ErrorContains(t, results[0].Err, "looking at it fails: ")
	})
}

// A job that a limit keeps back is for the import to wait for: nothing is stored yet.
func TestStoreKeptBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{limited: 1, contacts: contacts(3)}
		b := a.imports(t)
		rows := rowsOf(t, b, fewRows+1)
		results, err := b.Store(t.Context(), rows)
		require.ErrorIs(t, err, provider.ErrRateLimited)
		assert.Nil(t, results)
		assert.Zero(t, a.calls["createContact"], "an upsert would be made again after the wait")
		results, err = b.Store(t.Context(), rows)
		require.NoError(t, err)
		assert.Equal(t, provider.ContactStored, results[0].Receipt.State)
		assert.Empty(t, a.since[0])
		assert.NotContains(t, a.since[1:], "", "all contacts are read once")
	})
}

// An upsert of many that a limit keeps back is made again after the time it names,
// for as long as an import waits.
func TestStoreWaitsBetweenUpserts(t *testing.T) {
	for limited, want := range map[int]bool{3: true, 100: false} {
		synctest.Test(t, func(t *testing.T) {
			a := &account{limited: limited}
			b := a.imports(t)
			start := time.Now()
			results, err := b.Store(t.Context(), rowsOf(t, b, 10))
			require.NoError(t, err)
			for _, r := range results {
				assert.Equal(t, want, r.Err == nil, "%v", r.Err)
			}
			if want {
				assert.Equal(t, 3*time.Minute, time.Since(start))
				return
			}
			require.ErrorIs(t, results[0].Err, provider.ErrRateLimited)
			assert.Equal(t, 5*time.Minute, time.Since(start))
			assert.ErrorIs(t, results[9].Err, provider.ErrCanceled)
		})
	}
}

func contacts(n int) []brevoapi.Contact {
	out := make([]brevoapi.Contact, n)
	for i := range out {
		out[i] = brevoapi.Contact{ID: int64(i + 1), Email: fmt.Sprintf("c%d@example.com", i+1), EmailBlacklisted: i%2 == 0}
	}
	return out
}

// Contacts that are deleted while the pages are read hide none that stays.
func TestWalkMissesNobody(t *testing.T) {
	for _, n := range []int{0, 1, 999, 1000, 1001, 3500} {
		for _, deleted := range []int{0, 1, 49} {
			a := &account{contacts: contacts(n), deleted: deleted}
			all := slices.Clone(a.contacts)
			b := a.imports(t)
			known, err := b.known(t.Context(), 1000)
			require.NoError(t, err)
			require.True(t, known)
			stay := all[len(all)-len(a.contacts):]
			for _, c := range stay {
				assert.Equal(t, c.EmailBlacklisted, b.consent.out(c.Email, nil), "%s of %d, %d deleted", c.Email, n, deleted)
			}
			if deleted == 0 {
				assert.LessOrEqual(t, a.calls["listContacts"], n/contactsPage+2)
			}
		}
	}
}

func TestWalkGivesUp(t *testing.T) {
	small := &account{contacts: contacts(200), small: true}
	b := small.imports(t)
	known, err := b.known(t.Context(), 1000)
	require.NoError(t, err)
	require.True(t, known)
	for _, c := range small.contacts {
		assert.Equal(t, c.EmailBlacklisted, b.consent.out(c.Email, nil), "pages that are small are only slow")
	}
	a := &account{contacts: contacts(10_000), deleted: 51}
	_, err = a.imports(t).known(t.Context(), 10_000)
	require.ErrorIs(t, err, provider.ErrBadResponse)
	assert.Less(t, a.calls["listContacts"], 50)
}

// Reading a million contacts for sixty rows would be more calls than sixty upserts.
func TestWalkOnlyWhenItPays(t *testing.T) {
	a := &account{contacts: contacts(1000), count: 1_000_000}
	b := a.imports(t)
	results, err := b.Store(t.Context(), rowsOf(t, b, 60))
	require.NoError(t, err)
	assert.Len(t, results, 60)
	assert.Equal(t, map[string]int{"listContacts": 1, "getContact": 60, "createContact": 60}, a.calls)
}

// All contacts are read once, and before each look at a job those that have changed.
func TestChangesAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{contacts: contacts(10)}
		b := a.imports(t)
		rows := rowsOf(t, b, fewRows)
		for range 3 {
			_, err := b.Store(t.Context(), rows)
			require.NoError(t, err)
		}
		since := 0
		for _, all := range a.since {
			if all != "" {
				since++
			}
		}
		assert.Equal(t, 1, len(a.since)-since, "all contacts")
		assert.Equal(t, 2*(2+3*2), since, "two pages before the second and third job, before each look, and after each job")
	})
}

func TestLeft(t *testing.T) {
	c := consent{left: left{seed: maphash.MakeSeed(), more: map[uint64]struct{}{}}, news: map[uint64]struct{}{}}
	add := func(sum uint64) { c.left.more[sum], c.news[sum] = struct{}{}, struct{}{} }
	for _, contact := range []brevoapi.Contact{
		{Email: "Anna@Example.com", EmailBlacklisted: true},
		{Email: "ivan@xn--e1afmkfd.example", ListIDs: []int64{2}, ListUnsubscribed: []int64{4, 9}},
		{Email: "gone@example.com", ListUnsubscribed: []int64{4}},
		{Email: "free@example.com", ListIDs: []int64{4}},
	} {
		c.left.sumsOf(&contact, add)
	}
	for _, row := range []struct {
		email string
		lists []int64
		out   bool
	}{
		{"anna@example.com", nil, true},
		{"IVAN@ПРИМЕР.example", []int64{3, 9}, true},
		{"ivan@xn--e1afmkfd.example", []int64{3}, false},
		{"gone@example.com", []int64{3}, true},
		{"free@example.com", []int64{4}, false},
		{"other@example.com", []int64{4}, false},
	} {
		assert.Equal(t, row.out, c.out(row.email, row.lists), "%+v", row)
	}
	assert.True(t, c.since("anna@example.com", blocked))
	assert.False(t, c.since("gone@example.com", blocked))
	assert.True(t, c.since("gone@example.com", 4))
}

func TestPlainPhone(t *testing.T) {
	for v, want := range map[any]bool{
		nil: true, "375291234567": true, "+375291234567": true, "00375291234567": true, "123456": true, "123456789012345": true,
		"": false, "+": false, "00": false, "12345": false, "1234567890123456": false, "0291234567": false, "+0291234567": false,
		"+00375291234567": false, "375 29 123": false, "375-29-1234567": false, "۳۷۵۲۹۱۲۳۴": false, "12345x": false,
	} {
		assert.Equal(t, want, plainPhone(v), "%v", v)
	}
}
