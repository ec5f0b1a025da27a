package route_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
	"github.com/postmux/postmux/provider/route"
)

// The log line of a send has the id of the mail, its notes, tries and waits, and no
// address; that of a route has those of its members.
func TestLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		hooks := provider.SlogHooks(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
		requests := 0
		settings := brevo.Config{APIKey: provider.NewSecret("xkeysib-" + t.Name()), AccountSettings: provider.AccountSettings{
			From: provider.Address{Email: "shop@example.com"}, RedirectTo: "qa@example.com",
		}}
		main, err := brevo.Open(settings, provider.WithHooks(hooks), provider.WithHTTPClient(&http.Client{Transport: wire(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			if requests++; requests == 1 {
				return answer(429, `{"code":"x"}`, "Retry-After", "12")
			}
			return answer(201, `{"messageId":"<1@example.com>"}`)
		})}))
		require.NoError(t, err)
		a := &fake{lacks: []provider.Feature{feature.MessageCc}}
		b := new(fake)
		b.answers(badKey)
		c, err := route.Options{Name: "mail", Hooks: hooks, Patience: time.Minute}.Failover(b.client(t, "first"), a.client(t, "second"), main)
		require.NoError(t, err)
		m := message()
		m.Cc = message("boris@example.com").To
		_, err = c.Send(t.Context(), m)
		require.NoError(t, err)
		lines := strings.ReplaceAll(out.String(), `request_id="" `, "")
		assert.Equal(t, []string{
			`level=WARN msg="route member" provider=fake account=first route=mail from=ready to=unauthorized why="unauthorized, status 401"`,
			`level=DEBUG msg="provider request" provider=brevo account=brevo operation=sendEmail method=POST route=/smtp/email try=1 status=429 outcome=not_sent took=0s waited=0s backoff=0s`,
			`level=DEBUG msg="provider request" provider=brevo account=brevo operation=sendEmail method=POST route=/smtp/email try=2 status=201 outcome="" took=0s waited=0s backoff=12s`,
			`level=INFO msg="provider operation" provider=brevo account=brevo op=send state=accepted took=12s tries=2 waited=0s backoff=12s message_id=<1@example.com> notes="[to converted]"`,
			`level=INFO msg="provider operation" provider=failover account=mail op=send state=accepted took=12s tries=2 waited=0s backoff=12s message_id=<1@example.com> by=brevo notes="[to converted]" members="[first unauthorized second unsupported]"`,
		}, strings.Split(strings.TrimSpace(lines), "\n"))
	})
}
