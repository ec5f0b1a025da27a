package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// completions lets the shell complete accounts, aliases, features and the lists that were
// last printed. Nothing of it asks a provider.
func (a *app) completions(root *cobra.Command) {
	must(root.RegisterFlagCompletionFunc("provider", a.completeAccount))
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			complete := map[string]cobra.CompletionFunc{
				"list": a.completeList, "template": a.completeTemplate, "contacts-account": a.completeAccount,
			}[f.Name]
			if _, has := cmd.GetFlagCompletionFunc(f.Name); complete != nil && !has {
				must(cmd.RegisterFlagCompletionFunc(f.Name, complete))
			}
		})
		if words := strings.Fields(cmd.Use); len(words) > 1 && words[1] == "LIST" && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
				if len(args) > 0 {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
				return a.completeList(cmd, args, word)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// completeAccount offers the accounts of the configuration, silently.
func (a *app) completeAccount(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(cfg.Providers)), cobra.ShellCompDirectiveNoFileComp
}

// completeProvider offers accounts and providers.
func (a *app) completeProvider(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	names, directive := a.completeAccount(cmd, args, word)
	names = append(names, a.registry.Names()...)
	slices.Sort(names)
	return slices.Compact(names), directive
}

// completeList offers the aliases of lists, and the lists that were last printed.
func (a *app) completeList(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := slices.Sorted(maps.Keys(cfg.Aliases.Lists))
	account := a.account
	if account == "" {
		account = cfg.Default
	}
	if data, err := os.ReadFile(printedLists(account)); err == nil {
		names = append(names, strings.Split(strings.TrimSpace(string(data)), "\n")...)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeTemplate offers the aliases of templates.
func (a *app) completeTemplate(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(cfg.Aliases.Templates)), cobra.ShellCompDirectiveNoFileComp
}

// printedLists is the file with the lists of an account that were last printed, for the
// shell; empty where the system has no folder for such files.
func printedLists(account string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "postmux", "lists-"+filepath.Base(account))
}

// keepLists keeps the lists that are printed for completion. It is a convenience: what
// cannot be kept is not completed.
func keepLists(account string, lists []provider.List) {
	path := printedLists(account)
	if path == "" || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	var b strings.Builder
	for _, l := range lists {
		b.WriteString(cobra.CompletionWithDesc("id:"+l.ID, terminal.Printable(l.Name)) + "\n")
	}
	_ = os.WriteFile(path, []byte(b.String()), 0o600)
}
