package provider_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// bulkStub stores rows three at a time; store answers a call.
type bulkStub struct {
	stub
	groups [][]string
	store  func(emails []string) ([]provider.ImportResult, error)
}

func (s *bulkStub) NewBulkImport() provider.BulkImport { return s }

func (s *bulkStub) Limits() provider.GroupLimits { return provider.GroupLimits{Items: 3} }

func (s *bulkStub) Row(_ context.Context, c provider.ContactChange) (provider.BulkRow, error) {
	if c.Email == "bad@example.com" {
		return provider.BulkRow{}, provider.Invalid("email", "bad")
	}
	return provider.BulkRow{Key: fmt.Sprint(c.Memberships), Alone: c.Status != "", Bytes: 10, Data: c.Email}, nil
}

func (s *bulkStub) Store(_ context.Context, rows []provider.BulkRow) ([]provider.ImportResult, error) {
	emails := make([]string, len(rows))
	for i, r := range rows {
		emails[i] = r.Data.(string)
	}
	s.groups = append(s.groups, emails)
	if s.store != nil {
		return s.store(emails)
	}
	return storedRows(len(rows)), nil
}

func storedRows(n int) []provider.ImportResult {
	out := make([]provider.ImportResult, n)
	for i := range out {
		out[i].Receipt = &provider.ContactReceipt{State: provider.ContactStored}
	}
	return out
}

func imported(t *testing.T, s *bulkStub, rows ...provider.ContactChange) (provider.ImportReport, []provider.ImportResult, error) {
	t.Helper()
	s.caps = everything(nil)
	sec := provider.AccountSettings{Concurrency: 1}
	c, err := provider.NewClient(s, "stub", sec, provider.DriverEnv{Account: "main"})
	require.NoError(t, err)
	var got []provider.ImportResult
	report, err := c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}, func(r provider.ImportResult) error { got = append(got, r); return nil })
	return report, got, err
}

func row(name string, lists ...string) provider.ContactChange {
	c := provider.ContactChange{Email: name + "@example.com"}
	for _, id := range lists {
		c.Lists = append(c.Lists, provider.Ref{ID: id})
	}
	return c
}

func TestBulkImportGroups(t *testing.T) {
	s := &bulkStub{}
	alone := row("d", "1")
	alone.Status = provider.StatusUnsubscribed
	report, got, err := imported(t, s, row("a", "1"), row("b", "2"), row("bad"), row("c", "1"), alone, row("e", "1"), row("f", "2"), row("nothing@at"))
	require.NoError(t, err)
	assert.Equal(t, provider.ImportReport{Rows: 8, Created: 1, Stored: 5, Refused: 2}, report)
	slices.SortFunc(s.groups, slices.Compare)
	assert.Equal(t, [][]string{{"a@example.com", "c@example.com", "e@example.com"}, {"b@example.com", "f@example.com"}}, s.groups)
	assert.Len(t, s.ups, 1)
	for i, r := range got {
		assert.Equal(t, i, r.Index)
		if r.Err == nil {
			assert.Equal(t, r.Email, r.Receipt.Email)
			assert.Equal(t, "main", r.Receipt.Account)
		}
	}
}

// A limit that keeps the look before the change back is waited for too: nothing
// was changed, although the error of a look does not say so by itself.
func TestBulkImportWaitsForALimit(t *testing.T) {
	rows := []provider.ContactChange{row("a", "1"), row("b", "1")}
	for _, row := range []struct {
		name        string
		after       time.Duration
		least, most time.Duration
	}{
		{name: "a minute", after: time.Minute, least: time.Minute, most: time.Minute},
		{name: "no time named", least: 2 * time.Second, most: 5 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &bulkStub{}
				s.store = func(emails []string) ([]provider.ImportResult, error) {
					if len(s.groups) == 1 {
						return nil, &provider.Error{Kind: provider.ErrRateLimited, RetryAfter: row.after}
					}
					return storedRows(len(emails)), nil
				}
				start := time.Now()
				report, _, err := imported(t, s, rows...)
				require.NoError(t, err)
				assert.Equal(t, provider.ImportReport{Rows: 2, Stored: 2}, report)
				assert.GreaterOrEqual(t, time.Since(start), row.least)
				assert.LessOrEqual(t, time.Since(start), row.most)
			})
		})
	}
}

func TestBulkImportOutcomes(t *testing.T) {
	for name, want := range map[string]struct {
		results []provider.ImportResult
		err     error
		report  provider.ImportReport
		ends    bool
	}{
		"refused":        {nil, &provider.Error{Kind: provider.ErrInvalid, Outcome: provider.OutcomeNotSent}, provider.ImportReport{Rows: 2, Refused: 2}, false},
		"unknown":        {nil, &provider.Error{Kind: provider.ErrOutcomeUnknown, Outcome: provider.OutcomeMaybeSent}, provider.ImportReport{Rows: 2, Unknown: 2}, false},
		"a bad key":      {nil, &provider.Error{Kind: provider.ErrUnauthorized}, provider.ImportReport{Rows: 2, Refused: 2}, true},
		"a short answer": {storedRows(1), nil, provider.ImportReport{Rows: 2, Stored: 1, Unknown: 1}, true},
		"told as open":   {[]provider.ImportResult{{Receipt: &provider.ContactReceipt{State: provider.ContactUnknown}}, {}}, nil, provider.ImportReport{Rows: 2, Unknown: 2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &bulkStub{store: func([]string) ([]provider.ImportResult, error) { return want.results, want.err }}
			report, _, err := imported(t, s, row("a", "1"), row("b", "1"))
			assert.Equal(t, want.report, report)
			assert.Equal(t, want.ends, err != nil, "%v", err)
		})
	}
}

// Rows with the same address are stored one after the other, however many calls
// run at a time: the last one wins.
func TestImportKeepsTheOrderOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowUpserts{}
		c := batchClient(t, s, provider.AccountSettings{}, provider.DriverEnv{})
		report, err := c.ImportContacts(t.Context(), func(yield func(provider.ContactChange, error) bool) {
			for i := range 30 {
				email := fmt.Sprintf("A%d@example.com", i%3)
				if i%2 == 0 {
					email = strings.ToLower(email)
				}
				if !yield(provider.ContactChange{Email: email, FirstName: provider.ChangeTo(fmt.Sprint(i))}, nil) {
					return
				}
			}
		}, nil)
		require.NoError(t, err)
		assert.Equal(t, 30, report.Rows)
		for email, names := range s.names {
			assert.True(t, slices.IsSortedFunc(names, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) }), "%s: %v", email, names)
		}
	})
}

// slowUpserts takes longer for earlier rows.
type slowUpserts struct {
	stub
	mu    sync.Mutex
	names map[string][]string
}

func (s *slowUpserts) Capabilities() provider.Capabilities { return everything(nil) }

func (s *slowUpserts) UpsertContact(_ context.Context, c provider.ContactChange) (*provider.ContactReceipt, error) {
	n, _ := strconv.Atoi(c.FirstName.Value())
	<-time.After(time.Duration(40-n) * time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil {
		s.names = make(map[string][]string)
	}
	key := strings.ToLower(c.Email)
	s.names[key] = append(s.names[key], c.FirstName.Value())
	return &provider.ContactReceipt{State: provider.ContactStored}, nil
}
