package pakat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// A mail whose answer was lost is found again.
func TestFindSent(t *testing.T) {
	s, c := start(t)
	for range 60 { // more than a page
		_, err := c.Send(t.Context(), letter(time.Now().Add(24*time.Hour)))
		require.NoError(t, err)
	}
	s.Fail("pakat", sandbox.Fault{Operation: "sendTransactionalEmail", Drop: true, After: true})
	m := letter(time.Time{})
	m.Subject = "فقط یکی"
	r, err := c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	settled, err := c.Settle(t.Context(), r)
	require.NoError(t, err)
	mails := s.Messages("pakat")
	assert.Equal(t, mails[len(mails)-1].ID, settled.MessageID)
	assert.Equal(t, provider.StateQueued, settled.State)
}

// The order is not stated, so both ends of a long list are read, and not the middle.
func TestFindSentReadsBothEnds(t *testing.T) {
	const total = 100
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var asked []int
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		asked = append(asked, page)
		next := any(page + 1)
		if page == total {
			next = nil
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{
			"count": "2500", "total_pages": total, "current_page": page, "next_page": next, "prev_page": nil,
			"records": []any{map[string]any{
				"email_uid": fmt.Sprint("uid", page), "to_email": sara, "subject": "سلام", "status": "sent",
				"send_at": at.Format(time.DateTime), "date_added": "2026-03-01 15:30:00", // of another zone
			}},
		}})
	}))
	defer srv.Close()
	c, err := pakat.Open(pakat.Config{AccountSettings: provider.AccountSettings{BaseURL: srv.URL}, APIKey: provider.NewSecret("k")})
	require.NoError(t, err)
	r := &provider.Receipt{
		State:      provider.StateUnknown,
		Recipients: []provider.RecipientResult{{Email: sara, State: provider.StateUnknown}},
		Unsettled:  &provider.Trace{At: at, Until: at, Subject: "سلام"},
	}
	settled, err := c.Settle(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, asked, 40)
	assert.Equal(t, []int{1, 20, 81, 100}, []int{asked[0], asked[19], asked[20], asked[39]})
	assert.Equal(t, provider.StateUnknown, settled.State)
	assert.Contains(t, settled.Notes[0].Why, "40 mails", "found by the time it was to go out")
}

func TestV3FindSent(t *testing.T) {
	s := sandbox.New(t)
	c := v3Client(t, s, nil)
	s.Fail("pakatv3", sandbox.Fault{Operation: "sendEmail", Drop: true, After: true})
	r, err := c.Send(t.Context(), letter(time.Time{}))
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	settled, err := c.Settle(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, s.Messages("pakatv3")[0].ID, settled.MessageID)
	assert.Equal(t, provider.StateAccepted, settled.State)
}
