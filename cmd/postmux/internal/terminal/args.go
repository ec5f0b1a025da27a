package terminal

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
)

// WantArgs checks arguments against their names in the usage: [NAME] may be
// left out, NAME... may be repeated.
func WantArgs(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		for i, name := range names {
			name, many := strings.CutSuffix(name, "...")
			if i >= len(args) && !strings.HasPrefix(name, "[") {
				return exit.UsageError(name, "missing; try --help")
			}
			if many {
				return nil
			}
		}
		if len(args) > len(names) {
			return exit.UsageError("", "unexpected argument %q; try --help", args[len(names)])
		}
		return nil
	}
}

// NoCommand refuses words behind a command that only has subcommands. Cobra
// would print the help and exit with 0.
func NoCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return exit.UsageError("", "unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
}

// StrictBuiltins makes cobra's own commands refuse a name they do not know; as
// they come, they print a text and exit with 0. They keep the stdout that root
// has at this moment.
func StrictBuiltins(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Run, cmd.RunE = nil, helpOn
		case "completion":
			cmd.Args = NoCommand
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		default:
			if cmd.HasSubCommands() {
				cmd.AddCommand(groupHelp())
			}
		}
	}
}

// groupHelp is "help" behind a command with subcommands, as it is behind the root.
func groupHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help on a command of these", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return helpOn(cmd, append([]string{cmd.Parent().Name()}, args...))
		},
	}
}

// helpOn prints the help of the command that args name.
func helpOn(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || found == nil || len(rest) > 0 {
		return exit.UsageError("", "no help on %q; postmux --help lists the commands", strings.Join(args, " "))
	}
	found.InitDefaultHelpFlag()
	return found.Help()
}
