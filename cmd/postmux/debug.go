package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// debugHooks print each request and its answer.
func debugHooks(w io.Writer) provider.Hooks {
	out := terminal.NewSyncWriter(w)
	return provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) {
		var b strings.Builder
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
		fmt.Fprintf(&b, "--> %s %s%s\n", req.Method, terminal.Printable(req.URL), again)
		debugHeaders(&b, req.Headers)
		debugBody(&b, req)
		switch {
		case e.Status != 0:
			fmt.Fprintf(&b, "<-- %d in %d ms\n", e.Status, e.Took.Milliseconds())
		case e.Err != nil:
			fmt.Fprintf(&b, "<-- no answer in %d ms: %s\n", e.Took.Milliseconds(), terminal.Printable(e.Err.Error()))
		default:
			fmt.Fprintf(&b, "<-- no answer in %d ms\n", e.Took.Milliseconds())
		}
		debugHeaders(&b, answer.Headers)
		if answer.Body != "" {
			fmt.Fprintf(&b, "    %s\n", terminal.Printable(answer.Body))
		}
		_, _ = io.WriteString(out, b.String())
	}}
}

func debugHeaders(b *strings.Builder, headers map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(b, "    %s: %s\n", name, terminal.Printable(headers[name]))
	}
}

func debugBody(b *strings.Builder, r provider.WireRequest) {
	if len(r.JSON) > 0 {
		fmt.Fprintf(b, "    %s\n", terminal.Printable(string(r.JSON)))
	}
	for _, f := range append(slices.Clone(r.Form), r.Parts...) {
		if f.FileName != "" || f.Bytes > 0 {
			fmt.Fprintf(b, "    %s = file %s, %s, %d bytes\n", f.Name, terminal.Printable(f.FileName), f.ContentType, f.Bytes)
			continue
		}
		fmt.Fprintf(b, "    %s = %s\n", f.Name, terminal.Printable(f.Value))
	}
}
