package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// readBody reads the body of a webhook from a file or stdin.
func readBody(cmd *cobra.Command, args []string) ([]byte, error) {
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	return input.ReadAll(cmd.InOrStdin(), "FILE", name, mostEventLine)
}

// keptBody is a line of a journal of bodies.
type keptBody struct {
	Provider   string    `json:"provider"`
	Account    string    `json:"account"`
	Stream     string    `json:"stream,omitempty"`
	ReceivedAt time.Time `json:"received_at"`
	// Body is text, or else in base64: a body may be anything.
	Body   string `json:"body"`
	Base64 bool   `json:"base64,omitempty"`
}

func keptBodyOf(cfg provider.Config, account, stream string, body []byte) keptBody {
	k := keptBody{Account: account, Stream: stream, ReceivedAt: time.Now().UTC(), Body: string(body)}
	k.Provider, _ = cfg.Providers[account]["provider"].(string)
	if !utf8.Valid(body) {
		k.Body, k.Base64 = base64.StdEncoding.EncodeToString(body), true
	}
	return k
}

// events are those of the body, as the handler would have given them on.
func (k *keptBody) events(a *app) ([]events.Event, error) {
	parse, err := a.parseOf(k.Provider, k.Stream)
	if err != nil {
		return nil, fmt.Errorf("no reader for bodies of %q, stream %q", k.Provider, k.Stream)
	}
	body := []byte(k.Body)
	if k.Base64 {
		if body, err = base64.StdEncoding.DecodeString(k.Body); err != nil {
			return nil, errors.New("the body is no base64")
		}
	}
	list, err := parse(body)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Account, list[i].ReceivedAt = k.Account, k.ReceivedAt
	}
	return list, nil
}

// linesOf are the lines of data that are not blank.
func linesOf(data []byte) [][]byte {
	var out [][]byte
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, line)
		}
	}
	return out
}
