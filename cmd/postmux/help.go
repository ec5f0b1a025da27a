package main

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how wide a page of help is.
const helpWidth = 80

// usage is the page of a command: examples before all, then its flags by what they are for.
const usage = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{flagPages .}}{{if .HasHelpSubCommands}}

More help:{{range .Commands}}{{if .IsAdditionalHelpTopicCommand}}
  {{rpad .CommandPath .CommandPathPadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" tells more about a command.{{end}}
`

// wrapHelp breaks the texts of a command and those below it into lines.
func wrapHelp(cmd *cobra.Command) {
	cmd.Long = terminal.Wrap(cmd.Long, helpWidth)
	cmd.Example = wrapCommands(cmd.Example)
	for _, sub := range cmd.Commands() {
		wrapHelp(sub)
	}
}

// wrapCommands continues the commands that are too long on lines of their own, before a
// flag.
func wrapCommands(commands string) string {
	var out []string
	for line := range strings.SplitSeq(commands, "\n") {
		for uniseg.StringWidth(line) > helpWidth {
			cut := -1
			for i := range len(line) {
				if strings.HasPrefix(line[i:], " --") && uniseg.StringWidth(line[:i])+len(` \`) <= helpWidth {
					cut = i
				}
			}
			if strings.TrimSpace(line[:max(cut, 0)]) == "" {
				break
			}
			out = append(out, line[:cut]+` \`)
			line = "   " + line[cut:]
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// groupOf is the annotation of a flag that names what it is for.
const groupOf = "group"

// group puts flags of a command under a heading of its help, in the order of the calls.
func group(cmd *cobra.Command, heading string, names ...string) {
	for _, name := range names {
		must(cmd.Flags().SetAnnotation(name, groupOf, []string{heading}))
	}
	order := cmd.Annotations[groupOf]
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[groupOf] = strings.TrimPrefix(order+"\n"+heading, "\n")
}

// flagPages is the part of a page of help that has the flags.
func flagPages(cmd *cobra.Command) string {
	const rest = "Flags"
	sets := map[string]*pflag.FlagSet{}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		heading := rest
		if g := f.Annotations[groupOf]; len(g) == 1 {
			heading = g[0]
		}
		if sets[heading] == nil {
			sets[heading] = pflag.NewFlagSet(heading, pflag.ContinueOnError)
		}
		sets[heading].AddFlag(f)
	})
	var b strings.Builder
	for _, heading := range append(strings.Split(cmd.Annotations[groupOf], "\n"), rest) {
		if set := sets[heading]; set != nil {
			b.WriteString("\n\n" + heading + ":\n" + strings.TrimRight(set.FlagUsagesWrapped(helpWidth), "\n"))
		}
	}
	if cmd.HasAvailableInheritedFlags() {
		b.WriteString("\n\nEverywhere: --config, --provider, --json, --debug (see \"postmux --help\").")
	}
	return b.String()
}
