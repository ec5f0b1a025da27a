// Command postmux sends mail and keeps contacts at any of several providers
// from the command line. It is a thin layer over package provider: what a command
// does, a program does with the same call.
//
// Streams: data goes to stdout, talk to stderr. Exit codes are listed in package exit
// and by "postmux help exit-codes".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	_ "time/tzdata" // the setting time_zone works where the system has no zones

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider/all"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), terminal.Interrupts()...)
	// After the first signal the next one ends the process at once.
	context.AfterFunc(ctx, stop)
	log.SetOutput(terminal.NewTalk(os.Stderr)) // of net/http
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole tool but for the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{registry: all.Registry(), out: terminal.NewOutput(stdout), errOut: terminal.NewTalk(stderr)}
	a.talks = terminal.IsTerminal(stdin) && terminal.IsTerminal(stderr)
	return a.run(ctx, args, stdin)
}

// run runs the command that args name.
func (a *app) run(ctx context.Context, args []string, stdin io.Reader) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(a.out.Data())
	root.SetErr(a.errOut)
	terminal.StrictBuiltins(root)
	cmd, err := root.ExecuteContextC(ctx)
	a.nothing = nothingOf(cmd)
	a.stream = cmd != nil && cmd.Annotations[streams] != ""
	if err != nil && !a.started {
		// Cobra's own complaints come before any command has run. The flags may
		// not have been read to their end then.
		a.json = a.json || slices.Contains(args, "--json")
		err = exit.AsUsage(err)
	}
	return a.finish(ctx, err)
}

// finish tells err and returns the exit code.
func (a *app) finish(ctx context.Context, err error) int {
	code := exit.Code(err)
	if code == exit.Bug && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		code = exit.Interrupted
	}
	if err != nil && code != exit.Done {
		var r *exit.Result
		told := errors.As(err, &r) && r.Shown
		if a.json && !told {
			if a.stream {
				a.out.Line(exit.NewFailure(err))
			} else {
				a.out.Document(exit.NewFailure(err))
			}
		}
		text := exit.Sentence(err, code, a.nothing)
		if code == exit.Interrupted && !errors.As(err, new(*exit.StopError)) {
			text = "interrupted: " + text
		}
		a.errOut.Lines("postmux: " + text)
		if r != nil {
			for _, line := range r.Next {
				fmt.Fprintln(a.errOut, line)
			}
		}
	}
	if a.out.Failed() != nil && !errors.Is(err, a.out.Failed()) {
		fmt.Fprintf(a.errOut, "postmux: cannot write the output: %v\n", a.out.Failed())
	}
	if a.out.Failed() != nil && code == exit.Done {
		code = exit.Bug
	}
	return code
}
