package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
)

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]provider.Address{
		"anna@example.com":                    {Email: "anna@example.com"},
		" anna@example.com ":                  {Email: "anna@example.com"},
		"Anna <anna@example.com>":             {Email: "anna@example.com", Name: "Anna"},
		"Иванова, Анна <anna@example.by>":     {Email: "anna@example.by", Name: "Иванова, Анна"},
		`"Иванова, Анна" <anna@example.by>`:   {Email: "anna@example.by", Name: "Иванова, Анна"},
		"فروشگاه <shop@example.ir>":           {Email: "shop@example.ir", Name: "فروشگاه"},
		"=?utf-8?q?An=C3=A9?= <a@example.by>": {Email: "a@example.by", Name: "Ané"},
		"<a@example.by>":                      {Email: "a@example.by"},
	} {
		got, err := parseAddress("--to", in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "anna", "a@example.com, b@example.com", "Anna <anna>", "Anna anna@example.com"} {
		_, err := parseAddress("--to", in)
		assert.Equal(t, exit.Local, exit.Code(err), in)
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	tehran, err := time.LoadLocation("Asia/Tehran")
	require.NoError(t, err)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, tc := range []struct {
		text string
		in   *time.Location
		want string // RFC 3339
		err  string
	}{
		{text: "+1h", want: "2026-11-30T11:00:00Z"},
		{text: "+1h30m", want: "2026-11-30T11:30:00Z"},
		{text: "+2d", want: "2026-12-02T10:00:00Z"},
		{text: "+1d12h", want: "2026-12-01T22:00:00Z"},
		{text: "-7d", want: "2026-11-23T10:00:00Z"},
		{text: "2026-12-25 09:00", in: tehran, want: "2026-12-25T09:00:00+03:30"},
		{text: "2026-12-25T09:00", in: tehran, want: "2026-12-25T09:00:00+03:30"},
		{text: "2026-12-25 09:00:30", want: "2026-12-25T09:00:30Z"},
		{text: "2026-12-25 09:00 Asia/Tehran", want: "2026-12-25T09:00:00+03:30"},
		{text: "2026-12-25 09:00 +05:00", want: "2026-12-25T09:00:00+05:00"},
		{text: "2026-12-25 09:00+03:30", want: "2026-12-25T09:00:00+03:30"},
		{text: "2026-12-25 09:00Z", in: tehran, want: "2026-12-25T09:00:00Z"},
		{text: "2026-12-25T09:00:00+03:30", in: berlin, want: "2026-12-25T09:00:00+03:30"},
		{text: "2026-12-25", in: tehran, want: "2026-12-25T00:00:00+03:30"},
		{text: "2026-12-25 Europe/Minsk", want: "2026-12-25T00:00:00+03:00"},
		{text: "2026-03-29 02:30", in: berlin, err: "does not exist in Europe/Berlin"},
		{text: "2026-10-25 02:30", in: berlin, err: "comes twice in Europe/Berlin"},
		{text: "2026-10-25 02:30 +01:00", in: berlin, want: "2026-10-25T02:30:00+01:00"},
		{text: "2026-12-25 09:00 Mars/Base", err: "expected a zone like Asia/Tehran or +03:30"},
		{text: "tomorrow", err: "expected a time like +2h"},
		{text: "+", err: "expected a time like"},
		{text: "++1h", err: "expected a time like"},
		{text: "+99999999d", err: "expected a time like"},
		{text: "2026-13-01", err: "expected a time like"},
		{text: "2026-02-30 09:00", err: "expected a time like"},
		{text: "", err: "expected a time like"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			in := tc.in
			if in == nil {
				in = time.UTC
			}
			got, err := parseTime("--send-at", tc.text, in, now)
			if tc.err != "" {
				assert.ErrorContains(t, err, tc.err)
				assert.Equal(t, exit.Local, exit.Code(err))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, got.Format(time.RFC3339))
		})
	}
}

func TestCutHeader(t *testing.T) {
	for _, tc := range []struct{ text, name, value, err string }{
		{text: "X-Shop: 1", name: "X-Shop", value: "1"},
		{text: "X-Shop:1", name: "X-Shop", value: "1"},
		{text: "X-Shop=1", name: "X-Shop", value: "1"},
		{text: "X-Link: https://example.com/?a=b", name: "X-Link", value: "https://example.com/?a=b"},
		{text: "X-Link=https://example.com", name: "X-Link", value: "https://example.com"},
		{text: "X-Shop", err: `expected "NAME: VALUE"`},
		{text: ": 1", err: `expected "NAME: VALUE"`},
	} {
		t.Run(tc.text, func(t *testing.T) {
			name, value, err := cutHeader("--header", tc.text)
			if tc.err != "" {
				assert.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, []string{tc.name, tc.value}, []string{name, value})
		})
	}
}
