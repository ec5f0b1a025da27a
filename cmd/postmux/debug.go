package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// debugHooks print each request and its answer.
func debugHooks(talk *terminal.Talk) provider.Hooks {
	return provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) {
		var b debugLines
		var req provider.WireRequest
		var answer provider.WireResponse
		if e.Describe != nil {
			req, answer = e.Describe()
		}
		if req.URL == "" {
			req.Method, req.URL = e.Method, e.Route
		}
		again := ""
		if e.Try > 1 {
			again = fmt.Sprintf(" (try %d)", e.Try)
		}
		b.line("--> %s %s%s", req.Method, req.URL, again)
		b.headers(req.Headers)
		b.body(req)
		switch {
		case e.Status != 0:
			b.line("<-- %d in %d ms", e.Status, e.Took.Milliseconds())
		case e.Err != nil:
			b.line("<-- no answer in %d ms: %s", e.Took.Milliseconds(), e.Err.Error())
		default:
			b.line("<-- no answer in %d ms", e.Took.Milliseconds())
		}
		b.headers(answer.Headers)
		if answer.Body != "" {
			b.line("    %s", answer.Body)
		}
		talk.Lines(strings.Join(b, "\n"))
	}}
}

// debugLines are the lines about one request.
type debugLines []string

// line adds one line, whatever its parts hold.
func (b *debugLines) line(format string, args ...any) {
	*b = append(*b, terminal.Printable(fmt.Sprintf(format, args...)))
}

func (b *debugLines) headers(headers map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		b.line("    %s: %s", name, headers[name])
	}
}

func (b *debugLines) body(r provider.WireRequest) {
	if len(r.JSON) > 0 {
		b.line("    %s", r.JSON)
	}
	for _, f := range append(slices.Clone(r.Form), r.Parts...) {
		if f.FileName != "" || f.Bytes > 0 {
			b.line("    %s = file %s, %s, %d bytes", f.Name, f.FileName, f.ContentType, f.Bytes)
			continue
		}
		b.line("    %s = %s", f.Name, f.Value)
	}
}
