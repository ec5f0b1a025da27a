package sendpulse_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/gen/sendpulseapi"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/memory"
	"github.com/postmux/postmux/sandbox"
	"github.com/postmux/postmux/sendpulse"
)

const name = "sendpulse"

// config opens an account at the fake with client id and secret.
func config(sb *sandbox.Server) sendpulse.Config {
	return sendpulse.Config{
		AccountSettings: provider.AccountSettings{BaseURL: sb.BaseURL(name), From: provider.Address{Email: "shop@example.com", Name: "Shop"}},
		ClientID:        sandbox.ClientID, ClientSecret: provider.NewSecret(sandbox.Key(name)),
	}
}

func start(t *testing.T) (*sandbox.Server, *provider.Client) {
	t.Helper()
	sb := sandbox.New(t)
	cfg := config(sb)
	cfg.Tries = 1 // the chain's repeats have tests of their own
	c, err := sendpulse.Open(cfg)
	require.NoError(t, err)
	return sb, c
}

// operations are the operations asked for, without the token's.
func operations(sb *sandbox.Server) []string {
	var out []string
	for _, r := range sb.Requests(name) {
		if r.Operation != "createAccessToken" {
			out = append(out, r.Operation)
		}
	}
	return out
}

func tokens(sb *sandbox.Server) int { return len(sb.Requests(name)) - len(operations(sb)) }

func message() *provider.Message {
	return &provider.Message{To: []provider.Address{{Email: "anna@example.com"}}, Subject: "Hi", HTML: "<p>Hi</p>", Text: "Hi"}
}

func TestCredentials(t *testing.T) {
	sb := sandbox.New(t)
	id, secret, key := sandbox.ClientID, provider.NewSecret(sandbox.Key(name)), provider.NewSecret(sandbox.SendPulseAPIKey)
	for field, cfg := range map[string]sendpulse.Config{
		"client_id neither": {},
		"client_secret":     {ClientID: id},
		"client_id":         {ClientSecret: secret},
		"api_key both":      {ClientID: id, ClientSecret: secret, APIKey: key},
		"api_key and id":    {ClientID: id, APIKey: key},
	} {
		_, err := sendpulse.Open(cfg)
		account := provider.AccountConfig{"provider": name}
		for key, text := range map[string]string{"client_id": cfg.ClientID, "client_secret": cfg.ClientSecret.Reveal(), "api_key": cfg.APIKey.Reveal()} {
			if text != "" {
				account[key] = "env:NOT_SET_" + key
			}
		}
		checked := provider.Registry{sendpulse.Driver()}.Check(provider.Config{Providers: map[string]provider.AccountConfig{name: account}})
		var before *provider.Error
		require.ErrorAs(t, checked, &before, "told before anything is opened")
		var e *provider.Error
		require.ErrorAs(t, err, &e, field)
		assert.Equal(t, provider.ErrConfig, e.Kind)
		want, _, _ := strings.Cut(field, " ")
		assert.Equal(t, want, e.Field)
		assert.Equal(t, "providers.sendpulse."+want, before.Field)
		assert.Equal(t, e.Message, before.Message)
		assert.Contains(t, err.Error(), "client_id")
	}

	cfg := config(sb)
	cfg.ClientID, cfg.ClientSecret, cfg.APIKey = "", provider.Secret{}, key
	c, err := sendpulse.Open(cfg)
	require.NoError(t, err)
	_, err = c.Send(t.Context(), message())
	require.NoError(t, err)
	assert.Zero(t, tokens(sb), "an API key needs no token")

	cfg.APIKey = provider.NewSecret("wrong")
	c, err = sendpulse.Open(cfg)
	require.NoError(t, err)
	_, err = c.Send(t.Context(), message())
	require.ErrorIs(t, err, provider.ErrUnauthorized)
	assert.Zero(t, tokens(sb), "nothing could be renewed")
}

func TestToken(t *testing.T) {
	sb, c := start(t)
	var wg sync.WaitGroup
	send := func() {
		for range 16 {
			wg.Go(func() {
				_, err := c.Send(t.Context(), message())
				assert.NoError(t, err)
			})
		}
		wg.Wait()
	}
	send()
	assert.Equal(t, 1, tokens(sb), "one token for all")

	sb.Advance(2 * time.Hour) // the fake's clock only: the token is refused
	send()
	assert.Equal(t, 2, tokens(sb), "one token more")
	assert.Len(t, sb.Messages(name), 32, "a refused mail was not sent twice")
}

func TestTokenRefused(t *testing.T) {
	sb := sandbox.New(t)
	cfg := config(sb)
	cfg.ClientSecret = provider.NewSecret("wrong-secret")
	c, err := sendpulse.Open(cfg)
	require.NoError(t, err)
	r, err := c.Send(t.Context(), message())
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrUnauthorized, e.Kind)
	assert.Equal(t, provider.OutcomeNotSent, e.Outcome)
	assert.Equal(t, "invalid_client", e.Code)
	assert.Contains(t, e.Message, "getting a token")
	assert.Equal(t, provider.StateRefused, r.State)
	assert.Empty(t, operations(sb), "the mail never left")

	// A new token that is refused too ends it: no third try.
	sb, c = start(t)
	sb.Fail(name, sandbox.Fault{Operation: "sendEmail", Status: http.StatusUnauthorized, Times: 2})
	_, err = c.Send(t.Context(), message())
	require.ErrorIs(t, err, provider.ErrUnauthorized)
	assert.Equal(t, 2, tokens(sb))
	assert.Len(t, operations(sb), 2)

	sb.Fail(name, sandbox.Fault{Operation: "createAccessToken", Status: 200, Body: `{}`})
	c, err = sendpulse.Open(config(sb))
	require.NoError(t, err)
	_, err = c.Send(t.Context(), message())
	require.ErrorIs(t, err, provider.ErrBadResponse)
}

func TestDryRun(t *testing.T) {
	sb := sandbox.New(t)
	var shown []provider.WireRequest
	c, err := sendpulse.Open(config(sb), provider.WithDryRun(func(r provider.WireRequest) { shown = append(shown, r) }))
	require.NoError(t, err)
	_, err = c.Send(t.Context(), message())
	require.ErrorIs(t, err, provider.ErrDryRun)
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com", Lists: []provider.Ref{{ID: "4"}}})
	require.ErrorIs(t, err, provider.ErrDryRun)
	_, err = c.Unsubscribe(t.Context(), "a@example.com", provider.Ref{}, "")
	require.ErrorIs(t, err, provider.ErrDryRun)
	require.ErrorIs(t, c.DeleteContact(t.Context(), "a@example.com"), provider.ErrDryRun)
	require.Len(t, shown, 4)
	assert.Equal(t, "Bearer REDACTED", shown[0].Headers["Authorization"])
	for _, r := range shown[1:] {
		assert.Equal(t, "GET", r.Method)
		assert.NotEmpty(t, r.Then)
	}
	assert.Empty(t, sb.Requests(name))
}

func TestSend(t *testing.T) {
	sb, c := start(t)
	m := message()
	m.To = append(m.To, provider.Address{Email: "oleg@example.com", Name: "Олег"})
	m.Cc, m.Bcc = []provider.Address{{Email: "cc@example.com"}}, []provider.Address{{Email: "bcc@example.com"}}
	m.ReplyTo = []provider.Address{{Email: "help@example.com", Name: "Help"}}
	m.Attachments = []provider.Attachment{{Name: "a.pdf", Content: []byte{0xff, 0}}, {Name: "b.txt", Content: []byte("b")}}
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, provider.StateAccepted, r.State)
	assert.Len(t, r.Recipients, 4)
	assert.Empty(t, r.Notes)
	got := sb.Messages(name)[0]
	assert.Equal(t, r.MessageID, got.ID)
	assert.Equal(t, m.To, got.To)
	assert.Equal(t, m.ReplyTo, got.ReplyTo)
	assert.Equal(t, "<p>Hi</p>", got.HTML)
	assert.Equal(t, []provider.Attachment{{Name: "a.pdf", Content: []byte{0xff, 0}}, {Name: "b.txt", Content: []byte("b")}}, got.Attachments)

	m = message()
	m.Text, m.From = "", provider.Address{Email: "shop@example.com"}
	r, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Len(t, r.Notes, 2)

	m = message()
	m.HTML, m.Text, m.Template, m.Variables = "", "", provider.Ref{ID: "12"}, map[string]any{"name": "Anna"}
	_, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	got = sb.Messages(name)[2]
	assert.Equal(t, "12", got.Template)
	assert.Equal(t, map[string]any{"name": "Anna"}, got.Variables)

	before := len(sb.Requests(name))
	m.Subject = ""
	_, err = c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrInvalid)
	m = message()
	m.Variables = map[string]any{"name": "Anna"}
	r, err = c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrUnsupported)
	assert.Contains(t, err.Error(), "variables")
	assert.Nil(t, r)
	assert.Len(t, sb.Requests(name), before, "nothing left")
}

func TestSendRefused(t *testing.T) {
	sb, c := start(t)
	m := message()
	m.From = provider.Address{Email: "shop@gmail.com", Name: "Shop"}
	_, err := c.Send(t.Context(), m)
	require.ErrorIs(t, err, provider.ErrForbidden)

	m = message()
	m.HTML, m.Text, m.Template = "", "", provider.Ref{ID: "99"}
	_, err = c.Send(t.Context(), m)
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "template", e.Field)

	for body, want := range map[string]provider.Kind{
		`{"result":false}`: provider.ErrInvalid,
		`{"is_error":true,"http_code":400,"error_code":2020202020,"message":"slow"}`: provider.ErrRateLimited,
		`{"is_error":true,"http_code":403,"error_code":3030303030,"message":"plan"}`: provider.ErrForbidden,
	} {
		sb.Fail(name, sandbox.Fault{Operation: "sendEmail", Status: 200, Body: body})
		r, err := c.Send(t.Context(), message())
		require.ErrorIs(t, err, want)
		assert.Contains(t, err.Error(), "nothing was sent")
		assert.Equal(t, provider.StateRefused, r.State)
	}
	sb.Fail(name, sandbox.Fault{Operation: "sendEmail", Status: 200, Body: `{"is_error":true,"http_code":500}`})
	r, err := c.Send(t.Context(), message())
	require.ErrorIs(t, err, provider.ErrOutcomeUnknown)
	assert.Equal(t, provider.StateUnknown, r.State)
	assert.Empty(t, sb.Messages(name))
}

func TestStatus(t *testing.T) {
	sb, c := start(t)
	for to, want := range map[string]provider.State{
		"anna@example.com": provider.StateDelivered, "bounce@example.com": provider.StateBounced, "gone@example.com": provider.StateQueued,
	} {
		sb.AddSuppression(name, "gone@example.com", provider.Suppression{Channel: provider.ChannelEmail, Scope: provider.ScopeTransactional})
		m := message()
		m.To[0].Email = to
		sent, err := c.Send(t.Context(), m)
		require.NoError(t, err)
		r, err := c.Status(t.Context(), sent)
		require.NoError(t, err)
		assert.Equal(t, want, r.State, to)
	}
	_, err := c.Status(t.Context(), provider.ReceiptFor("", "no-such-id"))
	require.ErrorIs(t, err, provider.ErrNotFound)
}

func TestCheck(t *testing.T) {
	_, c := start(t)
	h, err := c.Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []provider.Sender{{Email: "shop@example.com", Name: "Shop", Verified: true}}, h.Senders)
	require.NotNil(t, h.Quotas[0].Left)
	assert.InDelta(t, 8200, *h.Quotas[0].Left, 0)
}

func TestAPI(t *testing.T) {
	sb, c := start(t)
	api, ok := sendpulse.API(c)
	require.True(t, ok)
	blacklist, err := api.ListBlacklist(t.Context())
	require.NoError(t, err)
	assert.Empty(t, blacklist)
	check, err := api.GetSMTPUnsubscribe(t.Context(), &sendpulseapi.GetSMTPUnsubscribeParams{Email: "a@example.com"})
	require.NoError(t, err, "false is the information here, not a refusal")
	assert.False(t, check.Unsubscribed)
	assert.Equal(t, []string{"listBlacklist", "getSMTPUnsubscribe"}, operations(sb))

	other, err := memory.NewStore().Client()
	require.NoError(t, err)
	_, ok = sendpulse.API(other)
	assert.False(t, ok)
}

func TestNameVariables(t *testing.T) {
	sb := sandbox.New(t)
	cfg := config(sb)
	cfg.FirstNameVariable, cfg.LastNameVariable = "Имя", "Фамилия"
	c, err := sendpulse.Open(cfg)
	require.NoError(t, err)
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{
		Email: "anna@example.com", Lists: []provider.Ref{{ID: "4"}}, FirstName: provider.ChangeTo("Анна"), LastName: provider.ChangeTo("Иванова"),
	})
	require.NoError(t, err)
	got, err := c.GetContact(t.Context(), "anna@example.com")
	require.NoError(t, err)
	assert.Equal(t, "Анна Иванова", fmt.Sprint(got.FirstName, " ", got.LastName))
	assert.Equal(t, map[string]any{"Имя": "Анна", "Фамилия": "Иванова"}, sb.Contacts(name)[0].Fields)
}

// A firewall refuses one mail for what is in it, and the others of a batch go out.
func TestBatchBehindAFirewall(t *testing.T) {
	sb, c := start(t)
	sb.Fail(name, sandbox.Fault{Operation: "sendEmail", Status: http.StatusForbidden, Body: `<html><title>Blocked</title>`})
	refused, sent := 0, 0
	_, err := c.SendBatch(t.Context(), func(yield func(*provider.Message, error) bool) {
		for range 6 {
			m := &provider.Message{
				From: provider.Address{Email: "shop@example.com"}, To: []provider.Address{{Email: anna}},
				Subject: "s", HTML: "<p>x</p>",
			}
			if !yield(m, nil) {
				return
			}
		}
	}, func(r provider.BatchResult) error {
		if r.Err == nil {
			sent++
			return nil
		}
		refused++
		assert.ErrorContains(t, r.Err, `a page of HTML and not the provider's: "Blocked"`)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 1, refused)
	assert.Equal(t, 5, sent)
}
