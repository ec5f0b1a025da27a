package main

import (
	"errors"

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
	a.out.Document(d.requests)
	return nil
}

func isDryRun(err error) bool { return errors.Is(err, provider.ErrDryRun) }
