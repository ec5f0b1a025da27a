package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
)

// confirm lets a command that destroys something go on: with --yes, or when a person at a
// terminal says so. Where nobody can be asked it is an error that names --yes.
func (a *app) confirm(cmd *cobra.Command, yes bool, verb, question string) error {
	switch {
	case yes:
		return nil
	case !a.talks:
		return exit.UsageError("--yes", "%s needs it where nobody can be asked", verb)
	}
	return ask(cmd, question)
}

// ask asks a person at the terminal; every answer but yes is an error.
func ask(cmd *cobra.Command, question string) error {
	fmt.Fprint(cmd.ErrOrStderr(), question+" [y/N] ")
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "да", "ja", "بله":
		return nil
	}
	return exit.UsageError("", "the answer was no")
}
