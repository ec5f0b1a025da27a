package main

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/provider/events"
	"github.com/postmux/postmux/sandbox"
)

const secret = "secret-of-the-example"

// Everything is told twice and in any order, and the database is away for a while: each
// event counts once, and its effect too.
func TestOnce(t *testing.T) {
	db, err := open(filepath.Join(t.TempDir(), "events.db"))
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // of a test
	h, err := handler(db, provider.NewSecret(secret))
	require.NoError(t, err)
	server := httptest.NewServer(h)
	defer server.Close()
	sb := sandbox.New(t)
	sb.SetHooks(sandbox.Hooks{Duplicate: 2, Shuffle: true})
	require.NoError(t, sb.AddWebhook("brevo", "", server.URL+"/main/"+secret))
	c, err := all.OpenAccount(t.Context(), sb.Config(), "brevo")
	require.NoError(t, err)
	for _, to := range []string{"anna@example.com", "bounce@example.com", "complain@example.com", "unsub@example.com"} {
		_, err := c.Send(t.Context(), &provider.Message{To: []provider.Address{{Email: to}}, Subject: "Order", HTML: "<p>x</p>"})
		require.NoError(t, err)
	}
	_, err = db.Exec(`ALTER TABLE event RENAME TO away`)
	require.NoError(t, err)
	taken, err := sb.DeliverEvents(t.Context())
	require.NoError(t, err)
	assert.Zero(t, taken)
	_, err = db.Exec(`ALTER TABLE away RENAME TO event`)
	require.NoError(t, err)
	sb.Advance(time.Hour)
	taken, err = sb.DeliverEvents(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 3*(2+2+3+3), taken)
	assert.Equal(t, 2+2+3+3, count(t, db.QueryRow(`SELECT COUNT(*) FROM event`)))
	assert.Equal(t, 3, count(t, db.QueryRow(`SELECT COUNT(*) FROM suppression`)))
	assert.Equal(t, 1, count(t, db.QueryRow(`SELECT MAX(times) FROM suppression`)), "an effect was had twice")

	// What the log tells of the same mail is the same event.
	report, err := events.Poll(t.Context(), c, events.FileCursor(t.TempDir()), func(ctx context.Context, list []events.Event) error {
		for i := range list {
			list[i].Account = "main" // as the webhook has it
		}
		return keep(db)(ctx, list)
	})
	require.NoError(t, err)
	assert.Equal(t, 2+2+3+3, report.New)
	assert.Equal(t, 2+2+3+3, count(t, db.QueryRow(`SELECT COUNT(*) FROM event`)))
}

func count(t *testing.T, row interface{ Scan(...any) error }) (n int) {
	t.Helper()
	require.NoError(t, row.Scan(&n))
	return n
}
