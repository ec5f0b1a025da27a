// Command cmd checks the specs and the generator's settings in api, before
// anything is generated from them.
//
//	go run ./internal/specrules/cmd                        (in the root of the module)
//	go run ./internal/specrules/cmd -phrases FOLDER        renews the set by which copied sentences are found,
//	                                                       from the vendors' documents, FOLDER/*.txt
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/postmux/postmux/internal/specrules"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("specrules", flag.ContinueOnError)
	flags.SetOutput(errs)
	root := flags.String("root", ".", "folder of the module")
	phrases := flags.String("phrases", "", "renew the set of copied phrases from `FOLDER`/*.txt")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		fmt.Fprintln(errs, "usage: go run ./internal/specrules/cmd [-root FOLDER] [-phrases FOLDER]")
		return 2
	}
	if *phrases != "" {
		n, err := specrules.WritePhrases(*phrases, *root+"/internal/specrules/phrases.bin")
		if err != nil {
			fmt.Fprintln(errs, err)
			return 1
		}
		fmt.Fprintf(out, "%d phrases\n", n)
		return 0
	}
	problems, err := specrules.Check(*root, specrules.VendorPhrases())
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	for _, p := range problems {
		fmt.Fprintln(errs, p)
	}
	if len(problems) > 0 {
		fmt.Fprintf(errs, "%d broken rules; the rules are in api/README.md\n", len(problems))
		return 1
	}
	return 0
}
