package main

import (
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
)

func newSuppressions(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suppressions",
		Short: "Read and change the addresses that get no mail",
		Long: `Read and change the account's own list of addresses that get no mail, whether
they are contacts or not. Which mail that is differs from provider to provider:
see postmux capabilities.`,
		Args: terminal.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSuppressionList(a), newSuppressionExport(a), newSuppressionAdd(a), newSuppressionRemove(a))
	return cmd
}
