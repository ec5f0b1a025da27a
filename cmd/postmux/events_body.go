package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/input"
)

// readBody reads the body of a webhook from a file or stdin.
func readBody(cmd *cobra.Command, args []string) ([]byte, error) {
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	return input.ReadAll(cmd.InOrStdin(), "FILE", name, mostEventLine)
}

// linesOf are the lines of data that are not blank.
func linesOf(data []byte) [][]byte {
	var out [][]byte
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, line)
		}
	}
	return out
}
