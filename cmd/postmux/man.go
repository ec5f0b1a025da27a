package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages",
		Long:    "Write a manual page for each command into the folder DIR, which is made.",
		Example: "  postmux man ~/.local/share/man/man1",
		Args:    terminal.WantArgs("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return exit.UsageError("DIR", "%v", err)
			}
			header := &doc.GenManHeader{Title: "POSTMUX", Section: "1", Source: "postmux " + thisBuild().Version}
			if err := doc.GenManTree(cmd.Root(), header, args[0]); err != nil {
				return exit.UsageError("DIR", "%v", err)
			}
			return nil
		},
	}
}
