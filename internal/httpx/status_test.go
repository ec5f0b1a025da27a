package httpx

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/internal/outcome"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/rest"
)

var update = flag.Bool("update", false, "write the golden file of failures")

// Each status has one kind and one class. The rows are in order and leave none out.
func TestStatuses(t *testing.T) {
	rows := []struct {
		last  int // the row begins behind the one before
		kind  provider.Kind
		class outcome.Class // of a read or a change
		send  outcome.Class // of a send
	}{
		{last: 299, kind: provider.ErrBadResponse, class: outcome.Refused, send: outcome.Refused},
		{last: 399, kind: provider.ErrBadResponse, class: outcome.Misdirected, send: outcome.Misdirected},
		{last: 400, kind: provider.ErrInvalid, class: outcome.Refused, send: outcome.Refused},
		{last: 401, kind: provider.ErrUnauthorized, class: outcome.Unauthorized, send: outcome.Unauthorized},
		{last: 402, kind: provider.ErrNoCredit, class: outcome.NoCredit, send: outcome.NoCredit},
		{last: 403, kind: provider.ErrForbidden, class: outcome.Unauthorized, send: outcome.Unauthorized},
		{last: 404, kind: provider.ErrNotFound, class: outcome.NotThere, send: outcome.Misdirected},
		{last: 405, kind: provider.ErrInvalid, class: outcome.Misdirected, send: outcome.Misdirected},
		{last: 407, kind: provider.ErrInvalid, class: outcome.Refused, send: outcome.Refused},
		{last: 408, kind: provider.ErrUnavailable, class: outcome.TimedOut, send: outcome.TimedOut},
		{last: 409, kind: provider.ErrConflict, class: outcome.Conflict, send: outcome.Conflict},
		{last: 410, kind: provider.ErrNotFound, class: outcome.NotThere, send: outcome.Misdirected},
		{last: 424, kind: provider.ErrInvalid, class: outcome.Refused, send: outcome.Refused},
		{last: 425, kind: provider.ErrUnavailable, class: outcome.NoConnection, send: outcome.NoConnection},
		{last: 428, kind: provider.ErrInvalid, class: outcome.Refused, send: outcome.Refused},
		{last: 429, kind: provider.ErrRateLimited, class: outcome.Throttled, send: outcome.Throttled},
		{last: 499, kind: provider.ErrInvalid, class: outcome.Refused, send: outcome.Refused},
		{last: 500, kind: provider.ErrUnavailable, class: outcome.ServerFault, send: outcome.ServerFault},
		{last: 501, kind: provider.ErrUnavailable, class: outcome.Misdirected, send: outcome.Misdirected},
		{last: 999, kind: provider.ErrUnavailable, class: outcome.ServerFault, send: outcome.ServerFault},
	}
	status := 100
	for _, row := range rows {
		for ; status <= row.last; status++ {
			kind := KindOfStatus(status)
			assert.Equal(t, row.kind, kind, status)
			assert.Equal(t, row.class, classFor(rest.Read, status, kind), status)
			assert.Equal(t, row.class, classFor(rest.Upsert, status, kind), status)
			assert.Equal(t, row.send, classFor(rest.Send, status, kind), status)
		}
	}
	assert.Equal(t, 1000, status)
}

func classFor(effect rest.Effect, status int, kind provider.Kind) outcome.Class {
	return classOf(effect, status, kind)
}

// What each status means with each kind that an adapter may name, as the error of
// a call reports it. Neighbouring statuses with the same meaning share a line, kinds
// with the same lines a block.
func TestFailuresGolden(t *testing.T) {
	kinds := []provider.Kind{
		"", provider.ErrConfig, provider.ErrInvalid, provider.ErrUnsupported, provider.ErrUnauthorized, provider.ErrForbidden,
		provider.ErrNoCredit, provider.ErrRateLimited, provider.ErrNotFound, provider.ErrConflict, provider.ErrUnavailable,
		provider.ErrOutcomeUnknown, provider.ErrBadResponse, provider.ErrCanceled, provider.ErrInternal, KindDuplicate,
	}
	var got strings.Builder
	for _, effect := range []rest.Effect{rest.Send, rest.Upsert, rest.Read} {
		var blocks []string
		names := map[string][]string{}
		for _, kind := range kinds {
			block := meanings(t, effect, kind)
			if names[block] == nil {
				blocks = append(blocks, block)
			}
			names[block] = append(names[block], strconv.Quote(string(kind)))
		}
		for _, block := range blocks {
			fmt.Fprintf(&got, "%s, the adapter names %s\n%s", effect, strings.Join(names[block], ", "), block)
		}
	}
	file := filepath.Join("testdata", "failures.golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

// meanings has a line for each run of statuses that mean the same.
func meanings(t *testing.T, effect rest.Effect, kind provider.Kind) string {
	var lines strings.Builder
	first, current := 100, meaning(t, effect, 100, kind)
	for status := 101; status <= 600; status++ {
		next := ""
		if status < 600 {
			next = meaning(t, effect, status, kind)
		}
		if next != current {
			fmt.Fprintf(&lines, "  %d-%d %s\n", first, status-1, current)
			first, current = status, next
		}
	}
	return lines.String()
}

// meaning is what the error reports of a call whose answer has the status and for
// which the adapter names kind.
func meaning(t *testing.T, effect rest.Effect, status int, kind provider.Kind) string {
	chain := newChain(t, "https://vendor.example", func(c *Config) {
		c.Classify = func(*Answer) *provider.Error { return &provider.Error{Kind: kind} }
		c.Env.HTTPClient = &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})}
	})
	call := sendCall()
	call.Effect = effect
	_, err := chain.Do(context.Background(), call, new(sent))
	e := errorOf(t, err)
	kept := string(e.Kind)
	if e.Kind == kind {
		kept = "named"
	}
	asked := kind
	if status >= 300 && status <= 399 {
		asked = "" // a redirect is not shown to the adapter
	}
	return fmt.Sprintf("class=%d kind=%s outcome=%s elsewhere=%t", classFor(effect, status, asked), kept, e.Outcome, e.Elsewhere)
}
