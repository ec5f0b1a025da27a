package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/version"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  terminal.WantArgs(),
		RunE: func(*cobra.Command, []string) error {
			a.printVersion()
			return nil
		},
	}
}

func (a *app) printVersion() {
	if !a.json {
		a.out.Say(fmt.Sprintf("postmux %s (%s, %s/%s)", version.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH))
		return
	}
	providers, routes := []string{}, []string{}
	for _, name := range a.registry.Names() {
		if d, _ := a.registry.Driver(name); isRoute(d) {
			routes = append(routes, name)
		} else {
			providers = append(providers, name)
		}
	}
	a.out.Document(map[string]any{
		"version": version.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
		"providers": providers, "routes": routes,
	})
}
