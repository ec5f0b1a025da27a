package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/version"
)

// linked is the version that a packager gives, whose build knows none:
// go build -ldflags "-X main.linked=1.2.3".
var linked string

// origin is what a binary knows of how it was made.
type origin struct {
	Version  string // without the v
	Commit   string // empty when it was not built in a repository
	Time     string // of the commit, RFC 3339
	Modified bool   // the tree had changes that are in no commit
}

// builtAs reads the build information of this binary; info may be nil. The first of
// these that is known is the version: the one that was installed, what the linker was
// told, the tag or commit of the repository, the constant of the library.
func builtAs(info *debug.BuildInfo, linked string) origin {
	var b origin
	installed, built := "", ""
	if info != nil {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
		switch {
		case info.Main.Sum != "": // the module was downloaded, so its files are those of the version
			installed = info.Main.Version
		case info.Main.Version != "(devel)":
			built = info.Main.Version
		}
	}
	b.Version = strings.TrimPrefix(cmp.Or(installed, linked, built, version.Version), "v")
	return b
}

// thisBuild is that of the running binary.
func thisBuild() origin {
	info, _ := debug.ReadBuildInfo()
	return builtAs(info, linked)
}

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
	b := thisBuild()
	if !a.json {
		a.out.Say(fmt.Sprintf("postmux %s (%s, %s/%s)", b.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH))
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
	doc := map[string]any{
		"version": b.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
		"providers": providers, "routes": routes,
	}
	if b.Commit != "" {
		doc["commit"], doc["commit_time"], doc["modified"] = b.Commit, b.Time, b.Modified
	}
	a.out.Document(doc)
}
