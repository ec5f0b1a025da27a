package main

import (
	"errors"
	"strings"
	"time"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// parseAddress reads an address that flag gave.
func parseAddress(flag, text string) (provider.Address, error) {
	a, err := provider.ParseAddress(text)
	if e, ok := errors.AsType[*provider.Error](err); ok {
		return a, exit.UsageError(flag, "%s", e.Message)
	}
	return a, nil
}

// parseAddresses reads addresses; a text may hold several, with commas between.
func parseAddresses(flag string, texts []string) ([]provider.Address, error) {
	var out []provider.Address
	for _, t := range texts {
		for _, one := range splitAddresses(t) {
			a, err := parseAddress(flag, one)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	return out, nil
}

// splitAddresses cuts a text at the commas that stand between addresses. A name may have
// commas as well, so what is no address alone belongs to the <address> behind it.
func splitAddresses(text string) []string {
	var out []string
	name := "" // the beginning of an address, up to its last comma
	for part := range strings.SplitSeq(text, ",") {
		switch trimmed := strings.TrimSpace(part); {
		case strings.HasSuffix(trimmed, ">"):
			out, name = append(out, name+part), ""
		case provider.CheckEmail(trimmed) == nil:
			if name != "" {
				out = append(out, strings.TrimSuffix(name, ","))
			}
			out, name = append(out, part), ""
		default:
			name += part + ","
		}
	}
	if name != "" {
		out = append(out, strings.TrimSuffix(name, ","))
	}
	return out
}

// cutHeader reads "Name: value" as it stands in a mail, or "NAME=VALUE".
func cutHeader(flag, text string) (name, value string, err error) {
	if i := strings.IndexAny(text, ":="); i > 0 && text[i] == ':' {
		return strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:]), nil
	} else if i <= 0 {
		return "", "", exit.UsageError(flag, `expected "NAME: VALUE", got %q`, text)
	}
	return cutPair(flag, text)
}

// cutPair reads "name=value".
func cutPair(flag, text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return "", "", exit.UsageError(flag, "expected NAME=VALUE, got %q", text)
	}
	return name, value, nil
}

// parseRef reads a reference: a bare word is an alias, id:4 a literal id.
func parseRef(flag, text string) (provider.Ref, error) {
	ref := contactrows.RefOf(text)
	if ref.IsZero() {
		return ref, exit.UsageError(flag, "expected an alias or id:ID, got %q", text)
	}
	return ref, nil
}

// parseValues reads NAME=TEXT and NAME:=JSON.
func parseValues(flag string, texts []string) (map[string]any, error) {
	out := make(map[string]any, len(texts))
	for _, t := range texts {
		name, value, err := cutPair(flag, t)
		if err != nil {
			return nil, err
		}
		plain, isJSON := strings.CutSuffix(name, ":")
		if !isJSON {
			out[name] = value
			continue
		}
		var v any
		if err := strictjson.Decode([]byte(value), &v); err != nil {
			return nil, exit.UsageError(flag, "expected a JSON value behind %s:=, got %q: %s", plain, value, err.Message)
		}
		out[plain] = v
	}
	return out, nil
}

// parseSince reads the time of --modified-since; none is the zero time.
func parseSince(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return parseTime("--modified-since", text, time.UTC, time.Now())
}

// parseTime reads a time: RFC 3339, a day with or without a clock and a zone, or a length of
// time from now, "+1h30m" and "-7d". Without a zone the time is that of the zone in.
func parseTime(flag, text string, in *time.Location, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
		if d, ok := parseLength(text); ok {
			return now.Add(d), nil
		}
	}
	clock, zone := text, ""
	if words := strings.Fields(text); len(words) == 3 || len(words) == 2 && !strings.Contains(words[1], ":") {
		clock, zone = strings.Join(words[:len(words)-1], " "), words[len(words)-1]
	}
	if zone != "" {
		if t, err := time.Parse("-07:00", zone); err == nil {
			in = t.Location()
		} else if in, err = time.LoadLocation(zone); err != nil || zone == "Local" {
			return time.Time{}, exit.UsageError(flag, "expected a zone like Asia/Tehran or +03:30, got %q", zone)
		}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, clock); err == nil && zone == "" {
			return t, nil
		}
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.DateOnly} {
		t, err := time.ParseInLocation(layout, clock, in)
		if err != nil {
			continue
		}
		if t.Format(layout) != clock {
			return time.Time{}, exit.UsageError(flag, "%s does not exist in %s: its clocks skip it", clock, in)
		}
		for _, other := range []time.Duration{-time.Hour, time.Hour} {
			if layout != time.DateOnly && t.Add(other).Format(layout) == clock {
				return time.Time{}, exit.UsageError(flag, "%s comes twice in %s, whose clocks go back then: give the offset, like %s", clock, in, t.Format(time.RFC3339))
			}
		}
		return t, nil
	}
	return time.Time{}, exit.UsageError(flag, "expected a time like +2h, 2026-12-25 09:00, 2026-12-25 09:00 Asia/Tehran or 2026-12-25T09:00:00+03:30, got %q", text)
}

// parseLength is settings.ParseDuration with a sign, "+2d" and "-1d12h".
func parseLength(text string) (time.Duration, bool) {
	sign, rest := text[:1], text[1:]
	d, err := settings.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "+") {
		return 0, false
	}
	if sign == "-" {
		d = -d
	}
	return d, true
}
