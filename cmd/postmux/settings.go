package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/provider"
)

// setting is one setting in the words of help and of the docs.
type setting struct {
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Required bool   `json:"required"`
	Default  string `json:"default,omitempty"`
	Doc      string `json:"doc"`
}

func newSettings(a *app) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:   "settings [PROVIDER]",
		Short: "List the settings of an account",
		Long: `List the settings that an account of PROVIDER may have in a configuration, or
those that every account may have; "outbox" lists those of an outbox. A text may be a reference: env:NAME reads an
environment variable, file:PATH a file.`,
		Example: `  postmux settings
  postmux settings brevo`,
		Args: terminal.WantArgs("[PROVIDER]"),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case markdown:
				a.out.Text(a.settingsMarkdown())
				return nil
			case len(args) == 0:
				return a.printSettings(commonSettings())
			}
			if args[0] == outboxKey {
				return a.printSettings(outboxSettings())
			}
			d, ok := a.registry.Driver(args[0])
			if !ok {
				return exit.UsageError("", "no provider is called %q; known: %s", args[0], strings.Join(a.registry.Names(), ", "))
			}
			return a.printSettings(append(ownSettings(d), settingsOf(reflect.TypeFor[provider.AccountSettings](), isRoute(d))...))
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write the tables of docs/configuration.md")
	return cmd
}

func (a *app) printSettings(list []setting) error {
	if a.json {
		a.out.Document(list)
		return nil
	}
	for _, s := range list {
		head := s.Name + "  " + s.Kind
		switch {
		case s.Required:
			head += ", required"
		case s.Default != "":
			head += ", default " + s.Default
		}
		a.out.Hang(head, "  ")
		for _, line := range wrap(s.Doc, 76) {
			a.out.Say("    " + line)
		}
	}
	return nil
}

// commonSettings are those that every account may have.
func commonSettings() []setting {
	return settingsOf(reflect.TypeFor[provider.AccountSettings](), false)
}

// ownSettings are those of a driver alone.
func ownSettings(d provider.Driver) []setting {
	common := commonSettings()
	return slices.DeleteFunc(settingsOf(reflect.TypeOf(d.Config()), false), func(s setting) bool {
		return slices.ContainsFunc(common, func(c setting) bool { return c.Name == s.Name })
	})
}

// outboxKey is the key of a configuration that has the settings of an outbox.
const outboxKey = "outbox"

// outboxSettings are those of an outbox.
func outboxSettings() []setting {
	var out []setting
	for _, s := range settingsOf(reflect.TypeFor[outbox.Settings](), false) {
		if s.Name != "retention" {
			out = append(out, s)
			continue
		}
		for _, inner := range settingsOf(reflect.TypeFor[outbox.Retention](), false) {
			inner.Name = s.Name + "." + inner.Name
			out = append(out, inner)
		}
	}
	return out
}

// isRoute reports whether accounts of d send through others: those have members'
// capabilities and none of their own.
func isRoute(d provider.Driver) bool { return d.Capabilities(nil) == nil }

// settingsOf are the settings that a struct declares; for a route, those that a
// route may have.
func settingsOf(typ reflect.Type, route bool) []setting {
	var out []setting
	for _, f := range settings.Fields(typ) {
		if route && f.Tag.Get("route") == "no" {
			continue
		}
		kind := f.Kind
		switch {
		case f.Enum != nil:
			kind = strings.Join(f.Enum, " or ")
		case f.Kind == "number":
			kind = strings.TrimPrefix(f.Bounds(), "a whole ")
		}
		out = append(out, setting{Name: f.Name, Kind: kind, Required: f.Required(settings.Send), Default: f.Default, Doc: f.Doc})
	}
	return out
}

// settingsMarkdown are the tables of docs/configuration.md.
func (a *app) settingsMarkdown() string {
	var b strings.Builder
	table := func(list []setting) {
		b.WriteString("| key | is | default | means |\n|---|---|---|---|\n")
		for _, s := range list {
			def := s.Default
			if s.Required {
				def = "required"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, s.Kind, def, strings.ReplaceAll(s.Doc, "|", `\|`))
		}
	}
	b.WriteString("### Every account\n\n")
	table(commonSettings())
	for _, name := range a.registry.Names() {
		d, _ := a.registry.Driver(name)
		fmt.Fprintf(&b, "\n### %s\n\n", name)
		table(ownSettings(d))
		if isRoute(d) {
			var common []string
			for _, s := range settingsOf(reflect.TypeFor[provider.AccountSettings](), true) {
				common = append(common, "`"+s.Name+"`")
			}
			fmt.Fprintf(&b, "\nOf the settings above it has %s.\n", strings.Join(common, ", "))
		}
	}
	b.WriteString("\n### outbox\n\n")
	table(outboxSettings())
	return b.String()
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
