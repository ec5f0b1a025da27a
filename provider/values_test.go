package provider_test

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
)

// keeper is an adapter that keeps what it gets.
type keeper struct {
	anything
	message provider.Message
	change  provider.ContactChange
}

func (k *keeper) Capabilities() provider.Capabilities {
	caps := provider.Capabilities{}
	for _, f := range provider.Features() {
		caps[f] = provider.Support{Level: provider.LevelNative}
	}
	return caps
}

func (k *keeper) Send(_ context.Context, m *provider.Message) (*provider.Receipt, error) {
	k.message = *m
	return m.Accepted("1"), nil
}

func (k *keeper) UpsertContact(_ context.Context, c provider.ContactChange) (*provider.ContactReceipt, error) {
	k.change = c
	return &provider.ContactReceipt{State: provider.ContactStored}, nil
}

func keeping(t *testing.T) (*keeper, *provider.Client) {
	t.Helper()
	k := new(keeper)
	c, err := provider.NewClient(k, "keeper", provider.AccountSettings{From: provider.Address{Email: "shop@example.com"}}, provider.DriverEnv{})
	require.NoError(t, err)
	return k, c
}

// What database rows and programs hold becomes what JSON has, before an adapter sees it.
func TestGoValues(t *testing.T) {
	k, c := keeping(t)
	city, at := "Minsk", time.Date(2026, 3, 21, 9, 0, 0, 0, time.UTC)
	var none *string
	values := map[string]any{
		"i": int32(1), "u": uint64(math.MaxUint64), "f": float32(0.1), "at": at, "p": &city, "none": none,
		"list": []string{"a"}, "n": json.Number("10.10"), "ok": true,
	}
	want := map[string]any{
		"i": int64(1), "u": json.Number("18446744073709551615"), "f": 0.1, "at": "2026-03-21T09:00:00Z", "p": "Minsk", "none": nil,
		"list": []string{"a"}, "n": json.Number("10.10"), "ok": true,
	}
	given := len(values)
	_, err := c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com", Fields: values})
	require.NoError(t, err)
	assert.Equal(t, want, k.change.Fields)

	m := plainMessage()
	m.Variables = values
	_, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, want, k.message.Variables)
	m = plainMessage()
	m.To, m.Recipients = nil, []provider.Recipient{{Email: "a@example.com", Variables: values}, {Email: "b@example.com"}}
	_, err = c.Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, want, k.message.Recipients[0].Variables)
	assert.Equal(t, int32(1), m.Recipients[0].Variables["i"], "the caller's message stays as it is")
	assert.Len(t, values, given)

	for _, row := range []struct {
		name  string
		value any
	}{{"NaN", math.NaN()}, {"infinity", math.Inf(-1)}, {"bytes", []byte("a")}, {"channel", make(chan int)}, {"no number", json.Number("x")}} {
		t.Run(row.name, func(t *testing.T) {
			bad := map[string]any{"deep": map[string]any{"x": []any{row.value}}}
			m := plainMessage()
			m.Variables = bad
			_, err := c.Send(t.Context(), m)
			fieldIs(t, err, "variables.deep.x[0]")
			m = plainMessage()
			m.To, m.Recipients = nil, []provider.Recipient{{Email: "a@example.com", Variables: bad}}
			_, err = c.Send(t.Context(), m)
			fieldIs(t, err, "recipients[0].variables.deep.x[0]")
			_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com", Fields: map[string]any{"x": row.value}})
			fieldIs(t, err, "fields.x")
		})
	}
	_, err = c.UpsertContact(t.Context(), provider.ContactChange{Email: "a@example.com", Fields: map[string]any{"x": map[string]any{}}})
	fieldIs(t, err, "fields.x")
}

func fieldIs(t *testing.T, err error, field string) {
	t.Helper()
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, provider.ErrInvalid, e.Kind)
	assert.Equal(t, field, e.Field)
}

// The names of files are in NFC and safe in a header, and a changed one is told.
func TestFileNames(t *testing.T) {
	k, c := keeping(t)
	m := plainMessage()
	m.Attachments = []provider.Attachment{
		{Name: "Cafe\u0301.pdf", Content: []byte("x")}, {Name: `"a".txt`, Content: []byte("x")}, {Name: "گزارش\u200cها.pdf", Content: []byte("x")},
	}
	r, err := c.Send(t.Context(), m)
	require.NoError(t, err)
	var names []string
	for _, a := range k.message.Attachments {
		names = append(names, a.Name)
	}
	assert.Equal(t, []string{"Café.pdf", "'a'.txt", "گزارش\u200cها.pdf"}, names)
	assert.Equal(t, "Cafe\u0301.pdf", m.Attachments[0].Name, "the caller's message stays as it is")
	require.Len(t, r.Notes, 1)
	assert.Equal(t, "attachments[1].name", r.Notes[0].Field)
	assert.Equal(t, provider.NoteConverted, r.Notes[0].Action)
	m.Attachments[0].Name = "a\u2068b\u2069.pdf"
	_, err = c.Send(t.Context(), m)
	fieldIs(t, err, "attachments[0].name")
}

func TestHeadersOfTheWay(t *testing.T) {
	_, c := keeping(t)
	for _, name := range []string{
		"Date", "sender", "Return-Path", "Received", "Received-SPF", "Resent-From", "resent-date", "ARC-Seal", "Authentication-Results",
		"Delivered-To", "DomainKey-Signature",
	} {
		m := plainMessage()
		m.Headers = map[string]string{name: "x"}
		_, err := c.Send(t.Context(), m)
		fieldIs(t, err, "headers."+name)
	}
}

// Halves of a character in a name and its value are no character.
func TestMetadataHalves(t *testing.T) {
	m := plainMessage()
	m.Metadata = map[string]string{"a\xd0": "\x90"}
	assert.ErrorIs(t, m.Validate(), provider.ErrInvalid)
}

// A configuration keeps its digits and takes no text that is not UTF-8.
func TestConfigDigits(t *testing.T) {
	cfg, err := provider.ParseConfig([]byte("\ufeff" + `{"providers":{"main":{"provider":"x","folder_id":9007199254740993}}}`))
	require.NoError(t, err)
	assert.Equal(t, json.Number("9007199254740993"), cfg.Providers["main"]["folder_id"])
	_, err = provider.ParseConfig([]byte("{\"providers\":{\"main\":{\"api_key\":\"\xc0secret\"}}}"))
	var e *provider.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "providers.main.api_key", e.Field)
	assert.NotContains(t, err.Error(), "secret")
}
