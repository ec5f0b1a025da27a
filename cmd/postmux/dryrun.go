package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
)

// dryRun collects the requests that would go out. The operation ends in an
// error of kind dry_run, which show turns into the output.
type dryRun struct {
	on       bool
	requests []provider.WireRequest
}

func (d *dryRun) flag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.on, "dry-run", false, "show the request that would go out, credentials redacted, and send nothing")
}

func (d *dryRun) options() []provider.Option {
	if !d.on {
		return nil
	}
	return []provider.Option{provider.WithDryRun(func(r provider.WireRequest) { d.requests = append(d.requests, r) })}
}

// show prints the requests when err is the end of a dry run. Otherwise err is
// an error that the dry run has found.
func (d *dryRun) show(a *app, err error) error {
	if err != nil && !isDryRun(err) {
		return err
	}
	if d.requests == nil {
		d.requests = []provider.WireRequest{}
	}
	if !a.json {
		for i := range d.requests {
			d.requests[i] = readable(d.requests[i])
		}
	}
	a.out.Document(d.requests)
	return nil
}

// longBase64 is a file in a request.
var longBase64 = regexp.MustCompile(`[A-Za-z0-9+/]{120,}={0,2}`)

// readable is a request for a person: of a file in base64 it has the size.
func readable(r provider.WireRequest) provider.WireRequest {
	size := func(text string) string {
		return longBase64.ReplaceAllStringFunc(text, func(file string) string {
			return fmt.Sprintf("… %d bytes", base64.StdEncoding.DecodedLen(len(file))-strings.Count(file, "="))
		})
	}
	r.JSON = []byte(size(string(r.JSON)))
	if len(r.JSON) == 0 {
		r.JSON = nil
	}
	r.Form = slices.Clone(r.Form)
	for i := range r.Form {
		r.Form[i].Value = size(r.Form[i].Value)
	}
	return r
}

func isDryRun(err error) bool { return errors.Is(err, provider.ErrDryRun) }
