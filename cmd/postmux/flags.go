package main

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/postmux/postmux/cmd/postmux/internal/contactfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/internal/bounded"
	"github.com/postmux/postmux/internal/strictjson"
	"github.com/postmux/postmux/provider"
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
	ref := contactfile.RefOf(text)
	if ref.IsZero() {
		return ref, exit.UsageError(flag, "expected an alias or id:ID, got %q", text)
	}
	return ref, nil
}

// attachment reads a file to attach.
func attachment(name string) (provider.Attachment, error) {
	data, err := bounded.ReadFile(name, input.MessageMost)
	if err != nil {
		return provider.Attachment{}, exit.UsageError("--attach", "cannot read the file: %v", err)
	}
	if len(data) == 0 {
		return provider.Attachment{}, exit.UsageError("--attach", "%s is empty", name)
	}
	return provider.Attachment{Name: filepath.Base(name), Content: data}, nil
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

func parseSince(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, exit.UsageError("--modified-since", "expected a time like 2026-03-21 or 2026-03-21T09:00:00+03:30, got %q", text)
}
