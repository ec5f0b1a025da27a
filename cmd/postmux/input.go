package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/postmux/postmux/provider"
)

// parseAddress reads an address that flag gave.
func parseAddress(flag, text string) (provider.Address, error) {
	a, err := provider.ParseAddress(text)
	if e, ok := errors.AsType[*provider.Error](err); ok {
		return a, usageErr(flag, "%s", e.Message)
	}
	return a, nil
}

func parseAddresses(flag string, texts []string) ([]provider.Address, error) {
	out := make([]provider.Address, len(texts))
	for i, t := range texts {
		var err error
		if out[i], err = parseAddress(flag, t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// cutPair reads "name=value".
func cutPair(flag, text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	if name = strings.TrimSpace(name); !ok || name == "" {
		return "", "", usageErr(flag, "expected NAME=VALUE, got %q", text)
	}
	return name, value, nil
}

// parseRef reads a reference: a bare word is an alias, id:4 a literal id.
func parseRef(flag, text string) (provider.Ref, error) {
	ref := refOf(text)
	if ref.IsZero() {
		return ref, usageErr(flag, "expected an alias or id:ID, got %q", text)
	}
	return ref, nil
}

// attachment reads a file to attach.
func attachment(name string) (provider.Attachment, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return provider.Attachment{}, usageErr("--attach", "cannot read the file: %v", err)
	}
	if len(data) == 0 {
		return provider.Attachment{}, usageErr("--attach", "%s is empty", name)
	}
	return provider.Attachment{Name: filepath.Base(name), Content: data}, nil
}
